#include <algorithm>

#include "hub/consultation/session/standing_consents.hpp"
#include "hub/consultation/session/step.hpp"

// From creation to the end: what moves a session from state to state.
namespace rabt::consultation {

namespace {

bool known_licence(const Participant& participant, const VideoSettings& settings) {
  return licensed(participant, settings);
}

// A training session is about nobody.
Status no_patient_data(const Session& draft) {
  if (draft.type != SessionType::training_session) return ok_status();
  if (draft.patient.empty() && draft.topic.context.size() == 0 &&
      draft.topic.chief_complaint.empty())
    return ok_status();
  return conflict("training.no_patient_data", "a training session is about no patient");
}

void warn_of(Session& session, const VideoSettings& settings) {
  for (const Participant& participant : session.people.participants) {
    if (!known_licence(participant, settings)) session.warn("licence.missing");
    if (participant.role == PartRole::family_member && !consent_stands(session, "family"))
      session.warn("consent.family_missing");
  }
}

bool within_lead(const Session& session, const Moment& moment) {
  if (moment.room_at_join) return false;
  return !session.schedule.at_ms ||
         *session.schedule.at_ms - moment.now.ms <= moment.settings.room_lead_minutes * 60'000;
}

// A session that has begun stays where it was planned: what is noted of it later means this visit.
Status reschedule(Session& session, std::optional<std::int64_t> at) {
  if (session.status == SessionStatus::active && at != session.schedule.at_ms)
    return conflict("session.already_started",
                    "the session is active, and its time is fixed once it has begun");
  session.schedule.at_ms = at;
  return ok_status();
}

// Everybody who takes part must fit the new type.
Status retype(Session& session, SessionType to) {
  if (to == session.type) return ok_status();
  if (session.status == SessionStatus::active)
    return conflict("session.already_started",
                    "the session is active, and its type is fixed once it has begun");
  session.type = to;
  for (const Participant& participant : session.people.participants) {
    if (participant.takes_part()) RABT_TRY_STATUS(role_allowed(session, participant.role));
  }
  return ok_status();
}

}  // namespace

Result<Change> on(Step step, const Open& command) {
  Session& session = step.after();
  const Moment& at = step.moment;
  RABT_TRY_STATUS(no_patient_data(session));
  RABT_TRY_STATUS(not_own_patient(session));
  //
  if (command.visit_open && !*command.visit_open)
    return conflict("visit.closed", "the visit is CLOSED; a session needs one that is OPEN");
  //
  if (command.place_free && !*command.place_free)
    return conflict("clinic.full", "the clinic session has no free place");
  session.origin.created_by = at.who.actor;
  for (Participant& one : session.people.participants) one.brought_by = at.who.person;
  for (const Participant& one : session.people.participants)
    RABT_TRY_STATUS(may_take_part(step, one));
  RABT_TRY_STATUS(may_be_in(at.settings, session.room.region));
  if (session.options.e2ee && !session.room.plugin.empty() && !at.end_to_end)
    return conflict("capability.e2ee",
                    "the video provider of this session opens what people say on its way; make a "
                    "session without `e2ee`, or bind the role video to hub://p2p");
  // without a provider the session waits for one.
  if (session.recording.mode == "auto" && !session.room.plugin.empty())
    RABT_TRY_STATUS(provider_records(step));
  session.status = command.request ? SessionStatus::requested : SessionStatus::scheduled;
  session.created_ms = at.now.ms;
  // the name is fixed here, whenever the provider's room is opened.
  session.room.name = session.ties.visit.empty()
                          ? "s-" + command.room_suffix.substr(0, 12)
                          : "visit-" + std::to_string(session.ties.visit_number) + "-" +
                                command.room_suffix.substr(0, 6);
  //
  for (Participant& participant : session.people.participants) {
    participant.admission = first_admission(session, participant);
    participant.since_ms = at.now.ms;
    participant.created_ms = at.now.ms;
  }
  warn_of(session, at.settings);
  //
  if (session.room.plugin.empty()) session.warn("video.not_configured");
  if (!command.request && !command.by_patient && within_lead(session, at)) open_room(step);
  step.record(command.request ? "session.requested" : "session.created",
              Json::object({{"type", to_string(session.type)}, {"door", session.origin.door}}));
  step.tell(command.request ? "requested" : "created",
            Json::object({{"byPatient", command.by_patient}}));
  //
  if (session.type == SessionType::emergency_consultation)
    step.tell("emergency-called",
              Json::object({{"specialty", session.topic.context.string_or("specialty", "")}}));
  return done(std::move(step));
}

// The doctor takes part, and the session is his.
static Status take_over(Step& step, Participant doctor) {
  Session& session = step.after();
  RABT_TRY_STATUS(may_take_part(step, doctor));
  doctor.brought_by = step.moment.who.person;
  session.provider = doctor.person;
  Participant* own = session.of_person(doctor.person);
  if (own == nullptr) {
    doctor.number = static_cast<std::int64_t>(session.people.participants.size()) + 1;
    doctor.created_ms = step.moment.now.ms;
    session.people.participants.push_back(std::move(doctor));
    own = &session.people.participants.back();
  } else if (!needs_licence(own->role)) {
    own->role = doctor.role;
    own->licence = doctor.licence;
  }
  own->admission = Admission::admitted;
  own->since_ms = step.moment.now.ms;
  if (session.people.organizer.empty()) session.people.organizer = own->id;
  if (!known_licence(*own, step.moment.settings)) session.warn("licence.missing");
  return not_own_patient(session);
}

void leave_clinic_session(Step& step) {
  Session& session = step.after();
  if (session.ties.clinic_session.empty()) return;
  session.ties.clinic_session.clear();
  step.change.freed = true;
}

void follow_provider(Step& step) {
  Session& session = step.after();
  // A request waits for its doctor, and has none yet.
  if (session.over() || session.status == SessionStatus::requested) return;
  const auto holds = [&](const Participant& one) {
    return one.takes_part() && (needs_licence(one.role) || is_host_role(session.type, one.role)) &&
           is_staff(one.role);
  };
  const Participant* const own = session.of_person(session.provider);
  if (!session.provider.empty() && (own == nullptr || own->takes_part())) return;
  // Some sessions have no provider. Others have a doctor without an account in his place.
  const auto& were = step.before.people.participants;
  const bool by_guest = std::any_of(were.begin(), were.end(), [](const Participant& one) {
    return one.person.empty() && needs_licence(one.role);
  });
  if (session.provider.empty() && !by_guest) return;
  const Participant* next = nullptr;
  for (const Participant& participant : session.people.participants) {
    if (!holds(participant)) continue;
    // A doctor without an account holds it already.
    if (session.provider.empty() && participant.person.empty()) return;
    if (next == nullptr || (next->person.empty() && !participant.person.empty()))
      next = &participant;
  }
  if (next == nullptr || next->person == session.provider) return;
  const Participant* const organizer = session.participant(session.people.organizer);
  if (organizer == nullptr || !organizer->takes_part()) session.people.organizer = next->id;
  session.provider = next->person;
  leave_clinic_session(step);
  step.change.followed = true;
  step.record(
      "doctor.assigned",
      Json::object({{"provider", session.provider.empty() ? Json() : Json(session.provider)}}));
  step.tell("updated", Json::object({{"members", Json::array({"provider"})}}));
}

Result<Change> on(Step step, const Accept& command) {
  Session& session = step.after();
  const Actor& who = step.moment.who;
  if (session.over()) return must_be_open(session, "requested").error();
  const bool requested = session.status == SessionStatus::requested;
  const bool called = calls_doctors(session);
  if (!requested && !called) {
    if (session.provider == who.person || session.people.taken_by == who.person)
      return nothing(session);
    const std::string state(to_string(session.status));
    return conflict(
        "session.already_accepted",
        session.people.taken_by.empty()
            ? "the session is " + state + ", and only one that is requested can be accepted"
            : "person:" + session.people.taken_by + " has accepted the session, which is " + state);
  }
  RABT_TRY_STATUS(may(access::Right::session_take, session, who));
  // Whoever asks for another doctor is none.
  const Participant* const own = session.of_person(who.person);
  // a host brings him back, or another one assigns him.
  if (own != nullptr && !own->takes_part())
    return denied("participant.not_a_participant", "the participant was removed by a host");
  if (!requested && own != nullptr && own->brought_by == who.person) return nothing(session);
  const std::string former = session.provider;
  if (former.empty() || called) session.people.taken_by = who.person;
  RABT_TRY_STATUS(take_over(step, command.doctor));
  const Participant* const leads_it = former.empty() ? nullptr : session.of_person(former);
  if (!requested && leads_it != nullptr && leads_it->brought_by == former)
    session.provider = former;
  session.clear_warning(kUnanswered);
  if (requested) session.status = SessionStatus::scheduled;
  if (requested && within_lead(session, step.moment)) open_room(step);
  step.record("session.accepted");
  step.tell("accepted", Json::object({{"by", who.person}}));
  follow_presence(step);
  return done(std::move(step));
}

Result<Change> on(Step step, const Unanswered& /*command*/) {
  Session& session = step.after();
  if (!calls_doctors(session) || session.warns(kUnanswered)) return nothing(session);
  session.warn(kUnanswered);
  step.record("emergency.unanswered");
  step.tell("emergency-unanswered");
  return done(std::move(step));
}

Result<Change> on(Step step, const Decline& command) {
  Session& session = step.after();
  const Actor& who = step.moment.who;
  RABT_TRY_STATUS(must_be_open(session, "requested"));
  if (session.status != SessionStatus::requested)
    return conflict("session.already_accepted",
                    "the session is " + std::string(to_string(session.status)) +
                        ", and only one that is requested can be declined");
  session.end.cancellation = Json::object(
      {{"reason", command.reason}, {"by", who.actor}, {"at", to_iso8601(step.moment.now)}});
  finish(step, SessionStatus::cancelled, "declined");
  return done(std::move(step));
}

Result<Change> on(Step step, const Assign& command) {
  Session& session = step.after();
  const Actor& who = step.moment.who;
  RABT_TRY_STATUS(must_be_open(session, "requested, scheduled or waiting"));
  if (session.status == SessionStatus::active)
    return conflict("session.already_started",
                    "the session is active, and a doctor is assigned only before it starts");
  const bool requested = session.status == SessionStatus::requested;
  const std::string former = session.provider;
  // The person who gives the session to a doctor stands behind it, too.
  if (!session.naming.by.empty() || session.naming.handed_on)
    session.naming.by = word_of(session, who.person);
  // A workflow is no such person.
  session.naming.handed_on = session.naming.handed_on && who.system;
  RABT_TRY_STATUS(take_over(step, command.doctor));
  if (former != session.provider) leave_clinic_session(step);
  if (Participant* const old = session.of_person(former);
      old != nullptr && former != session.provider && old->takes_part()) {
    old->admission = Admission::removed;
    old->since_ms = step.moment.now.ms;
    old->here = false;
    end_stays(step, old->id, step.moment.now.ms);
    if (session.room.state == "open") step.ask("remove-participant", old->id);
    if (session.people.organizer == old->id)
      session.people.organizer = session.of_person(session.provider)->id;
  }
  const bool called = calls_doctors(step.before);
  if (called) session.people.taken_by = session.provider;
  session.clear_warning(kUnanswered);
  if (requested) {
    session.status = SessionStatus::scheduled;
    if (within_lead(session, step.moment)) open_room(step);
  }
  if (requested || called) step.tell("accepted", Json::object({{"by", session.provider}}));
  step.record("doctor.assigned", Json::object({{"provider", session.provider}}));
  step.tell("updated");
  follow_presence(step);
  return done(std::move(step));
}

Result<Change> on(Step step, const Start& command) {
  Session& session = step.after();
  RABT_TRY_STATUS(must_be_open(session, "scheduled or waiting"));
  if (session.status == SessionStatus::active) return nothing(session);
  if (session.status == SessionStatus::requested)
    return conflict("session.not_startable",
                    "the session is requested, and only one that is scheduled or waiting starts");
  const Actor& who = step.moment.who;
  if (!who.system && awaits_identity(session, step.moment.settings, who.page))
    return conflict(std::string(kIdentityUnconfirmed),
                    "the session starts once two identifiers of the patient are confirmed: "
                    "POST .../identification");
  RABT_TRY_STATUS(begin(step, command.visit_open, "call"));
  return done(std::move(step));
}

Result<Change> on(Step step, const End& command) {
  Session& session = step.after();
  const Actor& who = step.moment.who;
  const bool runs = may(access::Right::session_run, session, who).ok();
  if (!runs && command.reason.empty() && !session.over())
    return invalid("api.invalid", "reason: an administrator ends a session with a reason");
  // Ended before: the stored summary.
  if (session.status == SessionStatus::completed) return nothing(session);
  RABT_TRY_STATUS(must_be_open(session, "active"));
  if (session.status != SessionStatus::active)
    return conflict("session.not_started", "the session is " +
                                               std::string(to_string(session.status)) +
                                               ", and only one that is active can be ended");
  if (!command.notes.empty()) session.topic.notes = command.notes;
  if (command.rating)
    session.line.ratings.push_back(Json::object(
        {{"by", who.person.empty() ? who.actor : who.person}, {"rating", *command.rating}}));
  finish(step, SessionStatus::completed, command.reason.empty() ? "normal" : command.reason);
  return done(std::move(step));
}

//
Result<Change> on(Step step, const Cancel& command) {
  Session& session = step.after();
  const Actor& who = step.moment.who;
  RABT_TRY_STATUS(must_be_open(session, "requested, scheduled or waiting"));
  if (session.status == SessionStatus::active)
    return conflict("session.already_started",
                    "the session is active; end it, only one that has not started is cancelled");
  session.end.cancellation = Json::object(
      {{"reason", command.reason}, {"by", who.actor}, {"at", to_iso8601(step.moment.now)}});
  if (!command.cause.empty()) session.end.cancellation.set("cause", command.cause);
  finish(step, SessionStatus::cancelled, "cancelled");
  return done(std::move(step));
}

// The patient may come later, once. He takes part where sessions of the type have a patient.
Status name_patient(Step& step, const Amend& command) {
  if (!command.patient) return ok_status();
  Session& session = step.after();
  const Participant& named = *command.patient;
  if (session.patient == named.person) return ok_status();
  if (!session.patient.empty()) return invalid("api.invalid", "patient: is set already");
  Participant* const participant = known_in(session, named);
  if (participant != nullptr && participant->person.empty())
    return become(step, *participant, named);
  if (participant == nullptr && has_patient_in_it(session.type)) {
    RABT_TRY(added, bring_in(step, named));
    added->brought_by = step.moment.who.person;
    return ok_status();
  }
  RABT_TRY_STATUS(no_second_patient(session, named));
  session.patient = named.person;
  session.naming.pseudonym = named.pseudonym;
  session.naming.by = word_of(session, step.moment.who.person);
  return not_own_patient(session);
}

// a place in the hours of a clinic holds within them. A visit that the hospital moves itself,
// or an emergency, leaves them.
Status keep_hours(Step& step, const Amend& command) {
  const Session& session = step.after();
  if (!command.hours || session.schedule.at_ms == step.before.schedule.at_ms) return ok_status();
  if (!session.schedule.at_ms || command.hours->take(*session.schedule.at_ms)) return ok_status();
  if (!step.moment.who.system && session.type != SessionType::emergency_consultation)
    return invalid("api.invalid", "scheduledStart: it is not within the clinic session");
  leave_clinic_session(step);
  return ok_status();
}

// Ok if the caller runs the session, or changes only its time. Whoever arranges visits moves them.
Status may_amend(const Step& step, const Amendment& members) {
  if (may(access::Right::session_run, step.before, step.moment.who).ok()) return ok_status();
  for (const std::string_view name : members.names()) {
    if (name != "scheduledStart" && name != "plannedMinutes")
      return denied("authorisation.denied",
                    std::string(name) +
                        ": only a host changes it; the front desk and "
                        "administrators change scheduledStart and plannedMinutes");
  }
  return ok_status();
}

// A table: one line a member.
Result<Change> on(Step step, const Amend& command) {
  Session& session = step.after();
  RABT_TRY_STATUS(may_amend(step, command.members));
  RABT_TRY_STATUS(must_be_open(session, "requested, scheduled, waiting or active"));
  const Amendment& to = command.members;
  if (to.start_ms) RABT_TRY_STATUS(reschedule(session, *to.start_ms));
  if (session.schedule.at_ms != step.before.schedule.at_ms) ++session.schedule.version;
  RABT_TRY_STATUS(keep_hours(step, command));
  session.schedule.minutes = to.planned_minutes.value_or(session.schedule.minutes);
  session.people.most = to.max_participants.value_or(session.people.most);
  if (!to.quality.empty()) session.options.quality = to.quality;
  session.options.waiting_room = to.waiting_room.value_or(session.options.waiting_room);
  if (!to.recording.empty()) session.recording.mode = to.recording;
  if (to.recording == "auto" && !session.room.plugin.empty())
    RABT_TRY_STATUS(provider_records(step));
  session.options.language = to.language.value_or(session.options.language);
  if (to.type) RABT_TRY_STATUS(retype(session, *to.type));
  session.topic.notes = to.notes.value_or(session.topic.notes);
  session.topic.chief_complaint = to.chief_complaint.value_or(session.topic.chief_complaint);
  if (to.context) {
    for (const auto& [key, value] : to.context->as_object()) {
      if (value.is_null()) {
        session.topic.context.mutable_object().erase(key);
      } else {
        session.topic.context.set(key, value);
      }
    }
  }
  if (to.appointment) {
    session.ties.appointment = *to.appointment;
    session.ties.appointment_of_patient = false;
  }
  if (command.appointment_changed) session.warn(kAppointmentChanged);
  RABT_TRY_STATUS(name_patient(step, command));
  RABT_TRY_STATUS(no_patient_data(session));
  Json names = Json::array();
  for (const std::string_view name : to.names()) names.push_back(name);
  step.record("session.updated", Json::object({{"members", names}}));
  step.tell("updated", Json::object({{"members", names}}));
  return done(std::move(step));
}

Result<Change> on(Step step, const SetAppointment& command) {
  if (step.before.ties.appointment == command.appointment) return nothing(step.before);
  step.after().ties.appointment = command.appointment;
  step.after().ties.appointment_of_patient = false;
  if (step.before.over()) {
    // The document stays as it was when the session ended, but for this link.
    step.record("session.updated", Json::object({{"members", Json::array({"appointment"})}}));
    return std::move(step.change);
  }
  step.record("session.updated", Json::object({{"members", Json::array({"appointment"})}}));
  return done(std::move(step));
}

Result<Change> on(Step step, const LinkConsultation& command) {
  Session& session = step.after();
  if (session.ties.consultation == command.consultation) return nothing(session);
  if (!session.ties.consultation.empty())
    return conflict("session.linked", "the session belongs to another consultation already");
  session.ties.consultation = command.consultation;
  step.record("session.updated", Json::object({{"members", Json::array({"consultation"})}}));
  if (step.before.over()) return std::move(step.change);
  return done(std::move(step));
}

Result<Change> on(Step step, const SetInsurance& command) {
  RABT_TRY_STATUS(must_be_open(step.before, "requested, scheduled, waiting or active"));
  step.after().payers.insurance = Json::object({{"status", command.status},
                                                {"reference", command.reference},
                                                {"checkedAt", to_iso8601(step.moment.now)}});
  if (!command.asked.is_null()) step.after().payers.insurance.set("asked", command.asked);
  step.record("session.updated", Json::object({{"members", Json::array({"insurance"})}}));
  step.tell("updated", Json::object({{"members", Json::array({"insurance"})}}));
  return done(std::move(step));
}

// Leaves the document of a session that has ended as it was, but for this note. Its members join
// those that are noted already: a payment outlives the coverage that is named after it.
Result<Change> on(Step step, const SetBilling& command) {
  Json billing =
      step.before.payers.billing.is_object() ? step.before.payers.billing : Json::object();
  for (const auto& [name, value] : command.billing.as_object()) billing.set(name, value);
  if (step.before.payers.billing == billing) return nothing(step.before);
  step.after().payers.billing = std::move(billing);
  step.record("session.updated", Json::object({{"members", Json::array({"billing"})}}));
  return std::move(step.change);
}

}  // namespace rabt::consultation
