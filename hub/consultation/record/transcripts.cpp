#include "hub/consultation/record/transcripts.hpp"

#include <algorithm>
#include <cstdlib>
#include <map>
#include <optional>

#include "hub/consultation/record/rights.hpp"

namespace rabt::consultation {

namespace {

// The length that a capability allows in UTF-8.
constexpr std::size_t kMaxSegmentText = 16'000;

// A no holds for every source of words: a page writes down what is heard near it, too.
Status words_may_be_kept(const Membership& of) {
  if (!of.words_refused) return ok_status();
  return conflict("consent.transcription_missing",
                  "somebody who takes part has refused that what is said is written down; nothing "
                  "is kept until he takes that back");
}

// A machine hears a voice only where everybody who took part so far has consented.
Status sound_may_be_heard(const Membership& of) {
  if (of.transcribable) return ok_status();
  return conflict("consent.transcription_missing",
                  "no sound is written down without a consent of kind transcription by everybody "
                  "who took part: POST /api/v1/sessions/{id}/consents");
}

// As asr.transcribe/1 takes it: two or three letters, then perhaps a country.
bool is_language(std::string_view text) {
  const auto all = [](std::string_view part, char first, char last) {
    return std::all_of(part.begin(), part.end(), [&](char c) { return c >= first && c <= last; });
  };
  const std::string_view word = text.substr(0, text.find('-'));
  const std::string_view country = text.substr(word.size());
  return (word.size() == 2 || word.size() == 3) && all(word, 'a', 'z') &&
         (country.empty() || (country.size() == 3 && all(country.substr(1), 'A', 'Z')));
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
  for (auto& [speaker, places] : of_speaker) {
    std::vector<std::int64_t> at;
    for (const std::size_t i : places) at.push_back(times[i]);
    std::sort(at.begin(), at.end());
    std::stable_sort(places.begin(), places.end(), [&](std::size_t a, std::size_t b) {
      return segments[a].document.int_or("seq", 0) < segments[b].document.int_or("seq", 0);
    });
    for (std::size_t k = 0; k < places.size(); ++k) order.emplace_back(at[k], places[k]);
  }
  std::stable_sort(order.begin(), order.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  std::vector<Record> sorted;
  sorted.reserve(segments.size());
  for (const auto& [at, i] : order) sorted.push_back(std::move(segments[i]));
  segments = std::move(sorted);
}

// Sentences that are in the transcript already, by speaker.
class Heard {
 public:
  void add(const Record& segment) {
    of_speaker_[segment.author].push_back(
        {.text = plain(segment.document.string_or("text", "")),
         .at_ms = segment.at_ms,
         .seq = segment.document.int_or("seq", 0),
         .provider = segment.document.string_or("source", "") == "provider"});
  }
  // Called once, after the last add().
  void put_in_order() {
    for (auto& [speaker, list] : of_speaker_)
      std::stable_sort(list.begin(), list.end(),
                       [](const Sentence& a, const Sentence& b) { return a.at_ms < b.at_ms; });
  }
  // True if the speaker's client has sent this sentence. Each sent sentence answers one call alone.
  bool knows(const std::string& speaker, std::string_view text, std::int64_t at_ms) {
    // A client sends a sentence when it is over, and may have been without a line for a while.
    constexpr std::int64_t kNearMs = 60'000;
    const auto found = of_speaker_.find(speaker);
    if (found == of_speaker_.end()) return false;
    const std::size_t wanted = plain(text);
    for (Sentence& sentence : found->second) {
      if (!sentence.provider || sentence.taken || sentence.text != wanted ||
          std::abs(sentence.at_ms - at_ms) > kNearMs)
        continue;
      sentence.taken = true;
      return true;
    }
    return false;
  }
  // The number that places a segment behind the earlier ones of its speaker. Unset if the speaker
  // has no segment.
  [[nodiscard]] std::optional<std::int64_t> seq_at(const std::string& speaker,
                                                   std::int64_t at_ms) const {
    const auto found = of_speaker_.find(speaker);
    if (found == of_speaker_.end()) return std::nullopt;
    std::int64_t seq = std::max<std::int64_t>(found->second.front().seq - 1, 0);
    for (const Sentence& sentence : found->second) {
      if (sentence.at_ms <= at_ms) seq = std::max(seq, sentence.seq);
    }
    return seq;
  }

 private:
  struct Sentence {
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

  std::map<std::string, std::vector<Sentence>> of_speaker_;
};

}  // namespace

Result<TranscriptView> Transcripts::read(const Caller& caller, const Asked<ListRecords>& asked) {
  RABT_TRY(request, asked);
  RABT_TRY(of, office_.member(caller, request.session));
  RABT_TRY_STATUS(may_read(caller, of, RecordKind::segment));
  RABT_TRY(page, office_.book().page(of, RecordKind::segment, request.after));
  put_in_order(page.records);
  RABT_TRY_STATUS(office_.audit_reading(caller, of, "transcript.read",
                                        Json::object({{"count", page.records.size()}})));
  RecordList<SegmentView> list = list_of(std::move(page), &segment_view);
  return TranscriptView{.session = of.session,
                        .items = std::move(list.items),
                        .gaps = of.transcript_gaps,
                        .next = std::move(list.next)};
}

Result<SegmentView> Transcripts::add_segment(const Caller& caller, const Asked<AddSegment>& asked) {
  RABT_TRY(request, asked);
  if (request.audio.empty()) return keep_segment(caller, request, false);
  RABT_TRY(of, office_.member(caller, request.session));
  RABT_TRY_STATUS(may_write(caller, of, RecordKind::segment));
  RABT_TRY_STATUS(not_over(of));
  RABT_TRY_STATUS(recogniser_.is_bound());
  RABT_TRY_STATUS(sound_may_be_heard(of));
  const std::string& language = request.language.empty() ? of.language : request.language;
  if (!is_language(language))
    return invalid("asr.language", "language: it must be a code such as en or ar-SA");
  RABT_TRY(heard, recogniser_.hear(caller, of, request.audio, language));
  AddSegment said = request;
  said.audio.clear();
  said.text = std::move(heard.text);
  said.language = std::move(heard.language);
  said.confidence = std::move(heard.confidence);
  said.source = "asr";
  return keep_segment(caller, said, true);
}

Result<SegmentView> Transcripts::keep_segment(const Caller& caller, const AddSegment& request,
                                              bool heard) {
  // The sound was heard for a while: what the caller and the consents were then, they may be no
  // more.
  RABT_TRY(of, office_.member(caller, request.session));
  RABT_TRY(allowed, may_write(caller, of, RecordKind::segment));
  RABT_TRY_STATUS(not_over(of));
  if (heard) RABT_TRY_STATUS(sound_may_be_heard(of));
  RABT_TRY_STATUS(words_may_be_kept(of));
  // The provider hears who has consented, and nobody else.
  if (request.source == "provider" && !of.transcribed)
    return conflict("transcription.not_started",
                    "the video provider of this session does not write down what is said now");
  RecordAct act{.record = office_.fresh(caller, of, RecordKind::segment), .also = {}};
  const std::int64_t now = act.record.at_ms;
  write_segment({.text = request.text,
                 .language = request.language,
                 .seq = request.seq.value_or(now - of.started_ms.value_or(now)),
                 .start_ms = request.start_ms,
                 .end_ms = request.end_ms,
                 .source = request.source,
                 .final = request.final,
                 .confidence = request.confidence},
                act.record.document);
  // A segment that is not final is said again, and kept then.
  if (!request.final) return segment_view(act.record);
  if (request.seq) act.record.client = "seq:" + std::to_string(*request.seq);
  act.events.emplace_back("transcript-added", Json::object({{"segment", act.record.id},
                                                            {"from", of.participant},
                                                            {"source", request.source}}));
  act.shape = &shown_as<&segment_view>;
  RABT_TRY_STATUS(office_.book().commit(allowed, caller, of, act));
  return segment_view(act.record);
}

Result<SegmentsWritten> Transcripts::add_transcript(const Caller& caller,
                                                    const Asked<AddTranscript>& asked) {
  RABT_TRY(request, asked);
  RABT_TRY(of, office_.member(caller, request.session));
  RABT_TRY(allowed, may_write(caller, of, RecordKind::segment));
  RABT_TRY_STATUS(words_may_be_kept(of));
  std::int64_t n = 0;
  for (const AddTranscript::Segment& segment : request.segments) {
    if (segment.text.empty() || segment.text.size() > kMaxSegmentText)
      return invalid("api.invalid", "segments: each has a text of at most 16000 bytes");
    RecordAct act{
        .record = office_.fresh(caller, of, RecordKind::segment), .while_open = false, .also = {}};
    // The order of what was said is that of the live segments: by time.
    act.record.at_ms = request.started_ms + segment.start_ms;
    act.record.client = "recording:" + request.recording + ":" + std::to_string(n++);
    write_segment({.text = segment.text,
                   .language = request.language,
                   .seq = request.offset_ms + segment.start_ms,
                   .start_ms = request.offset_ms + segment.start_ms,
                   .end_ms = request.offset_ms + segment.end_ms,
                   .source = "asr",
                   .confidence = segment.confidence,
                   .recording = request.recording,
                   .voice = segment.speaker},
                  act.record.document);
    if (n == static_cast<std::int64_t>(request.segments.size())) {
      const Json detail = Json::object({{"recording", request.recording}, {"segments", n}});
      act.acts.emplace_back("transcript.written", detail);
      act.events.emplace_back("transcript-ready", detail);
    }
    RABT_TRY_STATUS(office_.book().commit(allowed, caller, of, act));
  }
  return SegmentsWritten{.segments = n};
}

Result<SegmentsWritten> Transcripts::add_said(const Caller& caller, const Asked<AddSaid>& asked) {
  RABT_TRY(request, asked);
  if (request.said.size() > kMaxSegments)
    return invalid("api.invalid", "said: it must be a list of at most 10000");
  RABT_TRY(of, office_.member(caller, request.session));
  RABT_TRY(allowed, may_write(caller, of, RecordKind::segment));
  Heard heard;
  RABT_TRY_STATUS(office_.book().each(of, RecordKind::segment,
                                      [&heard](const Record& segment) { heard.add(segment); }));
  heard.put_in_order();
  std::int64_t n = 0;
  for (const Said& said : request.said) {
    const std::int64_t at = said.at_ms;
    const std::int64_t since = of.started_ms.value_or(at);
    if (said.text.empty() || said.text.size() > kMaxSegmentText || at <= 0)
      return invalid("api.invalid", "said: each has a time, and a text of at most 16000 bytes");
    RecordAct act{
        .record = office_.fresh(caller, of, RecordKind::segment), .while_open = false, .also = {}};
    act.record.author = said.participant;
    if (heard.knows(act.record.author, said.text, at)) continue;
    act.record.at_ms = at;
    act.record.client = "said:" + request.recording + ":" + said.key;
    const auto offset = [&](std::int64_t ms) {
      return std::clamp<std::int64_t>(ms - since, 0, kMostInSessionMs);
    };
    const RecordAuthor author{
        .participant = said.participant, .person = said.person, .role = said.role};
    act.record.document.set("author", to_json(author));
    write_segment({.text = said.text,
                   .seq = heard.seq_at(said.participant, at).value_or(offset(at)),
                   .start_ms = offset(at),
                   .end_ms = offset(std::max(at, said.end_ms)),
                   .source = "provider",
                   .confidence = said.confidence,
                   .recording = request.recording},
                  act.record.document);
    RABT_TRY_STATUS(office_.book().commit(allowed, caller, of, act));
    ++n;
  }
  if (n == 0) return SegmentsWritten{};
  const Json detail = Json::object({{"recording", request.recording}, {"segments", n}});
  RABT_TRY_STATUS(office_.book().tell(caller, of,
                                      {.record = {},
                                       .acts = {{"transcript.written", detail}},
                                       .events = {{"transcript-ready", detail}},
                                       .also = {}}));
  return SegmentsWritten{.segments = n};
}

}  // namespace rabt::consultation
