#include "hub/consultation/session/step.hpp"

#include <algorithm>

// News of the provider.
namespace rabt::consultation {

namespace {

// News that are older are a fault of the provider's clock.
constexpr std::int64_t kTwoYearsMs = 2LL * 366 * 24 * 3'600'000;

// Removes the reasons why the provider had not opened the room.
void clear_room_warnings(Session& session) {
  for (const char* letter :
       {"video.room_refused", "video.room_unknown", "video.credentials", "residency.region"})
    session.clear_warning(letter);
}

Participant* by_identity(Session& session, std::string_view identity) {
  for (Participant& participant : session.people.participants) {
    if (participant.identity == identity) return &participant;
  }
  return nullptr;
}

}  // namespace

Result<Change> on(Step step, const ProviderJoined& command) {
  Session& session = step.after();
  Participant* const one = by_identity(session, command.identity);
  const std::int64_t at = command.at.ms;
  // A time from another world would make a stay of years.
  if (one == nullptr || at > step.moment.now.ms + 3'600'000 ||
      at < step.moment.now.ms - kTwoYearsMs)
    return nothing(step.before);
  // late news of the time before the end still count, and change attendances only.
  if (session.over() && at >= session.ended_ms.value_or(0)) return nothing(step.before);
  // A token that was handed out before may still open the room to somebody who was put out, or who
  // waits to be let in again.
  if (!session.over() && !one->admitted() && session.room.state == "open") {
    put_out(step, *one);
    return done(std::move(step));
  }
  if (!begin_stay(step, *one, command.sid, at, command.source)) return nothing(step.before);
  step.change.participant = one->id;
  if (session.over()) {
    session.people.stays.back().left_ms = session.ended_ms;
    return std::move(step.change);
  }
  const bool announced = one->here && call_is_joining(session, step.moment);
  one->here = true;
  one->was_here = true;
  one->connection = "connected";
  if (!announced) tell_joined(step, *one);
  hold_receivers(step);
  follow_presence(step);
  begin_by_itself(step, command.visit_open);
  return done(std::move(step));
}

Result<Change> on(Step step, const ProviderLeft& command) {
  Session& session = step.after();
  Participant* const one = by_identity(session, command.identity);
  if (one == nullptr) return nothing(step.before);
  const std::int64_t at = session.over() ? std::min(command.at.ms, session.ended_ms.value_or(0))
                                         : std::min(command.at.ms, step.moment.now.ms);
  Stay* found = nullptr;
  for (Stay& stay : session.people.stays) {
    if (stay.participant != one->id || stay.sid != command.sid) continue;
    if (found == nullptr || stay.joined_ms <= at) found = &stay;
  }
  if (found != nullptr) {
    Stay& stay = *found;
    const std::int64_t left = std::max(stay.joined_ms, at);
    if (stay.left_ms && (!session.over() || *stay.left_ms == left)) return nothing(step.before);
    stay.left_ms = left;
    step.change.participant = one->id;
    if (session.over()) return std::move(step.change);
    if (session.people.present(*one)) return done(std::move(step));
    one->here = false;
    one->connection = "disconnected";
    tell_left(step, *one);
    follow_presence(step);
    return done(std::move(step));
  }
  return nothing(step.before);
}

Result<Change> on(Step step, const RoomOpened& command) {
  Session& session = step.after();
  // The session ended meanwhile: whoever asked for the room ends it.
  if (session.over() || (session.room.state == "open" && session.room.sid == command.sid))
    return nothing(step.before);
  constexpr std::size_t kMaxRooms = 100;
  const bool anew = !session.room.sid.empty();
  if (anew && session.room.sid != command.sid && session.recording.ever &&
      session.room.earlier.size() < kMaxRooms)
    session.room.earlier.push_back(session.room.sid);
  session.room.sid = command.sid;
  if (!command.region.empty()) session.room.region = command.region;
  clear_room_warnings(session);
  // The provider chose another region than the binding names: nobody enters that room.
  if (const Status allowed = may_be_in(step.moment.settings, session.room.region); !allowed.ok()) {
    session.room.state = "closed";
    session.warn(allowed.error().code);
    step.ask("end-room");
    return done(std::move(step));
  }
  session.room.state = "open";
  session.room.gone_ms.reset();
  // The new room is asked for all that the room before was asked for.
  if (anew && !session.recording.running.empty())
    step.ask("start-recording", session.recording.running);
  if (anew && session.transcript.on) begin_transcription(step);
  return done(std::move(step));
}

Result<Change> on(Step step, const RoomNotOpened& command) {
  Session& session = step.after();
  if (session.over() || session.room.state != "asked") return nothing(step.before);
  session.room.state = "closed";
  clear_room_warnings(session);
  session.warn(command.warning);
  if (session.status == SessionStatus::active && !session.room.gone_ms)
    session.room.gone_ms = step.moment.now.ms;
  return done(std::move(step));
}

Result<Change> on(const Step& step, const Look& /*command*/) {
  return nothing(step.before);
}

Result<Change> on(Step step, const RecordingLost& command) {
  Session& session = step.after();
  if (session.over()) return nothing(step.before);
  if (session.recording.running == command.recording) session.recording.running.clear();
  if (command.stop) step.ask("stop-recording", command.recording);
  session.warn("recording.failed");
  const Json what = Json::object({{"recording", command.recording}, {"code", command.code}});
  step.record("recording.failed", what);
  step.tell("recording-failed", what);
  return done(std::move(step));
}

Result<Change> on(Step step, const RecordingSeen& /*command*/) {
  constexpr std::string_view kUnasked = "recording.unasked";
  Session& session = step.after();
  if (session.over()) return nothing(step.before);
  if (!session.recording.running.empty()) {
    if (session.recording.confirmed) return nothing(step.before);
    session.recording.confirmed = true;
    session.clear_warning("recording.failed");
    step.tell("recording-confirmed", Json::object({{"recording", session.recording.running}}));
    return done(std::move(step));
  }
  // News of a recording that was stopped meanwhile come late. Where none was ever asked for, the
  // provider records by a setting of its own, and nobody has consented.
  if (session.recording.ever || session.warns(kUnasked)) return nothing(step.before);
  session.warn(kUnasked);
  step.ask("stop-recording");
  step.record("recording.unasked");
  step.tell("recording-unasked");
  return done(std::move(step));
}

Result<Change> on(Step step, const RoomEnded& command) {
  Session& session = step.after();
  if (session.over() || session.room.state != "open") return nothing(step.before);
  const std::int64_t at = std::min(command.at.ms, step.moment.now.ms);
  const bool somebody = session.people.anybody_here();
  for (Participant& participant : session.people.participants) {
    if (!participant.here && !session.people.present(participant)) continue;
    if (participant.admission == Admission::waiting) continue;
    participant.here = false;
    participant.connection = "disconnected";
    tell_left(step, participant);
  }
  end_stays(step, {}, at);
  session.room.state = "closed";
  if (session.transcript.on) session.transcript.begin_gap(at, "video.room_ended");
  // Before the start, and when a room was empty, the provider only tidied up: it is opened again
  // under the same name when somebody comes. So is a room that the provider lost.
  if (session.status == SessionStatus::active && somebody && !command.lost) {
    finish(step, SessionStatus::completed, "provider_ended");
  } else {
    follow_presence(step);
  }
  return done(std::move(step));
}

}  // namespace rabt::consultation
