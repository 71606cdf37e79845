#include "hub/consultation/session/step.hpp"

#include <algorithm>

// Consents, and recordings, which stand on them.
namespace rabt::consultation {

namespace {

// A guest has no account: a host writes down what he said, or the application that opened the
// session passes it on. Whoever has one speaks for himself.
Status may_speak_for(const Session& is, const Participant& guest, const Actor& who) {
  const Participant* own = own_of(is, who);
  if (own == &guest) return ok_status();
  if (!guest.person.empty())
    return conflict("consent.own_word",
                    "who has an account gives or refuses the consent himself, without participant");
  if (own == nullptr || is_host(is, *own)) return ok_status();
  return denied("authorisation.denied", "a host writes down what a guest has said");
}

// Refuses a consent that the patient has refused himself. In a session with a patient a
// consent of these kinds is the patient's; in a training everybody speaks for himself.
Status is_own_no(const Session& is, std::string_view kind, const Actor& who) {
  const PatientsNo no = patients_no(is, kind);
  if (no == PatientsNo::none || who.person == is.patient) return ok_status();
  const Participant* const own = own_of(is, who);
  if (no == PatientsNo::by_link && own != nullptr && own->role == PartRole::patient)
    return ok_status();
  // A transcript needs everybody's own word besides.
  if (kind == "transcription") return ok_status();
  return conflict("consent.own_word", "the patient has refused a consent of kind " +
                                          std::string(kind) + " himself, and he alone gives it");
}

// Relatives and observers who might not come in any more leave the session.
void put_relatives_out(Step& step) {
  for (Participant& one : step.after().participants) {
    const bool relative = one.role == PartRole::family_member || one.role == PartRole::observer;
    if (!relative || !one.takes_part() || may_take_part(step, one).ok()) continue;
    one.admission = Admission::removed;
    one.here = false;
    end_stays(step, one.id, step.moment.now.ms);
    put_out(step, one);
    step.record("participant.removed", named(one));
    step.tell("participant-removed", named(one));
  }
  follow_presence(step);
}

}  // namespace

//
Result<Change> on(Step step, const RecordConsent& command) {
  Session& is = step.after();
  const Actor& who = step.moment.who;
  const std::string kind = command.consent.string_or("kind", "");
  RABT_TRY_STATUS(must_be_open(is, "requested, scheduled, waiting or active"));
  const bool given = command.consent.bool_or("given", true);
  Json consent = command.consent;
  if (const std::string guest = consent.string_or("participant", ""); !guest.empty()) {
    RABT_TRY(one, named_in(step, guest));
    RABT_TRY_STATUS(may_speak_for(is, *one, who));
  }
  if (given) {
    RABT_TRY_STATUS(is_own_no(is, kind, who));
    const bool of_somebody = consent.find("participant") != nullptr || own_of(is, who) != nullptr ||
                             (!who.person.empty() && who.person == is.patient);
    // It counts for the one person who gives it.
    if (kind == "transcription" && !of_somebody)
      return conflict("consent.own_word", "who takes part gives this consent for himself");
  }
  consent.set("by", who.person.empty() ? who.actor : who.person);
  consent.set("at", to_iso8601(step.moment.now));
  Json detail = Json::object({{"kind", kind}, {"given", given}});
  if (const std::string by = consent["guardian"].string_or("relation", ""); !by.empty())
    detail.set("guardian", by);
  is.consents.push_back(std::move(consent));
  step.record("consent.recorded", std::move(detail));
  if (kind == "family" && given) is.clear_warning("consent.family_missing");
  if (kind == "family" && !given) put_relatives_out(step);
  // Behind what follows from it: who is taken out learns that first.
  step.tell("consent-recorded", Json::object({{"kind", kind}, {"given", given}}));
  const bool about_it =
      kind == "recording" || (kind == "training" && (is.recording_purpose == "training" ||
                                                     is.type == SessionType::training_session));
  if (about_it && !given && !is.recording_now.empty()) {
    step.ask("stop-recording", is.recording_now);
    end_recording(step);
  }
  return done(std::move(step));
}

Result<Change> on(Step step, const StartRecording& command) {
  Session& is = step.after();
  RABT_TRY_STATUS(must_be_open(is, "active"));
  if (is.status != SessionStatus::active)
    return conflict("session.not_started", "the session is " + std::string(to_string(is.status)) +
                                               ", and only one that is active is recorded");
  if (!is.recording_now.empty()) return nothing(is);
  RABT_TRY_STATUS(begin_recording(step, command.purpose));
  return done(std::move(step));
}

Result<Change> on(Step step, const StopRecording& /*command*/) {
  Session& is = step.after();
  RABT_TRY_STATUS(must_be_open(is, "active"));
  if (is.recording_now.empty()) return nothing(is);
  step.ask("stop-recording", is.recording_now);
  end_recording(step);
  return done(std::move(step));
}

}  // namespace rabt::consultation
