#include "hub/consultation/sessions/creation.hpp"

#include <algorithm>
#include <utility>
#include <vector>

#include "hub/consultation/rows/booking_limits.hpp"
#include "hub/consultation/rows/follow_ups.hpp"
#include "hub/consultation/rows/relations.hpp"
#include "hub/consultation/session/standing_consents.hpp"
#include "hub/consultation/video/role.hpp"

namespace rabt::consultation {

namespace {

using identity::Role;

std::optional<PartRole> staff_role(identity::Roles roles) {
  if (roles.has(Role::doctor)) return PartRole::doctor;
  if (roles.has(Role::specialist)) return PartRole::specialist;
  if (roles.has(Role::nurse)) return PartRole::nurse;
  return std::nullopt;
}

Booker booker_of(const Actor& who) {
  constexpr identity::Roles kOffices{Role::operator_, Role::integration, Role::desk};
  if (who.roles.has_any(kOffices) || who.admin() || who.system) return Booker::office;
  return who.roles.has(Role::patient) && !staff_role(who.roles) ? Booker::patient : Booker::staff;
}

// A patient, and nobody who books for others.
bool books_for_himself(const Actor& who) {
  return booker_of(who) == Booker::patient;
}

// True if a visit was held with the patient, and whoever books the next one was there: the caller;
// or staff whose plan the hub carries out.
bool was_held(const Actor& who, const Session& before, Timestamp now) {
  const Participant* const patient = before.of_person(before.patient);
  if (patient == nullptr || !was_in(before, *patient)) return false;
  if (who.system) return true;
  const Participant* const own = before.of_person(who.person);
  return own != nullptr && own->takes_part() && is_staff(own->role) &&
         before.ended_ms.value_or(now.ms) > now.ms - kTreatsAfterwardsMs;
}

// The clinicians of a session, who plan what follows.
std::string clinicians_of(const Session& session) {
  std::string out;
  for (const Participant& participant : session.people.participants) {
    if (is_staff(participant.role) && !participant.person.empty())
      out += (out.empty() ? "" : " ") + participant.person;
  }
  return out;
}

// On whose word a follow-up is about its patient: what stood behind the session before, once. That
// somebody was there for the patient says little: a link may have been opened by whoever made it.
// Else the word of who books it, or had it planned.
// followed: another session follows the one before already, which has what stood behind it.
void hand_word_on(const Actor& who, const Session& before, bool followed, Session& session,
                  Timestamp now) {
  // A system of the hospital.
  if (who.person.empty() && !who.system) return;
  const bool same = before.patient == session.patient;
  // A word of the patient or of a system is handed on as often as it is asked for.
  const bool used = before.naming.handed_on || (followed && !before.naming.by.empty());
  if (same && !used && was_held(who, before, now)) {
    session.naming.by = before.naming.by;
    session.naming.handed_on = true;
  } else if (who.system && same) {
    session.naming.by = clinicians_of(before);
  }
}

const Participant* patient_in(const Session& session) {
  for (const Participant& participant : session.people.participants) {
    if (participant.role == PartRole::patient) return &participant;
  }
  return nullptr;
}

// True if the session that follows has another patient than the one before.
bool is_of_another(const Session& before, const Session& session) {
  if (before.patient.empty() || session.patient == before.patient) return false;
  return !session.patient.empty() || patient_in(session) != nullptr;
}

// Refusals of the patient himself hold for what follows from it, until he takes them back.
Json refused_before(const Session& before, const Session& session) {
  Json out = Json::array();
  const Participant* const patient = patient_in(session);
  for (const std::string_view kind : {"family", "recording", "training", "transcription"}) {
    for (Json& no : own_refusals(before, kind)) {
      if (!is_patients_word(before, no)) continue;
      // The link of the session before is not that of this one.
      no.mutable_object().erase("link");
      no.mutable_object().erase("participant");
      no.set("patient", true);
      const bool by_link = no.string_or("by", "").starts_with("guest:");
      if (patient != nullptr && (by_link || session.patient.empty())) {
        no.set("by", guest_actor(patient->id));
      } else if (!session.patient.empty()) {
        no.set("by", session.patient);
      }
      const auto same = [&](const Json& kept) {
        return kept["kind"] == no["kind"] && kept["by"] == no["by"] &&
               kept["record"] == no["record"];
      };
      std::erase_if(out.mutable_array(), same);
      out.push_back(std::move(no));
    }
  }
  return out;
}

// Guardians of the patient, as a booking says. Null without.
Json guardians_in(const SessionInput& input) {
  for (const ParticipantInput& participant : input.participants) {
    if (participant.role == PartRole::patient) return participant.guardians;
  }
  return {};
}

// A patient books for himself with one provider. Others he invites: whoever takes up an invitation
// is named, and nobody is who was only typed in. Staff has accounts that say so.
void check_company(const Actor& who, const Session& session, Mistakes& mistakes) {
  for (const Participant& participant : session.people.participants) {
    if (participant.person.empty() && (is_staff(participant.role) || leads(session, participant))) {
      mistakes.add("participants", "a patient names staff by their accounts");
    } else if (!participant.person.empty() && participant.person != who.person &&
               participant.person != session.patient && participant.person != session.provider) {
      mistakes.add("participants",
                   "a patient books with one provider; invite the others to the session");
    }
  }
}

}  // namespace

// A session on its way from the request to the rules.
struct SessionCreation::Booking {
  Session draft;
  // The session that it follows.
  std::optional<Session> before;
  Open open;
  Surroundings::ClinicPlace place;
  std::optional<identity::Person> provider;
  std::optional<identity::Person> patient;
  // Written with the session.
  Persons::NewRecord record;
};

// Visit and clinic.
Status SessionCreation::place(const Caller& caller, const SessionInput& input, Booking& booking,
                              Mistakes& mistakes) const {
  Session& session = booking.draft;
  if (!input.visit.is_null()) {
    const auto visit = acts_.around().visible_visit(caller, input.visit);
    if (!visit.ok()) {
      if (visit.error().kind != ErrorKind::not_found) return visit.error();
      mistakes.add("visit", "it names no visit");
    } else {
      session.ties.visit = visit->id;
      session.ties.visit_number = visit->number;
      booking.open.visit_open = visit->open;
      if (session.patient.empty()) session.patient = visit->patient;
      if (session.patient != visit->patient)
        mistakes.add("visit", "it is the visit of another patient");
    }
  }
  if (input.clinic.is_null() && input.clinic_session.is_null()) return ok_status();
  const auto place =
      acts_.around().clinic_place(session.tenant, input.clinic, input.clinic_session);
  if (!place.ok()) {
    if (place.error().kind != ErrorKind::not_found) return place.error();
    mistakes.add("clinicSession", "it names no session of that clinic");
    return ok_status();
  }
  booking.place = *place;
  booking.open.place_free = place->free;
  session.ties.clinic = place->clinic;
  session.ties.clinic_session = place->clinic_session;
  if (session.booking.empty()) session.booking = "clinic";
  if (session.provider.empty()) session.provider = place->provider;
  if (session.provider != place->provider)
    mistakes.add("provider", "it is not the provider of the clinic session");
  if (input.scheduled_ms && !place->hours.take(*input.scheduled_ms))
    mistakes.add("scheduledStart", "it is not within the clinic session");
  return ok_status();
}

// Seats organizer, provider, patient, and the participants whom the request names besides.
Status SessionCreation::seat(const Actor& who, const SessionInput& input, Booking& booking,
                             Mistakes& mistakes) const {
  Session& session = booking.draft;
  const auto own_role = staff_role(who.roles);
  if (input.organizer) {
    RABT_TRY(one, acts_.persons().participant(who, *input.organizer, mistakes, "organizer."));
    // An organizer who is described and not named is the caller, when he is staff.
    if (one.person.empty() && own_role && is_staff(one.role) && !who.person.empty()) {
      one = acts_.persons().participant(one.role, who.person, one.guest);
    }
    session.people.organizer = one.id;
    session.people.participants.push_back(std::move(one));
  } else if (own_role && !who.person.empty() && !who.system) {
    Participant one = acts_.persons().participant(*own_role, who.person, Json::object());
    session.people.organizer = one.id;
    session.people.participants.push_back(std::move(one));
  }
  if (session.provider.empty() && !session.people.participants.empty() &&
      needs_licence(session.people.participants.front().role))
    session.provider = session.people.participants.front().person;
  if (!session.provider.empty()) {
    auto provider = acts_.parts().directory.find(session.tenant, session.provider);
    if (!provider.ok()) return provider.error();
    const auto role = staff_role(provider->roles);
    if (!role || (*role == PartRole::nurse && session.type != SessionType::remote_monitoring)) {
      mistakes.add("provider", "it is no doctor or specialist");
    } else if (session.of_person(session.provider) == nullptr) {
      Participant one = acts_.persons().participant(*role, session.provider, Json::object());
      if (session.people.organizer.empty()) session.people.organizer = one.id;
      session.people.participants.push_back(std::move(one));
    }
    booking.provider = std::move(*provider);
  }
  for (std::size_t i = 0; i < input.participants.size(); ++i) {
    RABT_TRY(one, acts_.persons().participant(who, input.participants[i], mistakes,
                                              "participants." + std::to_string(i) + "."));
    if (Participant* const participant =
            one.person.empty() ? nullptr : session.of_person(one.person);
        participant != nullptr) {
      (void)keep_posted(*participant, one.guest);
      continue;
    }
    if (one.role == PartRole::patient && session.patient.empty()) session.patient = one.person;
    if (session.provider.empty() && needs_licence(one.role)) session.provider = one.person;
    if (session.people.organizer.empty() && who.system && needs_licence(one.role))
      session.people.organizer = one.id;
    session.people.participants.push_back(std::move(one));
  }
  if (!session.patient.empty()) {
    auto patient = acts_.parts().directory.find(session.tenant, session.patient);
    if (!patient.ok()) return patient.error();
    session.naming.pseudonym = patient->pseudonym;
    if (session.of_person(session.patient) == nullptr && has_patient_in_it(session.type))
      session.people.participants.push_back(
          acts_.persons().participant(PartRole::patient, session.patient, Json::object()));
    booking.patient = std::move(*patient);
  }
  if (session.people.participants.size() > static_cast<std::size_t>(kMostParticipants))
    mistakes.add("participants", "it must be at most 15 with organizer, provider and patient");
  if (booking.open.by_patient) check_company(who, session, mistakes);
  std::int64_t number = 0;
  for (Participant& one : session.people.participants) one.number = ++number;
  const bool host =
      std::any_of(session.people.participants.begin(), session.people.participants.end(),
                  [&](const Participant& one) { return leads(session, one); });
  if (!host && !booking.open.request)
    mistakes.add("organizer", "it is needed: a session of this type has a host");
  return ok_status();
}

// Another follow-up may have come since: then its word is used up.
Status SessionCreation::stand_behind(const Actor& who, Booking& booking) const {
  Session& session = booking.draft;
  if (session.patient.empty()) return ok_status();
  session.naming.by = who.person;
  session.naming.handed_on = false;
  if (!booking.before) return ok_status();
  RABT_TRY(followed, is_followed(acts_.parts().store, *booking.before));
  hand_word_on(who, *booking.before, followed, session, acts_.parts().clock.now());
  return ok_status();
}

// A table: one line a field.
Status SessionCreation::fill(const Caller& caller, const Actor& who, const SessionInput& input,
                             Booking& booking) const {
  Session& session = booking.draft;
  Mistakes mistakes;
  session.tenant = acts_.parts().tenant;
  session.id = acts_.parts().ids.next().text();
  session.origin.door = std::string(caller.door);
  if (!who.system) session.origin.booked_by = who.person;
  session.origin.begins_by_call = caller.manner.begins_by_call;
  session.origin.joined_counts = caller.manner.joined_counts;
  session.type = input.type;
  session.booking = input.booking;
  RABT_TRY(provider, acts_.persons().named(input.provider, "provider", mistakes));
  session.provider = std::move(provider);
  Mistakes unknown;
  RABT_TRY(patient, acts_.persons().named(input.patient, "patient",
                                          input.patient_foreign ? unknown : mistakes));
  session.patient = std::move(patient);
  const bool by_patient = books_for_himself(who);
  if (by_patient && session.patient.empty() && session.type != SessionType::training_session)
    session.patient = who.person;
  if (by_patient && session.booking.empty()) session.booking = "direct";
  booking.open.by_patient = by_patient;
  booking.open.request = input.request || (by_patient && session.provider.empty());
  booking.open.room_suffix = acts_.persons().hex(12);
  RABT_TRY_STATUS(place(caller, input, booking, mistakes));
  RABT_TRY_STATUS(seat(who, input, booking, mistakes));
  Json refused = Json::array();
  if (!input.follow_up_of.empty()) {
    RABT_TRY(before, acts_.rows().load(session.tenant, input.follow_up_of));
    // Whoever does not see a session learns no more than of one that there is not.
    if (!may(access::Right::session_see, before, who).ok())
      return not_found("session.unknown", "there is no such session");
    if (is_of_another(before, session))
      mistakes.add("followUpOf", "it is a session of another patient");
    session.ties.follow_up_of = before.id;
    refused = refused_before(before, session);
    booking.before = std::move(before);
  }
  RABT_TRY_STATUS(stand_behind(who, booking));
  session.ties.consultation = input.consultation;
  if (input.refused) session.payers.billing = Json::object({{"refused", true}});
  session.ties.appointment = input.appointment;
  session.ties.appointment_of_patient = by_patient && !input.appointment.is_null();
  session.schedule.at_ms = input.scheduled_ms;
  session.schedule.minutes = input.planned_minutes.value_or(30);
  if (by_patient && session.schedule.minutes > kMostMinutesByPatient)
    mistakes.add("plannedMinutes", "a patient books at most " +
                                       std::to_string(kMostMinutesByPatient) +
                                       " minutes; the clinic books longer visits");
  session.people.most = input.max_participants.value_or(acts_.parts().settings.max_participants);
  session.options.quality = input.quality.empty() ? "high" : input.quality;
  // A patient does not let himself in.
  const bool waits = acts_.parts().settings.waiting_room && caller.manner.waiting_room;
  session.options.waiting_room = by_patient ? waits : input.waiting_room.value_or(waits);
  if (by_patient) {
    for (Participant& participant : session.people.participants) participant.bypass = false;
  }
  session.options.e2ee = input.e2ee;
  session.recording.mode = input.recording;
  if (session.recording.mode.empty())
    session.recording.mode =
        acts_.parts().settings.auto_record && !session.options.e2ee && caller.manner.auto_record
            ? "auto"
            : "manual";
  if (!acts_.parts().settings.recording_enabled) session.recording.mode = "off";
  session.options.language = input.language;
  if (session.options.language.empty())
    session.options.language =
        booking.patient ? booking.patient->profile.string_or("language", "ar") : "ar";
  session.topic.chief_complaint = input.chief_complaint;
  session.topic.notes = input.notes;
  session.topic.context = input.context;
  if (session.patient.empty() && input.patient_foreign)
    session.topic.context.set("patient", input.patient["value"]);
  if (session.topic.context.bool_or("familyConsent", false))
    session.consents.all.push_back(
        Json::object({{"kind", "family"},
                      {"given", true},
                      {"method", "app"},
                      {"by", who.person.empty() ? who.actor : who.person},
                      {"at", to_iso8601(acts_.parts().clock.now())}}));
  for (Json& no : refused.mutable_array()) session.consents.all.push_back(std::move(no));
  session.room.plugin = video_.bound();
  if (!session.room.plugin.empty()) session.room.region = acts_.parts().settings.region;
  RABT_TRY_STATUS(mistakes.status());
  if (caller.manner.own_words) keep_words(input.own_words, session);
  return ok_status();
}

// A door gives back the ids and the time that its client wrote.
void SessionCreation::keep_words(const OwnWords& words, Session& session) {
  const auto keep = [&](const std::string& theirs, const std::string& ours) {
    if (!theirs.empty() && !ours.empty()) session.origin.as_given.set(ours, theirs);
  };
  keep(words.provider, session.provider);
  keep(words.patient, session.patient);
  if (session.schedule.at_ms) keep(words.scheduled_start, to_iso8601({*session.schedule.at_ms}));
}

// Whoever was named by a number that the hub does not know, by the policy of the tenant. A new
// record is written in the job that makes the session: nobody is entered for a refused booking, and
// a repeat of the call finds both or neither.
Status SessionCreation::settle(const Caller& caller, const Actor& who, const SessionInput& input,
                               Persons::Enters enters, Booking& booking) const {
  Session& session = booking.draft;
  if (!session.patient.empty()) return ok_status();
  for (Participant& participant : session.people.participants) {
    RABT_TRY(record,
             acts_.persons().settle(caller, session.id, guardians_in(input), enters, participant));
    if (participant.role != PartRole::patient || participant.person.empty()) continue;
    session.patient = participant.person;
    booking.record = std::move(record);
    RABT_TRY(patient, booking.record
                          ? Result<identity::Person>(booking.record->person)
                          : acts_.parts().directory.find(session.tenant, session.patient));
    session.naming.pseudonym = patient.pseudonym;
    if (input.language.empty())
      session.options.language = patient.profile.string_or("language", "ar");
    booking.patient = std::move(patient);
    return stand_behind(who, booking);
  }
  return ok_status();
}

Json to_json(const CreatedSession& view) {
  Json out = to_json(view.session);
  if (!view.tokens) return out;
  Json tokens = Json::array();
  for (const HostTokenView& token : *view.tokens) tokens.push_back(to_json(token));
  out.set("tokens", std::move(tokens));
  return out;
}

Result<CreatedSession> SessionCreation::create(const Caller& caller,
                                               const Asked<SessionInput>& asked) {
  const Actor who = Acts::actor_of(caller);
  // of whom, is decided when the body was read.
  if (who.person.empty())
    RABT_TRY_STATUS(
        access::admit(access::Right::session_create, {.roles = who.roles, .system = who.system}));
  if (!acts_.parts().settings.enabled) return conflict("feature.disabled", "video is switched off");
  RABT_TRY(input, asked);
  RABT_TRY_STATUS(acts_.around().may_create(acts_.parts().tenant));
  Booking booking;
  RABT_TRY_STATUS(fill(caller, who, input, booking));
  // A request that came before has made its session already.
  std::string request;
  if (!caller.key.empty()) {
    RABT_TRY(lease, acts_.parts().keys.lease(acts_.parts().tenant));
    request = lease.blind_index("session.request", caller.key);
    RABT_TRY(previous, acts_.rows().of_request(acts_.parts().tenant, request));
    if (previous) {
      RABT_TRY(session, acts_.rows().load(acts_.parts().tenant, *previous));
      acts_.persons().ask_who(caller, session);
      return CreatedSession{.session = acts_.view(caller, session)};
    }
  }
  // Copy of what settling changes, where it can change anything.
  std::optional<Booking> unsettled;
  if (booking.draft.patient.empty()) unsettled = booking;
  RABT_TRY_STATUS(settle(caller, who, input, Persons::Enters::whoever_is_unknown, booking));
  Session none;
  none.tenant = acts_.parts().tenant;
  none.id = booking.draft.id;
  const Moment moment = acts_.moment_of(who, booking.draft);
  const auto taken = [&](store::Transaction& transaction, const Change& change) -> Status {
    const Session& session = change.after;
    if (booking.record) RABT_TRY_STATUS(write_record(transaction, *booking.record));
    if (!request.empty())
      RABT_TRY_STATUS(SessionRows::put_request(transaction, session.tenant, request, session.id));
    if (session.naming.handed_on && !session.naming.by.empty())
      RABT_TRY_STATUS(take_word(transaction, session));
    RABT_TRY_STATUS(check_bookings(transaction, session, booker_of(who), acts_.parts().settings));
    if (session.provider.empty() || booking.open.request) return ok_status();
    return acts_.around().take_place(transaction, session.tenant, booking.place, session.id);
  };
  Result<Acted> written = unavailable("store.busy", "the provider's time changes too quickly");
  for (int attempt = 0; attempt < store::kMaxRaces; ++attempt) {
    if (attempt > 0) RABT_TRY_STATUS(stand_behind(who, booking));
    RABT_TRY(change, decide(booking.draft, moment, booking.open));
    if (!booking.draft.room.plugin.empty())
      RABT_TRY_STATUS(lets_people_in(acts_.parts().actions, booking.draft.room.plugin));
    const auto shape = [&](const Session& session, const Change&) -> Answer {
      return to_json(acts_.view(caller, session));
    };
    written = acts_.commit(caller, none, std::move(change), {.shape = shape, .also = taken});
    if (booking.record && unsettled && is_entered_already(written)) {
      booking = *unsettled;
      RABT_TRY_STATUS(settle(caller, who, input, Persons::Enters::nobody, booking));
      continue;
    }
    if (written.ok() || written.error().code != kSessionRaced) break;
    RABT_TRY(previous, acts_.rows().of_request(acts_.parts().tenant, request));
    if (!previous) continue;
    RABT_TRY(session, acts_.rows().load(acts_.parts().tenant, *previous));
    return CreatedSession{.session = acts_.view(caller, session)};
  }
  if (!written.ok() && written.error().code == kSessionRaced)
    return unavailable("store.busy", "others book at the same time; try again");
  RABT_TRY(acted, std::move(written));
  acts_.persons().ask_who(caller, acted.session);
  // Planning a visit does not wait for a provider that is down: the room comes later.
  RABT_TRY(session, caller.manner.waits_for_room
                        ? entry_.with_room(acted.session, acts_.parts().settings.room_patience_ms)
                        : Result<Session>(acted.session));
  SessionView view = acts_.view(caller, session);
  std::vector<HostTokenView> tokens;
  if (caller.manner.waits_for_room) {
    RABT_TRY(host, entry_.host_tokens(caller, session));
    tokens = std::move(host);
  }
  return CreatedSession{.session = std::move(view), .tokens = std::move(tokens)};
}

}  // namespace rabt::consultation
