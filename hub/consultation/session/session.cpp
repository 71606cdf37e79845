#include "hub/consultation/session/session.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "hub/base/ascii.hpp"
#include "hub/consultation/request/settings.hpp"
#include "hub/consultation/session/standing_consents.hpp"

namespace rabt::consultation {

namespace {

constexpr std::array<std::string_view, 8> kStatus{"requested", "scheduled", "waiting", "active",
                                                  "completed", "cancelled", "no_show", "failed"};
constexpr std::array<std::string_view, 7> kTypes{
    "doctor_patient",         "medical_team",      "family_consultation", "second_opinion",
    "emergency_consultation", "remote_monitoring", "training_session"};
constexpr std::array<std::string_view, 7> kRoles{"doctor",        "specialist", "nurse", "patient",
                                                 "family_member", "observer",   "admin"};
constexpr std::array<std::string_view, 4> kAdmissions{"waiting", "admitted", "denied", "removed"};

template <class Enum, std::size_t N>
std::optional<Enum> parse(const std::array<std::string_view, N>& names, std::string_view text) {
  for (std::size_t i = 0; i < N; ++i) {
    if (equal_ignoring_case(names[i], text)) return static_cast<Enum>(i);
  }
  return std::nullopt;
}

// Number of participants with one of the roles who are there.
std::size_t count(const Session& session, std::initializer_list<PartRole> roles,
                  bool joined_counts) {
  return static_cast<std::size_t>(std::count_if(
      session.people.participants.begin(), session.people.participants.end(),
      [&](const Participant& participant) {
        const bool there = session.people.present(participant) ||
                           (joined_counts && participant.here && participant.admitted());
        return there && std::find(roles.begin(), roles.end(), participant.role) != roles.end();
      }));
}

// The doctor who opened an emergency himself does not answer it when he asks for another specialty.
bool answers(const Participant& participant, bool asks) {
  if (!needs_licence(participant.role) || !participant.takes_part()) return false;
  const bool opened_it =
      !participant.person.empty() && participant.person == participant.brought_by;
  return opened_it ? !asks : participant.was_here;
}

}  // namespace

std::string_view to_string(SessionStatus status) {
  return kStatus[static_cast<std::size_t>(status)];
}
std::optional<SessionStatus> parse_session_status(std::string_view text) {
  return parse<SessionStatus>(kStatus, text);
}
bool is_end(SessionStatus status) {
  return status >= SessionStatus::completed;
}
std::string_view to_string(SessionType type) {
  return kTypes[static_cast<std::size_t>(type)];
}
std::optional<SessionType> parse_session_type(std::string_view text) {
  return parse<SessionType>(kTypes, text);
}
std::string_view to_string(PartRole role) {
  return kRoles[static_cast<std::size_t>(role)];
}
std::optional<PartRole> parse_part_role(std::string_view text) {
  return parse<PartRole>(kRoles, text);
}
std::optional<Admission> parse_admission(std::string_view text) {
  return parse<Admission>(kAdmissions, text);
}
std::string_view to_string(Admission admission) {
  return kAdmissions[static_cast<std::size_t>(admission)];
}

const Participant* Session::participant(std::string_view wanted) const {
  const auto found =
      std::find_if(people.participants.begin(), people.participants.end(),
                   [&](const Participant& participant) { return participant.id == wanted; });
  return found == people.participants.end() ? nullptr : &*found;
}
Participant* Session::participant(std::string_view wanted) {
  return const_cast<Participant*>(std::as_const(*this).participant(wanted));
}
namespace {

// Names the person `to` wherever the session names `from`, but for its consents.
void rename_patient(Session& session, const std::string& from, const std::string& to) {
  const auto rename = [&](std::string& person) {
    if (person == from) person = to;
  };
  rename(session.patient);
  for (Participant& participant : session.people.participants) {
    rename(participant.person);
    rename(participant.brought_by);
    rename(participant.admitted_by);
  }
  for (Invitation& invitation : session.people.invitations) {
    rename(invitation.person);
    rename(invitation.invited_by);
  }
}

}  // namespace

void Session::read_for(const std::string& survivor) {
  if (patient.empty() || patient == survivor || of_person(survivor) != nullptr) return;
  naming.written = patient;
  consents.written = std::exchange(consents.all, Json::array());
  rename_patient(*this, naming.written, survivor);
  for (const Json& item : consents.written.as_array()) {
    Json consent = item;
    if (item.string_or("by", "") == naming.written) consent.set("by", survivor);
    consents.all.push_back(std::move(consent));
  }
}

Session Session::as_written() const {
  Session out = *this;
  if (out.naming.written.empty()) return out;
  rename_patient(out, patient, naming.written);
  // Each word stays that of who said it; those since then were said by the survivor.
  out.consents.all = std::exchange(out.consents.written, Json::array());
  for (std::size_t at = out.consents.all.size(); at < consents.all.size(); ++at)
    out.consents.all.push_back(consents.all.item(at));
  out.naming.written.clear();
  return out;
}

const Participant* Session::of_person(std::string_view person) const {
  if (person.empty()) return nullptr;
  const Participant* removed = nullptr;
  for (const Participant& participant : people.participants) {
    if (participant.person != person) continue;
    if (participant.admission != Admission::removed) return &participant;
    removed = &participant;
  }
  return removed;
}
Participant* Session::of_person(std::string_view person) {
  return const_cast<Participant*>(std::as_const(*this).of_person(person));
}
bool has_known_appointment(const Session& session) {
  return !session.ties.appointment.is_null() && !session.ties.appointment_of_patient;
}

bool begins_now(const Session& session) {
  return session.type == SessionType::emergency_consultation &&
         session.schedule.at_ms.value_or(session.created_ms) <= session.created_ms + kEmergencyMs;
}

bool calls_doctors(const Session& session) {
  if (session.type != SessionType::emergency_consultation || session.over()) return false;
  if (!session.people.taken_by.empty()) return false;
  const bool asks = !session.topic.context.string_or("specialty", "").empty();
  return std::none_of(session.people.participants.begin(), session.people.participants.end(),
                      [&](const Participant& participant) { return answers(participant, asks); });
}

bool keep_posted(Participant& participant, const Json& posted) {
  bool changed = false;
  for (const auto& [key, value] : posted.as_object()) {
    if (participant.guest[key] == value) continue;
    participant.guest.set(key, value);
    changed = true;
  }
  return changed;
}

bool SessionParties::present(const Participant& participant) const {
  return participant.admitted() && std::any_of(stays.begin(), stays.end(), [&](const Stay& stay) {
           return stay.participant == participant.id && !stay.left_ms;
         });
}
bool SessionParties::anybody_here() const {
  return std::any_of(participants.begin(), participants.end(), [&](const Participant& participant) {
    return (participant.takes_part() && participant.here) || present(participant);
  });
}
void Session::warn(std::string_view code) {
  if (!warns(code)) warnings.emplace_back(code);
}
bool Session::warns(std::string_view code) const {
  return std::find(warnings.begin(), warnings.end(), code) != warnings.end();
}
void Session::clear_warning(std::string_view code) {
  std::erase(warnings, code);
}
void SessionTranscript::begin_gap(std::int64_t at_ms, std::string_view code) {
  // A provider that breaks off all the time: what lies between is not worth more.
  constexpr std::size_t kMaxGaps = 100;
  const bool lasts = !gaps.empty() && !gaps.back().to_ms;
  if (!lasts && gaps.size() < kMaxGaps) gaps.push_back({.from_ms = at_ms});
  gaps.back().to_ms.reset();
  gaps.back().code = std::string(code);
}
void SessionTranscript::end_gap(std::int64_t at_ms) {
  if (gaps.empty() || gaps.back().to_ms) return;
  gaps.back().to_ms = std::max(at_ms, gaps.back().from_ms);
}

bool is_staff(PartRole role) {
  return role == PartRole::doctor || role == PartRole::specialist || role == PartRole::nurse;
}
bool has_patient_in_it(SessionType type) {
  return type != SessionType::medical_team && type != SessionType::training_session;
}
bool needs_licence(PartRole role) {
  return role == PartRole::doctor || role == PartRole::specialist;
}

bool is_host_role(SessionType type, PartRole role) {
  if (role == PartRole::doctor || role == PartRole::specialist) return true;
  if (type == SessionType::remote_monitoring) return role == PartRole::nurse;
  return type == SessionType::training_session && role == PartRole::admin;
}

bool only_receives(SessionType type, PartRole role) {
  return role == PartRole::observer || (role == PartRole::admin && !is_host_role(type, role));
}

bool may_act_as(identity::Roles account, PartRole role) {
  using identity::Role;
  switch (role) {
    case PartRole::doctor:
    case PartRole::specialist:
      return account.has_any({Role::doctor, Role::specialist});
    case PartRole::nurse:
      return account.has_any(identity::kTreats);
    case PartRole::admin:
      return account.has_any({Role::admin, Role::operator_});
    case PartRole::patient:
    case PartRole::family_member:
    case PartRole::observer:
      break;
  }
  return true;
}

bool works_here(identity::Roles account) {
  using identity::Role;
  return account.has_any({Role::doctor, Role::specialist, Role::nurse, Role::desk, Role::admin,
                          Role::operator_, Role::auditor, Role::security_officer});
}

bool leads(const Session& session, const Participant& participant) {
  return is_host_role(session.type, participant.role) ||
         (participant.id == session.people.organizer && is_staff(participant.role));
}

bool is_host(const Session& session, const Participant& participant) {
  return !participant.person.empty() && participant.admitted() && leads(session, participant);
}

bool opens_by_link(PartRole role) {
  return role == PartRole::patient || role == PartRole::family_member || role == PartRole::observer;
}

std::int64_t expiry_of(const Session& session, const Invitation& invitation) {
  constexpr std::int64_t kAfterwardsMinutes = 60;
  const std::int64_t from = std::max(session.schedule.at_ms.value_or(0), invitation.created_ms);
  return from + (session.schedule.minutes + kAfterwardsMinutes) * 60'000;
}

bool link_holds(const Session& session, const Invitation& invitation, std::string_view participant,
                Timestamp now) {
  constexpr std::int64_t kAfterwardsMs = 60LL * 60'000;
  if (invitation.status != "accepted" || !invitation.by_link) return false;
  const Participant* const one = session.participant(participant);
  if (one == nullptr || !one->takes_part() || !opens_by_link(one->role)) return false;
  // The session is about somebody else now.
  const bool other = one->role == PartRole::patient && !one->person.empty() &&
                     !session.patient.empty() && one->person != session.patient;
  if (other || session.status == SessionStatus::cancelled) return false;
  return !session.over() || now.ms <= session.ended_ms.value_or(0) + kAfterwardsMs;
}

namespace {

const Invitation* link_of(const Session& session, const Participant& participant) {
  const auto found =
      std::find_if(session.people.invitations.begin(), session.people.invitations.end(),
                   [&](const Invitation& each) { return each.id == participant.invitation; });
  return participant.invitation.empty() || found == session.people.invitations.end() ? nullptr
                                                                                     : &*found;
}

}  // namespace

std::string link_word(const Session& session, const Participant& participant) {
  const Invitation* const link = link_of(session, participant);
  if (link == nullptr || !link->by_link) return {};
  const std::string moved = link->moved == 0 ? "" : "." + std::to_string(link->moved);
  return link->id + "/" + std::to_string(link->generation) + moved;
}

std::int64_t opened_at(const Session& session, const Participant& participant) {
  const Invitation* const link = link_of(session, participant);
  return link == nullptr ? 0 : link->opened_ms;
}

bool link_proven(const Session& session, const Participant& participant, const Json& record) {
  const Invitation* const link = link_of(session, participant);
  if (link == nullptr || !link->by_link || link->proven != link->generation) return false;
  const std::string of = record.string_or("of", "");
  return !of.empty() && of == link->proven_of && record.int_or("version", 0) == link->proven_record;
}

Status role_allowed(const Session& session, PartRole role) {
  const auto refuse = [&]() -> Status {
    return conflict("participant.role_not_allowed",
                    "a session of type " + std::string(to_string(session.type)) +
                        " takes no participant of role " + std::string(to_string(role)));
  };
  switch (session.type) {
    case SessionType::doctor_patient:
    case SessionType::family_consultation:
    case SessionType::second_opinion:
    case SessionType::remote_monitoring:
      if (role == PartRole::admin) return refuse();
      break;
    case SessionType::medical_team:
      if (role == PartRole::patient || role == PartRole::family_member) return refuse();
      break;
    case SessionType::emergency_consultation:
      if (role == PartRole::admin) return refuse();
      // A family member without consent is warned of, not refused, unless the patient said no.
      if (!patient_refused(session, "family")) return ok_status();
      break;
    case SessionType::training_session:
      if (role == PartRole::patient || role == PartRole::family_member) return refuse();
      break;
  }
  if (role == PartRole::family_member && !consent_stands(session, "family")) {
    return conflict("consent.family_missing",
                    "a family member takes part only with a consent of kind family");
  }
  return ok_status();
}

bool required_present(const Session& session, bool joined_counts) {
  const auto has = [&](std::initializer_list<PartRole> roles) {
    return count(session, roles, joined_counts);
  };
  const std::size_t all =
      has({PartRole::doctor, PartRole::specialist, PartRole::nurse, PartRole::patient,
           PartRole::family_member, PartRole::observer, PartRole::admin});
  const std::size_t doctors = has({PartRole::doctor, PartRole::specialist});
  switch (session.type) {
    case SessionType::doctor_patient:
      return doctors > 0 && has({PartRole::patient}) > 0;
    case SessionType::family_consultation:
      return doctors > 0 && has({PartRole::patient, PartRole::family_member}) > 0;
    case SessionType::medical_team:
      return doctors > 0 && has({PartRole::doctor, PartRole::specialist, PartRole::nurse}) > 1;
    case SessionType::second_opinion:
      return doctors > 1;
    case SessionType::emergency_consultation:
      return doctors > 0;
    case SessionType::remote_monitoring:
      return has({PartRole::doctor, PartRole::specialist, PartRole::nurse}) > 0 &&
             has({PartRole::patient}) > 0;
    case SessionType::training_session:
      return has({PartRole::doctor, PartRole::specialist, PartRole::admin}) > 0 && all > 1;
  }
  return false;
}

std::vector<std::string> missing_roles(const Session& session) {
  std::vector<std::string> missing;
  const auto came = [&](std::initializer_list<PartRole> roles) {
    return std::any_of(session.people.participants.begin(), session.people.participants.end(),
                       [&](const Participant& participant) {
                         return participant.was_here && std::find(roles.begin(), roles.end(),
                                                                  participant.role) != roles.end();
                       });
  };
  const bool nurse_hosts = session.type == SessionType::remote_monitoring;
  if (!came({PartRole::doctor, PartRole::specialist}) && !(nurse_hosts && came({PartRole::nurse})))
    missing.emplace_back("doctor");
  const bool with_patient = session.type == SessionType::doctor_patient ||
                            session.type == SessionType::remote_monitoring ||
                            session.type == SessionType::family_consultation;
  if (with_patient && !came({PartRole::patient}) &&
      !(session.type == SessionType::family_consultation && came({PartRole::family_member})))
    missing.emplace_back("patient");
  return missing;
}

Error ended_error(SessionStatus status, std::string_view needed) {
  const std::string name(to_string(status));
  return conflict("session." + name,
                  "the session is " + name + ", and this needs one that is " + std::string(needed));
}

std::optional<Picture> picture_of(std::string_view quality) {
  if (quality == "low") return Picture{320, 240};
  if (quality == "standard") return Picture{640, 480};
  if (quality == "high") return Picture{1280, 720};
  if (quality == "hd") return Picture{1920, 1080};
  return std::nullopt;
}

}  // namespace rabt::consultation
