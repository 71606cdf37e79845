#include "hub/consultation/session/step.hpp"

#include <algorithm>

// News of the provider.
namespace rabt::consultation {

namespace {

// News that are older are a fault of the provider's clock.
constexpr std::int64_t kTwoYearsMs = 2LL * 366 * 24 * 3'600'000;

// Removes the reasons why the provider had not opened the room.
void clear_room_warnings(Session& is) {
  for (const char* one :
       {"video.room_refused", "video.room_unknown", "video.credentials", "residency.region"})
    is.clear_warning(one);
}

Participant* by_identity(Session& is, std::string_view identity) {
  for (Participant& one : is.people.participants) {
    if (one.identity == identity) return &one;
  }
  return nullptr;
}

}  // namespace

Result<Change> on(Step step, const ProviderJoined& command) {
  Session& is = step.after();
  Participant* const one = by_identity(is, command.identity);
  const std::int64_t at = command.at.ms;
  // A time from another world would make a stay of years.
  if (one == nullptr || at > step.moment.now.ms + 3'600'000 ||
      at < step.moment.now.ms - kTwoYearsMs)
    return nothing(step.before);
  // late news of the time before the end still count, and change attendances only.
  if (is.over() && at >= is.ended_ms.value_or(0)) return nothing(step.before);
  // A token that was handed out before may still open the room to somebody who was put out, or who
  // waits to be let in again.
  if (!is.over() && !one->admitted() && is.room.state == "open") {
    put_out(step, *one);
    return done(std::move(step));
  }
  if (!begin_stay(step, *one, command.sid, at, command.source)) return nothing(step.before);
  step.change.participant = one->id;
  if (is.over()) {
    is.people.stays.back().left_ms = is.ended_ms;
    return std::move(step.change);
  }
  const bool told = one->here && call_is_joining(is, step.moment);
  one->here = true;
  one->was_here = true;
  one->connection = "connected";
  if (!told) tell_joined(step, *one);
  hold_receivers(step);
  follow_presence(step);
  begin_by_itself(step, command.visit_open);
  return done(std::move(step));
}

Result<Change> on(Step step, const ProviderLeft& command) {
  Session& is = step.after();
  Participant* const one = by_identity(is, command.identity);
  if (one == nullptr) return nothing(step.before);
  const std::int64_t at = is.over() ? std::min(command.at.ms, is.ended_ms.value_or(0))
                                    : std::min(command.at.ms, step.moment.now.ms);
  Stay* found = nullptr;
  for (Stay& stay : is.people.stays) {
    if (stay.participant != one->id || stay.sid != command.sid) continue;
    if (found == nullptr || stay.joined_ms <= at) found = &stay;
  }
  if (found != nullptr) {
    Stay& stay = *found;
    const std::int64_t left = std::max(stay.joined_ms, at);
    if (stay.left_ms && (!is.over() || *stay.left_ms == left)) return nothing(step.before);
    stay.left_ms = left;
    step.change.participant = one->id;
    if (is.over()) return std::move(step.change);
    if (is.people.present(*one)) return done(std::move(step));
    one->here = false;
    one->connection = "disconnected";
    tell_left(step, *one);
    follow_presence(step);
    return done(std::move(step));
  }
  return nothing(step.before);
}

Result<Change> on(Step step, const RoomOpened& command) {
  Session& is = step.after();
  // The session ended meanwhile: whoever asked for the room ends it.
  if (is.over() || (is.room.state == "open" && is.room.sid == command.sid))
    return nothing(step.before);
  constexpr std::size_t kMaxRooms = 100;
  const bool anew = !is.room.sid.empty();
  if (anew && is.room.sid != command.sid && is.recording.ever && is.room.earlier.size() < kMaxRooms)
    is.room.earlier.push_back(is.room.sid);
  is.room.sid = command.sid;
  if (!command.region.empty()) is.room.region = command.region;
  clear_room_warnings(is);
  // The provider chose another region than the binding names: nobody enters that room.
  if (const Status allowed = may_be_in(step.moment.settings, is.room.region); !allowed.ok()) {
    is.room.state = "closed";
    is.warn(allowed.error().code);
    step.ask("end-room");
    return done(std::move(step));
  }
  is.room.state = "open";
  is.room.gone_ms.reset();
  // The new room is asked for all that the room before was asked for.
  if (anew && !is.recording.running.empty()) step.ask("start-recording", is.recording.running);
  if (anew && is.transcript.on) begin_transcription(step);
  return done(std::move(step));
}

Result<Change> on(Step step, const RoomNotOpened& command) {
  Session& is = step.after();
  if (is.over() || is.room.state != "asked") return nothing(step.before);
  is.room.state = "closed";
  clear_room_warnings(is);
  is.warn(command.warning);
  if (is.status == SessionStatus::active && !is.room.gone_ms) is.room.gone_ms = step.moment.now.ms;
  return done(std::move(step));
}

Result<Change> on(const Step& step, const Look& /*command*/) {
  return nothing(step.before);
}

Result<Change> on(Step step, const RecordingLost& command) {
  Session& is = step.after();
  if (is.over()) return nothing(step.before);
  if (is.recording.running == command.recording) is.recording.running.clear();
  if (command.stop) step.ask("stop-recording", command.recording);
  is.warn("recording.failed");
  const Json what = Json::object({{"recording", command.recording}, {"code", command.code}});
  step.record("recording.failed", what);
  step.tell("recording-failed", what);
  return done(std::move(step));
}

Result<Change> on(Step step, const RecordingSeen& /*command*/) {
  constexpr std::string_view kUnasked = "recording.unasked";
  Session& is = step.after();
  if (is.over()) return nothing(step.before);
  if (!is.recording.running.empty()) {
    if (is.recording.confirmed) return nothing(step.before);
    is.recording.confirmed = true;
    is.clear_warning("recording.failed");
    step.tell("recording-confirmed", Json::object({{"recording", is.recording.running}}));
    return done(std::move(step));
  }
  // News of a recording that was stopped meanwhile come late. Where none was ever asked for, the
  // provider records by a setting of its own, and nobody has consented.
  if (is.recording.ever || is.warns(kUnasked)) return nothing(step.before);
  is.warn(kUnasked);
  step.ask("stop-recording");
  step.record("recording.unasked");
  step.tell("recording-unasked");
  return done(std::move(step));
}

Result<Change> on(Step step, const RoomEnded& command) {
  Session& is = step.after();
  if (is.over() || is.room.state != "open") return nothing(step.before);
  const std::int64_t at = std::min(command.at.ms, step.moment.now.ms);
  const bool somebody = is.people.anybody_here();
  for (Participant& one : is.people.participants) {
    if (!one.here && !is.people.present(one)) continue;
    if (one.admission == Admission::waiting) continue;
    one.here = false;
    one.connection = "disconnected";
    tell_left(step, one);
  }
  end_stays(step, {}, at);
  is.room.state = "closed";
  if (is.transcript.on) is.transcript.begin_gap(at, "video.room_ended");
  // Before the start, and when a room was empty, the provider only tidied up: it is opened again
  // under the same name when somebody comes. So is a room that the provider lost.
  if (is.status == SessionStatus::active && somebody && !command.lost) {
    finish(step, SessionStatus::completed, "provider_ended");
  } else {
    follow_presence(step);
  }
  return done(std::move(step));
}

}  // namespace rabt::consultation
