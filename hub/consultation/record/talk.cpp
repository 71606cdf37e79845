#include <algorithm>
#include <cstdlib>
#include <map>
#include <optional>

#include "hub/consultation/record/record_service.hpp"

// Transcript, feedback, follow-ups.
namespace rabt::consultation {

namespace {

constexpr std::int64_t kDayMs = 24LL * 3'600'000;
constexpr std::int64_t kFeedbackDays = 30;
// As long as whoever was in a session treats its patient by it.
constexpr std::int64_t kPlansDays = 30;
// The length that a capability allows in UTF-8.
constexpr std::size_t kMaxSegmentText = 16'000;

// A no holds for every source of words: a page writes down what is heard near it, too.
Status words_may_be_kept(const Membership& of) {
  if (!of.words_refused) return ok_status();
  return conflict("consent.transcription_missing",
                  "somebody who takes part has refused that what is said is written down; nothing "
                  "is kept until he takes that back");
}

// The segments of each speaker stand in the order of their numbers, whenever they arrived; the
// speakers are merged by time.
void put_in_order(std::vector<Record>& segments) {
  std::map<std::string, std::vector<std::size_t>> of_speaker;
  std::vector<std::int64_t> times;
  for (std::size_t i = 0; i < segments.size(); ++i) {
    of_speaker[segments[i].author].push_back(i);
    times.push_back(segments[i].at_ms);
  }
  std::vector<std::pair<std::int64_t, std::size_t>> order;
  for (auto& [speaker, mine] : of_speaker) {
    std::vector<std::int64_t> at;
    for (const std::size_t i : mine) at.push_back(times[i]);
    std::sort(at.begin(), at.end());
    std::stable_sort(mine.begin(), mine.end(), [&](std::size_t a, std::size_t b) {
      return segments[a].document.int_or("seq", 0) < segments[b].document.int_or("seq", 0);
    });
    for (std::size_t k = 0; k < mine.size(); ++k) order.emplace_back(at[k], mine[k]);
  }
  std::stable_sort(order.begin(), order.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  std::vector<Record> sorted;
  sorted.reserve(segments.size());
  for (const auto& [at, i] : order) sorted.push_back(std::move(segments[i]));
  segments = std::move(sorted);
}

// The provider's words that are in the transcript already.
class Heard {
 public:
  void add(const Record& one) {
    of_speaker_[one.author].push_back(
        {.text = plain(one.document.string_or("text", "")),
         .at_ms = one.at_ms,
         .seq = one.document.int_or("seq", 0),
         .provider = one.document.string_or("source", "") == "provider"});
  }
  // Once, when all are added.
  void put_in_order() {
    for (auto& [speaker, list] : of_speaker_)
      std::stable_sort(list.begin(), list.end(),
                       [](const One& a, const One& b) { return a.at_ms < b.at_ms; });
  }
  // The speaker's client sent it. Each segment that is known is the same as one that is asked for.
  bool knows(const std::string& speaker, std::string_view text, std::int64_t at_ms) {
    // A client sends a sentence when it is over, and may have been without a line for a while.
    constexpr std::int64_t kNearMs = 60'000;
    const auto found = of_speaker_.find(speaker);
    if (found == of_speaker_.end()) return false;
    const std::size_t wanted = plain(text);
    for (One& one : found->second) {
      if (!one.provider || one.taken || one.text != wanted || std::abs(one.at_ms - at_ms) > kNearMs)
        continue;
      one.taken = true;
      return true;
    }
    return false;
  }
  // The number that puts a segment after those of its speaker that were said before; nothing where
  // none of the speaker is known.
  [[nodiscard]] std::optional<std::int64_t> seq_at(const std::string& speaker,
                                                   std::int64_t at_ms) const {
    const auto found = of_speaker_.find(speaker);
    if (found == of_speaker_.end()) return std::nullopt;
    std::int64_t seq = std::max<std::int64_t>(found->second.front().seq - 1, 0);
    for (const One& one : found->second) {
      if (one.at_ms <= at_ms) seq = std::max(seq, one.seq);
    }
    return seq;
  }

 private:
  struct One {
    std::size_t text = 0;
    std::int64_t at_ms = 0;
    std::int64_t seq = 0;
    bool provider = false;
    bool taken = false;
  };
  // Hash of a sentence without the spaces and marks in which two ways to write it differ: a long
  // visit is not held word by word.
  static std::size_t plain(std::string_view text) {
    std::string out;
    for (const char c : text) {
      if (std::string_view(" \t\n.,?!").find(c) == std::string_view::npos) out.push_back(c);
    }
    return std::hash<std::string>{}(out);
  }

  std::map<std::string, std::vector<One>> of_speaker_;
};

// Members of a segment as it is kept.
struct Words {
  std::string text;
  std::string language{};
  std::int64_t seq = 0;
  std::optional<std::int64_t> start_ms{};
  std::optional<std::int64_t> end_ms{};
  std::string source;
  bool final = true;
  Json confidence{};
  std::string recording{};
  std::string voice{};
};
void write_segment(Record& record, const Words& words) {
  Json& document = record.document;
  document.set("text", words.text);
  document.set("language", words.language.empty() ? Json() : Json(words.language));
  document.set("seq", words.seq);
  if (words.start_ms) document.set("startMs", *words.start_ms);
  if (words.end_ms) document.set("endMs", *words.end_ms);
  document.set("source", words.source);
  document.set("final", words.final);
  document.set("confidence", words.confidence);
  if (!words.recording.empty()) document.set("recording", words.recording);
  if (!words.voice.empty()) document.set("voice", words.voice);
}

// The role asr writes down recordings, and never the sound of one segment.
Error no_recognition() {
  return unavailable("asr.not_configured",
                     "the sound of a segment is not written down, also where a plugin writes down "
                     "recordings; send the text of the segment");
}

}  // namespace

Result<TranscriptView> RecordService::transcript(const Caller& caller,
                                                 const Asked<ListRecords>& asked) {
  RABT_TRY(request, asked);
  RABT_TRY(of, member(caller, request.session));
  RABT_TRY_STATUS(may_read(caller, of, RecordKind::segment));
  RABT_TRY(page, book_.page(of, RecordKind::segment, request.after));
  put_in_order(page.records);
  RABT_TRY_STATUS(
      audit_reading(caller, of, "transcript.read", Json::object({{"count", page.records.size()}})));
  RecordList<SegmentView> list = list_of(std::move(page), &segment_view);
  return TranscriptView{.session = of.session,
                        .items = std::move(list.items),
                        .gaps = of.transcript_gaps,
                        .next = std::move(list.next)};
}

Result<SegmentView> RecordService::add_segment(const Caller& caller,
                                               const Asked<AddSegment>& asked) {
  RABT_TRY(request, asked);
  RABT_TRY(of, member(caller, request.session));
  RABT_TRY(allowed, may_write(caller, of, RecordKind::segment));
  RABT_TRY_STATUS(not_over(of));
  if (request.audio) return no_recognition();
  RABT_TRY_STATUS(words_may_be_kept(of));
  // The provider hears who has consented, and nobody else.
  if (request.source == "provider" && !of.transcribed)
    return conflict("transcription.not_started",
                    "the video provider of this session does not write down what is said now");
  RecordAct act{.record = fresh(caller, of, RecordKind::segment), .also = {}};
  const std::int64_t now = act.record.at_ms;
  write_segment(act.record, {.text = request.text,
                             .language = request.language,
                             .seq = request.seq.value_or(now - of.started_ms.value_or(now)),
                             .start_ms = request.start_ms,
                             .end_ms = request.end_ms,
                             .source = request.source,
                             .final = request.final,
                             .confidence = request.confidence});
  // A segment that is not final is said again, and kept then.
  if (!request.final) return segment_view(act.record);
  if (request.seq) act.record.client = "seq:" + std::to_string(*request.seq);
  act.events.emplace_back("transcript-added", Json::object({{"segment", act.record.id},
                                                            {"from", of.participant},
                                                            {"source", request.source}}));
  act.shape = &shown_as<&segment_view>;
  RABT_TRY_STATUS(book_.commit(allowed, caller, of, act));
  return segment_view(act.record);
}

Result<SegmentsWritten> RecordService::add_transcript(const Caller& caller,
                                                      const Asked<AddTranscript>& asked) {
  RABT_TRY(request, asked);
  RABT_TRY(of, member(caller, request.session));
  RABT_TRY(allowed, may_write(caller, of, RecordKind::segment));
  RABT_TRY_STATUS(words_may_be_kept(of));
  std::int64_t n = 0;
  for (const AddTranscript::Segment& one : request.segments) {
    if (one.text.empty() || one.text.size() > kMaxSegmentText)
      return invalid("api.invalid", "segments: each has a text of at most 16000 bytes");
    RecordAct act{
        .record = fresh(caller, of, RecordKind::segment), .while_open = false, .also = {}};
    // The order of what was said is that of the live segments: by time.
    act.record.at_ms = request.started_ms + one.start_ms;
    act.record.client = "recording:" + request.recording + ":" + std::to_string(n++);
    write_segment(act.record, {.text = one.text,
                               .language = request.language,
                               .seq = request.offset_ms + one.start_ms,
                               .start_ms = request.offset_ms + one.start_ms,
                               .end_ms = request.offset_ms + one.end_ms,
                               .source = "asr",
                               .confidence = one.confidence,
                               .recording = request.recording,
                               .voice = one.speaker});
    if (n == static_cast<std::int64_t>(request.segments.size())) {
      const Json told = Json::object({{"recording", request.recording}, {"segments", n}});
      act.acts.emplace_back("transcript.written", told);
      act.events.emplace_back("transcript-ready", told);
    }
    RABT_TRY_STATUS(book_.commit(allowed, caller, of, act));
  }
  return SegmentsWritten{.segments = n};
}

Result<SegmentsWritten> RecordService::add_said(const Caller& caller, const Asked<AddSaid>& asked) {
  RABT_TRY(request, asked);
  if (request.said.size() > kMaxSegments)
    return invalid("api.invalid", "said: it must be a list of at most 10000");
  RABT_TRY(of, member(caller, request.session));
  RABT_TRY(allowed, may_write(caller, of, RecordKind::segment));
  Heard heard;
  RABT_TRY_STATUS(
      book_.each(of, RecordKind::segment, [&heard](const Record& one) { heard.add(one); }));
  heard.put_in_order();
  std::int64_t n = 0;
  for (const Said& one : request.said) {
    const std::int64_t at = one.at_ms;
    const std::int64_t since = of.started_ms.value_or(at);
    if (one.text.empty() || one.text.size() > kMaxSegmentText || at <= 0)
      return invalid("api.invalid", "said: each has a time, and a text of at most 16000 bytes");
    RecordAct act{
        .record = fresh(caller, of, RecordKind::segment), .while_open = false, .also = {}};
    act.record.author = one.participant;
    if (heard.knows(act.record.author, one.text, at)) continue;
    act.record.at_ms = at;
    act.record.client = "said:" + request.recording + ":" + one.key;
    const auto offset = [&](std::int64_t ms) {
      return std::clamp<std::int64_t>(ms - since, 0, kMostInSessionMs);
    };
    const RecordAuthor author{
        .participant = one.participant, .person = one.person, .role = one.role};
    act.record.document.set("author", to_json(author));
    write_segment(act.record, {.text = one.text,
                               .seq = heard.seq_at(one.participant, at).value_or(offset(at)),
                               .start_ms = offset(at),
                               .end_ms = offset(std::max(at, one.end_ms)),
                               .source = "provider",
                               .confidence = one.confidence,
                               .recording = request.recording});
    RABT_TRY_STATUS(book_.commit(allowed, caller, of, act));
    ++n;
  }
  if (n == 0) return SegmentsWritten{};
  const Json told = Json::object({{"recording", request.recording}, {"segments", n}});
  RABT_TRY_STATUS(book_.tell(caller, of,
                             {.record = {},
                              .acts = {{"transcript.written", told}},
                              .events = {{"transcript-ready", told}},
                              .also = {}}));
  return SegmentsWritten{.segments = n};
}

Result<RecordList<FeedbackView>> RecordService::feedback(const Caller& caller,
                                                         const Asked<ListFeedback>& asked) {
  RABT_TRY(request, asked);
  RABT_TRY(of, member(caller, request.session));
  RABT_TRY_STATUS(may_read(caller, of, RecordKind::feedback));
  // One of each who took part.
  RABT_TRY(given, book_.page(of, RecordKind::feedback, ""));
  RecordList<FeedbackView> shown;
  for (const Record& record : given.records) {
    if (!is_shown(caller, of, record)) continue;
    shown.items.push_back(feedback_view(record));
    if (!may_read_comments(caller, of)) shown.items.back().comments.reset();
  }
  RABT_TRY_STATUS(audit_reading(caller, of, "session.read",
                                Json::object({{"of", "feedback"}, {"count", shown.items.size()}})));
  return shown;
}

//
Result<FeedbackView> RecordService::give_feedback(const Caller& caller,
                                                  const Asked<GiveFeedback>& asked) {
  RABT_TRY(request, asked);
  RABT_TRY(of, member(caller, request.session));
  RABT_TRY(allowed, may_write(caller, of, RecordKind::feedback));
  if (of.status != SessionStatus::completed) {
    return conflict("session.not_completed", "the session is " + std::string(to_string(of.status)) +
                                                 "; feedback needs completed");
  }
  const Timestamp now = parts_.clock.now();
  if (now.ms - of.ended_ms.value_or(0) > kFeedbackDays * kDayMs)
    return conflict("feedback.closed", "feedback is taken for 30 days after the session's end");

  RABT_TRY(given, book_.page(of, RecordKind::feedback, ""));
  RecordAct act{.record = fresh(caller, of, RecordKind::feedback), .while_open = false, .also = {}};
  // One for each participant: the new one takes the old one's place.
  act.record.client = "one";
  for (Record& before : given.records) {
    if (before.author != of.participant) continue;
    act.record = std::move(before);
    act.record.updated_ms = now.ms;
    ++act.record.version;
    act.replaces = true;
  }
  Json& document = act.record.document;
  document = Json::object({{"author", to_json(author_of(caller, of))}, {"rating", request.rating}});
  if (request.connection_rating) document.set("connectionRating", *request.connection_rating);
  if (!request.comments.empty()) document.set("comments", request.comments);
  const Json told = Json::object({{"feedback", act.record.id}, {"rating", request.rating}});
  act.acts.emplace_back("feedback.given", told);
  act.events.emplace_back("feedback-given", told);
  act.shape = &shown_as<&feedback_view>;
  RABT_TRY_STATUS(book_.commit(allowed, caller, of, act));
  return feedback_view(act.record);
}

Result<RecordList<FollowUpView>> RecordService::follow_ups(const Caller& caller,
                                                           const Asked<ListRecords>& asked) {
  RABT_TRY(found, page(caller, asked, RecordKind::follow_up));
  return list_of(std::move(found), &follow_up_view);
}

Result<FollowUpView> RecordService::plan_follow_up(const Caller& caller,
                                                   const Asked<PlanFollowUp>& asked) {
  RABT_TRY(request, asked);
  const Timestamp now = parts_.clock.now();
  if (request.at && request.at->ms <= now.ms)
    request.mistakes.insert(request.before_time, "at", "it must lie in the future");
  RABT_TRY_STATUS(request.mistakes.status());
  RABT_TRY(of, member(caller, request.session));
  RABT_TRY(allowed, may_write(caller, of, RecordKind::follow_up));
  // The hub books what is planned, on the word that the visit stood on.
  if (!request.book && now.ms - of.ended_ms.value_or(now.ms) > kPlansDays * kDayMs)
    return conflict("follow_up.closed",
                    "the visit ended more than 30 days ago, and the hub plans nothing by it any "
                    "more; book the follow-up now, or let the front desk book it");
  const Timestamp due =
      request.at.value_or(Timestamp{now.ms + request.after_days.value_or(0) * kDayMs});

  RecordAct act{
      .record = fresh(caller, of, RecordKind::follow_up), .while_open = false, .also = {}};
  act.record.state = request.book ? "booked" : "proposed";
  Json& document = act.record.document;
  document.set("dueAt", to_iso8601(due));
  document.set("plannedMinutes", request.planned_minutes);
  if (!request.reason.empty()) document.set("reason", request.reason);
  Json told = Json::object({{"followUp", act.record.id},
                            {"dueAt", to_iso8601(due)},
                            {"plannedMinutes", request.planned_minutes}});
  if (request.book) {
    // The session comes first: a follow-up is booked only when there is one, and the session names
    // the one that it follows.
    Ask create{.caller = caller};
    // A repeat after a crash books no second session.
    create.caller.once = {};
    if (!caller.repeat.empty()) create.caller.key = "follow-up " + of.session + " " + caller.repeat;
    create.body = Json::object({{"type", "doctor_patient"},
                                {"provider", of.provider},
                                {"scheduledStart", to_iso8601(due)},
                                {"plannedMinutes", request.planned_minutes},
                                {"followUpOf", of.session}});
    if (!of.patient.empty()) create.body.set("patient", of.patient);
    RABT_TRY(session, parts_.book(create));
    document.set("bookedSession", session["id"]);
    told.set("bookedSession", session["id"]);
  }
  act.acts.emplace_back("followup.created", told);
  act.events.emplace_back("follow-up-created", told);
  act.shape = &shown_as<&follow_up_view>;
  RABT_TRY_STATUS(book_.commit(allowed, caller, of, act));
  return follow_up_view(act.record);
}

}  // namespace rabt::consultation
