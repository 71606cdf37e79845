#include <algorithm>

#include "hub/consultation/session/standing_consents.hpp"
#include "hub/consultation/session/step.hpp"

// Recordings, which stand on consents.
namespace rabt::consultation {

namespace {

// Error conflict consent.recording_missing unless those who are asked agree.
Status may_be_recorded(const Session& is, const VideoSettings& settings, std::string_view purpose) {
  // Everybody in a training speaks for himself.
  const auto agrees = [&](const std::string& person) {
    bool yes = false;
    for (const Json& consent : is.consents.all.as_array()) {
      if (consent.string_or("kind", "") == "training" && consent.string_or("by", "") == person &&
          still_counts(is, consent))
        yes = consent.bool_or("given", false);
    }
    return yes;
  };
  const auto missing = [](std::string_view kind) {
    return conflict("consent.recording_missing",
                    "recording needs a consent of kind " + std::string(kind));
  };
  if (is.type == SessionType::training_session) {
    for (const Participant& one : is.people.participants) {
      if (one.takes_part() && !agrees(one.person.empty() ? guest_actor(one.id) : one.person))
        return missing("training of every participant");
    }
  } else if (purpose == "training" && !consent_stands(is, "training")) {
    return missing("training");
  }
  const bool agreed = settings.consent_required_to_record ? consent_stands(is, "recording")
                                                          : !consent_refused(is, "recording");
  if (!agreed) return missing("recording");
  return ok_status();
}

// True if somebody has come into the session by this step.
bool somebody_came(const Session& before, const Session& is) {
  const auto there = [](const Session& session, const Participant& one) {
    return one.admitted() && (one.here || session.people.present(one));
  };
  return std::any_of(is.people.participants.begin(), is.people.participants.end(),
                     [&](const Participant& one) {
                       const Participant* const was = before.participant(one.id);
                       return there(is, one) && (was == nullptr || !there(before, *was));
                     });
}

}  // namespace

void follow_consents(Step& step) {
  const Session& is = step.after();
  if (is.recording.running.empty()) return;
  const auto& all = is.consents.all.as_array();
  const bool ended = std::any_of(all.begin(), all.end(), [&](const Json& one) {
    return still_counts(step.before, one) && !still_counts(is, one);
  });
  const bool joins = is.type == SessionType::training_session && somebody_came(step.before, is);
  if ((!ended && !joins) || may_be_recorded(is, step.moment.settings, is.recording.purpose).ok())
    return;
  step.ask("stop-recording", is.recording.running);
  end_recording(step);
}

Status provider_records(const Step& step) {
  if (!step.change.after.room.plugin.empty() && step.moment.records) return ok_status();
  return conflict("capability.recording",
                  "the video provider of this session cannot record; make a session without "
                  "`recording: auto`, or bind the role video to a provider that records");
}

Status begin_recording(Step& step, std::string_view purpose) {
  Session& is = step.after();
  if (!step.moment.settings.recording_enabled || is.recording.mode == "off")
    return conflict("capability.recording", "recording is switched off");
  if (is.options.e2ee)
    return conflict("recording.e2ee", "a session that is encrypted end to end is not recorded");
  RABT_TRY_STATUS(provider_records(step));
  RABT_TRY_STATUS(may_be_recorded(is, step.moment.settings, purpose));
  is.recording.running = step.moment.fresh_id;
  is.recording.purpose = std::string(purpose);
  is.recording.ever = true;
  step.change.recording_begun = is.recording.running;
  step.change.recording_purpose = std::string(purpose);
  open_room(step);
  is.recording.confirmed = false;
  step.ask("start-recording", is.recording.running);
  hold_receivers(step);
  step.record("recording.started", Json::object({{"recording", is.recording.running}}));
  step.tell("recording-started", Json::object({{"recording", is.recording.running}}));
  return ok_status();
}

void hold_receivers(Step& step) {
  const Session& is = step.after();
  if (!step.moment.holds_receivers) return;
  if (std::any_of(is.people.participants.begin(), is.people.participants.end(),
                  [&](const Participant& one) {
                    return one.takes_part() && only_receives(is.type, one.role);
                  }))
    step.ask("hold-receivers");
}

void end_recording(Step& step) {
  Session& is = step.after();
  if (is.recording.running.empty()) return;
  step.record("recording.stopped", Json::object({{"recording", is.recording.running}}));
  step.tell("recording-stopped", Json::object({{"recording", is.recording.running}}));
  step.change.recording_ended = is.recording.running;
  is.recording.running.clear();
}

Result<Change> on(Step step, const StartRecording& command) {
  Session& is = step.after();
  RABT_TRY_STATUS(must_be_open(is, "active"));
  if (is.status != SessionStatus::active)
    return conflict("session.not_started", "the session is " + std::string(to_string(is.status)) +
                                               ", and only one that is active is recorded");
  if (!is.recording.running.empty()) return nothing(is);
  RABT_TRY_STATUS(begin_recording(step, command.purpose));
  return done(std::move(step));
}

Result<Change> on(Step step, const StopRecording& /*command*/) {
  Session& is = step.after();
  RABT_TRY_STATUS(must_be_open(is, "active"));
  if (is.recording.running.empty()) return nothing(is);
  step.ask("stop-recording", is.recording.running);
  end_recording(step);
  return done(std::move(step));
}

}  // namespace rabt::consultation
