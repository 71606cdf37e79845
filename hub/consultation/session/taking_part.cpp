#include <algorithm>

#include "hub/base/limits.hpp"
#include "hub/consultation/session/standing_consents.hpp"
#include "hub/consultation/session/step.hpp"

// Rules of taking part: roles that a session takes, its patient, and the way in.
namespace rabt::consultation {

namespace {

// True for a person without an account who is said to be staff, on the word of another person: he
// may be a relative. The hospital knows the session's organizer, and people whom a system brought.
bool is_unknown_staff(const Session& session, const Participant& coming, const Actor& who) {
  if (!coming.person.empty() || opens_by_link(coming.role) || coming.id == session.people.organizer)
    return false;
  const Participant* const participant = session.participant(coming.id);
  return !(participant != nullptr ? bringer_of(session, *participant) : who.person).empty();
}

}  // namespace

Status not_own_patient(const Session& session) {
  if (session.patient.empty()) return ok_status();
  const bool treats = session.provider == session.patient;
  const auto& people = session.people.participants;
  const bool other = std::any_of(people.begin(), people.end(), [&](const Participant& participant) {
    return participant.person == session.patient && participant.takes_part() &&
           participant.role != PartRole::patient;
  });
  if (!treats && !other) return ok_status();
  return conflict("session.own_patient",
                  "whom the session is about takes part as patient, and as nothing else: name "
                  "another doctor, or another patient");
}

Status may_take_part(const Step& step, const Participant& coming) {
  const Session& session = step.change.after;
  const PartRole role = coming.role;
  RABT_TRY_STATUS(role_allowed(session, role));
  // A person who comes himself has the roles that he signed in with, too.
  const Actor& who = step.moment.who;
  const identity::Roles own_roles = coming.person == who.person ? who.roles : identity::Roles{};
  const bool held = may_act_as(coming.account, role) || may_act_as(own_roles, role);
  if (!coming.person.empty() && !held)
    return conflict("participant.role_not_held",
                    "the account has no role in the tenant with which somebody takes part as " +
                        std::string(to_string(role)));
  RABT_TRY_STATUS(no_second_patient(session, coming));
  if (is_unwanted_relative(session, coming))
    return conflict("consent.own_word",
                    "the patient has put this relative out by his own word, and he alone lets the "
                    "relative in again");
  // An observer without a role of the hospital may be a relative.
  if (role == PartRole::observer && !works_here(coming.account) && !works_here(own_roles) &&
      patient_refused(session, "family"))
    return conflict("consent.own_word",
                    "the patient wants none of his family there: until he takes that back, who "
                    "observes needs an account with a role of the hospital");
  if (is_unknown_staff(session, coming, who) && patient_refused(session, "family"))
    return conflict("consent.own_word",
                    "the patient wants none of his family there: until he takes that back, who "
                    "comes as staff needs an account with a role of the hospital");
  if (session.room.plugin.empty() || !only_receives(session.type, role) || step.moment.receive_only)
    return ok_status();
  return conflict("capability.receive_only",
                  "the role " + std::string(to_string(role)) +
                      " only sees and hears, and the video provider of this session cannot keep "
                      "anybody from speaking");
}

Result<Participant*> bring_in(Step& step, Participant coming) {
  Session& session = step.after();
  RABT_TRY_STATUS(may_take_part(step, coming));
  const auto parts =
      std::count_if(session.people.participants.begin(), session.people.participants.end(),
                    [](const Participant& part) { return part.takes_part(); });
  if (parts >= kMostParticipants)
    return conflict("session.full", "a session has at most 15 participants");
  if (session.people.participants.size() >= limits::kMaxSessionPeople)
    return conflict("session.full", "100 people took part in the session, as many as it knows");
  coming.admission = first_admission(session, coming);
  coming.since_ms = step.moment.now.ms;
  coming.created_ms = step.moment.now.ms;
  coming.number = static_cast<std::int64_t>(session.people.participants.size()) + 1;
  session.people.participants.push_back(std::move(coming));
  RABT_TRY_STATUS(take_as_patient(step, session.people.participants.back()));
  return &session.people.participants.back();
}

Status take_as_patient(Step& step, const Participant& coming) {
  Session& session = step.after();
  // The patient may come later, once.
  if (coming.role == PartRole::patient && session.patient.empty() && !coming.person.empty()) {
    session.patient = coming.person;
    session.naming.pseudonym = coming.pseudonym;
    session.naming.by = word_of(session, step.moment.who.person);
  }
  return not_own_patient(session);
}

std::string bringer_of(const Session& session, const Participant& participant) {
  constexpr std::string_view kPerson = "person:";
  if (!participant.brought_by.empty()) return participant.brought_by;
  // Older hubs did not write down who brought a participant in; the creator of the session counts.
  const auto at = session.origin.created_by.rfind(kPerson);
  return at == std::string::npos ? std::string()
                                 : session.origin.created_by.substr(at + kPerson.size());
}

std::string word_of(const Session& session, const std::string& person) {
  std::string out = person;
  const Participant* participant = session.of_person(person);
  while (participant != nullptr) {
    const std::string by = bringer_of(session, *participant);
    if (by.empty() || out.find(by) != std::string::npos) break;
    out += " " + by;
    participant = session.of_person(by);
  }
  return out;
}

Admission first_admission(const Session& session, const Participant& coming) {
  // An `admin` without an account waits like everybody else.
  const bool guest_office = coming.person.empty() && coming.role == PartRole::admin;
  const bool at_once = coming.bypass || (leads(session, coming) && !guest_office);
  return session.options.waiting_room && !at_once ? Admission::waiting : Admission::admitted;
}

}  // namespace rabt::consultation
