#include "hub/consultation/intents/kinds.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "hub/base/check.hpp"
#include "hub/consultation/recording/rows.hpp"

namespace rabt::consultation {

namespace {

constexpr std::int64_t kCallMs = 30'000;
constexpr std::int64_t kFetchMs = 3'600'000;
constexpr std::int64_t kLongestPauseMs = 10LL * 60 * 1000;
// A copy that a provider does not delete is asked for over more than two days.
constexpr std::int64_t kSeldomMs = 6LL * 3600 * 1000;
constexpr std::int64_t kSeldomFrom = 17;
// The hub counts persons. Whoever lost the line may stand in the room twice for a while.
constexpr std::int64_t kGhosts = 2;

IntentCall skipped(std::string_view why) {
  return {.skip = why};
}
IntentCall in_room(const IntentRoom& room) {
  return {.arguments = Json::object({{"sessionId", room.sid}})};
}

// ---- Calls

Result<IntentCall> open_room(const IntentDesk& desk, const Intent& intent, const IntentRoom& room) {
  const Session& session = room.session;
  if (session.over() && intent.attempts == 0) return skipped("over");
  Json people = Json::array();
  for (const Participant& participant : session.people.participants) {
    if (!participant.admitted()) continue;
    Json person = Json::object(
        {{"role", provider_role(participant.role)}, {"identity", participant.identity}});
    if (only_receives(session.type, participant.role) && desk.video.has(session, "receive-only"))
      person.set("receiveOnly", true);
    people.push_back(std::move(person));
  }
  // the room has the session's name at the provider, too, also when it is opened again.
  return IntentCall{.arguments = Json::object({{"reference", session.room.name},
                                               {"participants", std::move(people)},
                                               {"maxParticipants", session.people.most + kGhosts}}),
                    .key = session.room.name};
}

// video.recording.fetch and video.recording.delete.
Result<IntentCall> of_recording(const IntentDesk& desk, const Intent& intent,
                                const IntentRoom& room) {
  const auto recording = find_session_recording(desk.acts.parts(), intent.subject);
  if (!recording.ok() && recording.error().kind != ErrorKind::not_found) return recording.error();
  if (!recording.ok() || recording->sid.empty()) return skipped("unknown");
  if (intent.kind == kDeleteCopy &&
      !desk.video.serves(room.session, kind_of(intent.kind).capability))
    return skipped("not_served");
  return IntentCall{.arguments = Json::object({{"recordingId", recording->sid}})};
}

Result<IntentCall> remove_participant(const IntentDesk& desk, const Intent& intent,
                                      const IntentRoom& room) {
  const Participant* const one = room.session.participant(intent.subject);
  if (room.sid.empty() || one == nullptr || room.session.over()) return skipped("no_room");
  if (!desk.video.serves(room.session, kind_of(intent.kind).capability))
    return skipped("not_served");
  IntentCall call = in_room(room);
  call.arguments.set("identity", one->identity);
  return call;
}

Result<IntentCall> hold_receivers(const IntentDesk& /*desk*/, const Intent& /*intent*/,
                                  const IntentRoom& room) {
  const Session& session = room.session;
  if (room.sid.empty() || session.over()) return skipped("no_room");
  Json receivers = Json::array();
  for (const Participant& participant : session.people.participants) {
    if (participant.takes_part() && only_receives(session.type, participant.role))
      receivers.push_back(participant.identity);
  }
  if (receivers.size() == 0) return skipped("nobody");
  IntentCall call = in_room(room);
  call.arguments.set("receivers", std::move(receivers));
  return call;
}

Result<IntentCall> start_transcription(const IntentDesk& /*desk*/, const Intent& /*intent*/,
                                       const IntentRoom& room) {
  // A transcription that was stopped again meanwhile does not begin.
  if (!room.session.transcript.on) return skipped("stopped");
  if (room.sid.empty()) return IntentCall{.refused = "video.no_room"};
  IntentCall call = in_room(room);
  call.arguments.set("language", room.session.options.language);
  return call;
}

Result<IntentCall> start_recording(const IntentDesk& /*desk*/, const Intent& intent,
                                   const IntentRoom& room) {
  // The room came after the end: there is nobody to record.
  if (room.session.over() && intent.attempts == 0) return skipped("over");
  if (!room.sid.empty()) return in_room(room);
  if (room.session.over()) return skipped("no_room");
  return IntentCall{.refused = "video.no_room"};
}

Result<IntentCall> collect(const IntentDesk& /*desk*/, const Intent& intent,
                           const IntentRoom& room) {
  // The subject is a room that ended before the session did.
  const std::string& sid = intent.subject.empty() ? room.sid : intent.subject;
  if (sid.empty()) return skipped("no_room");
  return IntentCall{.arguments = Json::object({{"sessionId", sid}})};
}

Result<IntentCall> usual(const IntentDesk& /*desk*/, const Intent& /*intent*/,
                         const IntentRoom& room) {
  // There is no room to end, or to stop something in.
  return room.sid.empty() ? skipped("no_room") : in_room(room);
}

// ---- Answers

Result<Verdict> room_opened(const IntentDesk& desk, const Intent& intent, const Json& output) {
  const std::string sid = output.string_or("sessionId", "");
  if (sid.empty()) return Verdict{.then = Verdict::Then::give_up, .code = "video.no_room"};
  RABT_TRY(acted,
           desk.acts.act_as_hub(intent.session,
                                RoomOpened{.sid = sid, .region = output.string_or("region", "")},
                                [&](store::Transaction& transaction, const Change& /*change*/) {
                                  return close_intent(transaction, intent, "done", "", sid);
                                }));
  (void)acted;
  return Verdict{.then = Verdict::Then::closed};
}

// The provider knows who was there, also when its news were lost.
Result<Verdict> room_ended(const IntentDesk& desk, const Intent& intent, const Json& output) {
  if (desk.acts.parts().settings.provider_events)
    RABT_TRY_STATUS(desk.looks.people_of(intent.session, output["participants"]));
  return Verdict{};
}

Result<Verdict> recording_started(const IntentDesk& /*desk*/, const Intent& /*intent*/,
                                  const Json& output) {
  // The room was gone: nothing is recorded, and nobody may believe that something is.
  if (output.bool_or("recording", true)) return Verdict{};
  return Verdict{.then = Verdict::Then::give_up, .code = "video.not_recording"};
}

Result<Verdict> transcription_started(const IntentDesk& desk, const Intent& intent,
                                      const Json& output) {
  if (!output.bool_or("transcribing", true))
    return Verdict{.then = Verdict::Then::give_up, .code = "video.not_transcribing"};
  desk.looks.transcribes(intent.session);
  return Verdict{};
}

Result<Verdict> collected(const IntentDesk& desk, const Intent& intent, const Json& output) {
  return desk.recordings.collected(intent, output);
}
Result<Verdict> fetched(const IntentDesk& desk, const Intent& intent, const Json& output) {
  return desk.recordings.fetched(intent, output);
}
Result<Verdict> deleted(const IntentDesk& desk, const Intent& intent,
                        const workflow::ActionOutcome& outcome) {
  return desk.recordings.deleted(intent, outcome);
}

// ---- Ends without success

Command no_room(const Intent& /*intent*/, const GivenUp& how) {
  return RoomNotOpened{.warning =
                           std::string(how.state == "parked" ? "video.room_unknown" : how.warning)};
}
Command no_recording(const Intent& intent, const GivenUp& how) {
  return RecordingLost{intent.subject, std::string(how.code)};
}
Command no_transcription(const Intent& /*intent*/, const GivenUp& how) {
  return TranscriptionLost{.code = std::string(how.code)};
}

constexpr std::array<IntentKind, 11> kKinds{
    {{"open-room", "video.session.create", kCallMs, kLongestPauseMs, false, open_room, room_opened,
      nullptr, no_room},
     {"end-room", "video.session.end", kCallMs, kLongestPauseMs, false, usual, room_ended, nullptr,
      nullptr},
     {"collect", "video.recording.list", kCallMs, kLongestPauseMs, true, collect, collected,
      nullptr, nullptr},
     {"fetch", "video.recording.fetch", kFetchMs, kLongestPauseMs, true, of_recording, fetched,
      nullptr, nullptr},
     {kDeleteCopy, "video.recording.delete", kCallMs, kSeldomMs, false, of_recording, nullptr,
      deleted, nullptr},
     {"start-recording", "video.recording.start", kCallMs, kLongestPauseMs, false, start_recording,
      recording_started, nullptr, no_recording},
     {"stop-recording", "video.recording.stop", kCallMs, kLongestPauseMs, false, usual, nullptr,
      nullptr, nullptr},
     {"remove-participant", "video.participant.remove", kCallMs, kLongestPauseMs, false,
      remove_participant, nullptr, nullptr, nullptr},
     {"hold-receivers", "video.participant.hold", kCallMs, kLongestPauseMs, false, hold_receivers,
      nullptr, nullptr, nullptr},
     {"start-transcription", "video.transcription.start", kCallMs, kLongestPauseMs, false,
      start_transcription, transcription_started, nullptr, no_transcription},
     {"stop-transcription", "video.transcription.stop", kCallMs, kLongestPauseMs, false, usual,
      nullptr, nullptr, nullptr}}};

}  // namespace

const IntentKind& kind_of(std::string_view name) {
  const auto found = std::find_if(kKinds.begin(), kKinds.end(),
                                  [&](const IntentKind& kind) { return kind.name == name; });
  RABT_CHECK(found != kKinds.end());
  return *found;
}

std::int64_t pause_ms(const IntentKind& kind, std::int64_t attempts) {
  if (kind.patient && attempts >= kSeldomFrom) return kSeldomMs;
  return std::min<std::int64_t>(kind.longest_pause_ms,
                                500LL << std::min<std::int64_t>(attempts, 16));
}

}  // namespace rabt::consultation
