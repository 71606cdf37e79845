#include <algorithm>

#include "hub/consultation/session/standing_consents.hpp"
#include "hub/consultation/session/step.hpp"

// Recordings, which stand on consents.
namespace rabt::consultation {

namespace {

// Error conflict consent.recording_missing unless those who are asked agree.
Status may_be_recorded(const Session& session, const VideoSettings& settings,
                       std::string_view purpose) {
  // Everybody in a training speaks for himself.
  const auto agrees = [&](const std::string& person) {
    bool yes = false;
    for (const Json& consent : session.consents.all.as_array()) {
      if (consent.string_or("kind", "") == "training" && consent.string_or("by", "") == person &&
          still_counts(session, consent))
        yes = consent.bool_or("given", false);
    }
    return yes;
  };
  const auto missing = [](std::string_view kind) {
    return conflict("consent.recording_missing",
                    "recording needs a consent of kind " + std::string(kind));
  };
  if (session.type == SessionType::training_session) {
    for (const Participant& participant : session.people.participants) {
      if (participant.takes_part() &&
          !agrees(participant.person.empty() ? guest_actor(participant.id) : participant.person))
        return missing("training of every participant");
    }
  } else if (purpose == "training" && !consent_stands(session, "training")) {
    return missing("training");
  }
  const bool agreed = settings.consent_required_to_record ? consent_stands(session, "recording")
                                                          : !consent_refused(session, "recording");
  if (!agreed) return missing("recording");
  return ok_status();
}

// True if somebody has come into the session by this step.
bool somebody_came(const Session& before, const Session& after) {
  const auto there = [](const Session& session, const Participant& one) {
    return one.admitted() && (one.here || session.people.present(one));
  };
  return std::any_of(after.people.participants.begin(), after.people.participants.end(),
                     [&](const Participant& participant) {
                       const Participant* const was = before.participant(participant.id);
                       return there(after, participant) && (was == nullptr || !there(before, *was));
                     });
}

}  // namespace

void follow_consents(Step& step) {
  const Session& session = step.after();
  if (session.recording.running.empty()) return;
  const auto& all = session.consents.all.as_array();
  const bool ended = std::any_of(all.begin(), all.end(), [&](const Json& item) {
    return still_counts(step.before, item) && !still_counts(session, item);
  });
  const bool joins =
      session.type == SessionType::training_session && somebody_came(step.before, session);
  if ((!ended && !joins) ||
      may_be_recorded(session, step.moment.settings, session.recording.purpose).ok())
    return;
  step.ask("stop-recording", session.recording.running);
  end_recording(step);
}

Status provider_records(const Step& step) {
  if (!step.change.after.room.plugin.empty() && step.moment.records) return ok_status();
  return conflict("capability.recording",
                  "the video provider of this session cannot record; make a session without "
                  "`recording: auto`, or bind the role video to a provider that records");
}

Status begin_recording(Step& step, std::string_view purpose) {
  Session& session = step.after();
  if (!step.moment.settings.recording_enabled || session.recording.mode == "off")
    return conflict("capability.recording", "recording is switched off");
  if (session.options.e2ee)
    return conflict("recording.e2ee", "a session that is encrypted end to end is not recorded");
  RABT_TRY_STATUS(provider_records(step));
  RABT_TRY_STATUS(may_be_recorded(session, step.moment.settings, purpose));
  session.recording.running = step.moment.fresh_id;
  session.recording.purpose = std::string(purpose);
  session.recording.ever = true;
  step.change.recording_begun = session.recording.running;
  step.change.recording_purpose = std::string(purpose);
  open_room(step);
  session.recording.confirmed = false;
  step.ask("start-recording", session.recording.running);
  hold_receivers(step);
  step.record("recording.started", Json::object({{"recording", session.recording.running}}));
  step.tell("recording-started", Json::object({{"recording", session.recording.running}}));
  return ok_status();
}

void hold_receivers(Step& step) {
  const Session& session = step.after();
  if (!step.moment.holds_receivers) return;
  if (std::any_of(session.people.participants.begin(), session.people.participants.end(),
                  [&](const Participant& participant) {
                    return participant.takes_part() &&
                           only_receives(session.type, participant.role);
                  }))
    step.ask("hold-receivers");
}

void end_recording(Step& step) {
  Session& session = step.after();
  if (session.recording.running.empty()) return;
  step.record("recording.stopped", Json::object({{"recording", session.recording.running}}));
  step.tell("recording-stopped", Json::object({{"recording", session.recording.running}}));
  step.change.recording_ended = session.recording.running;
  session.recording.running.clear();
}

Result<Change> on(Step step, const StartRecording& command) {
  Session& session = step.after();
  RABT_TRY_STATUS(must_be_open(session, "active"));
  if (session.status != SessionStatus::active)
    return conflict("session.not_started", "the session is " +
                                               std::string(to_string(session.status)) +
                                               ", and only one that is active is recorded");
  if (!session.recording.running.empty()) return nothing(session);
  RABT_TRY_STATUS(begin_recording(step, command.purpose));
  return done(std::move(step));
}

Result<Change> on(Step step, const StopRecording& /*command*/) {
  Session& session = step.after();
  RABT_TRY_STATUS(must_be_open(session, "active"));
  if (session.recording.running.empty()) return nothing(session);
  step.ask("stop-recording", session.recording.running);
  end_recording(step);
  return done(std::move(step));
}

}  // namespace rabt::consultation
