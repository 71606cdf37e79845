#include <algorithm>
#include <utility>

#include "hub/consultation/session/step.hpp"
#include "hub/schema/schema_regex.hpp"

// Actors: their participants, their relations to a session, and the licences that they show.
namespace rabt::consultation {

using identity::Licence;

const Participant* own_of(const Session& session, const Actor& who) {
  if (who.part.participant.empty()) return session.of_person(who.person);
  if (who.part.session != session.id) return nullptr;
  const Participant* const own = session.participant(who.part.participant);
  return own != nullptr && opens_by_link(own->role) ? own : nullptr;
}
Participant* own_of(Session& session, const Actor& who) {
  return const_cast<Participant*>(own_of(std::as_const(session), who));
}

PartRole acting_role(const Participant& own, identity::Roles account) {
  return may_act_as(account, own.role) ? own.role : PartRole::observer;
}

access::Facts facts_of(const Session& session, const Actor& who) {
  using access::Is;
  access::Facts facts{.roles = who.roles, .system = who.system};
  access::Relations& relations = facts.is;
  // An application that opened the session for its own people runs it.
  relations.add(Is::creator, who.person.empty() && who.roles.has(identity::Role::integration) &&
                                 session.origin.created_by == who.actor);
  relations.add(Is::unclaimed,
                session.status == SessionStatus::requested && session.provider.empty());
  relations.add(Is::calling, calls_doctors(session));
  const Participant* const own = own_of(session, who);
  if (who.person.empty() && own == nullptr) return facts;
  relations.add(Is::treating, !who.person.empty() && who.person == session.provider &&
                                  may_act_as(who.roles, PartRole::nurse) &&
                                  (own == nullptr || own->takes_part()));
  // A participant who was denied or removed has no relation to the session any more, as patient and
  // as provider neither.
  const bool of_link = !who.part.participant.empty() && own != nullptr &&
                       own->role == PartRole::patient && own->person == session.patient;
  relations.add(Is::patient, (of_link || (!who.person.empty() && who.person == session.patient)) &&
                                 (own == nullptr || own->takes_part()));
  if (own == nullptr) {
    relations.add(Is::invited,
                  std::any_of(session.people.invitations.begin(), session.people.invitations.end(),
                              [&](const Invitation& invitation) {
                                return invitation.person == who.person &&
                                       invitation.status == "pending";
                              }));
    return facts;
  }
  const PartRole role = acting_role(*own, who.roles);
  relations.add(Is::member);
  relations.add(Is::takes_part, own->takes_part());
  relations.add(Is::admitted, own->admitted());
  relations.add(Is::host, role == own->role && is_host(session, *own));
  relations.add(Is::staff, is_staff(role));
  relations.add(Is::licensed, needs_licence(role));
  relations.add(Is::doctor, role == PartRole::doctor);
  relations.add(Is::specialist, role == PartRole::specialist);
  relations.add(Is::nurse, role == PartRole::nurse);
  relations.add(Is::patient_role, role == PartRole::patient);
  relations.add(Is::observer, role == PartRole::observer);
  return facts;
}

Result<access::Allowed> may(access::Right right, const Session& session, const Actor& who) {
  return access::admit(right, facts_of(session, who));
}

Licence licence_of(std::string_view number, const std::vector<std::string>& patterns) {
  if (number.empty()) return Licence::missing;
  std::string folded;
  // Arabic digits, U+0660 to U+0669, and extended ones, U+06F0 to U+06F9, two bytes each.
  for (std::size_t i = 0; i < number.size(); ++i) {
    const auto lead = static_cast<unsigned char>(number[i]);
    const auto next = i + 1 < number.size() ? static_cast<unsigned char>(number[i + 1]) : 0U;
    if (lead == 0xD9 && next >= 0xA0 && next <= 0xA9) {
      folded += static_cast<char>('0' + (next - 0xA0));
      ++i;
    } else if (lead == 0xDB && next >= 0xB0 && next <= 0xB9) {
      folded += static_cast<char>('0' + (next - 0xB0));
      ++i;
    } else {
      folded += number[i];
    }
  }
  for (const std::string& pattern : patterns) {
    const auto compiled = schema::Pattern::compile(pattern);
    if (compiled.ok() && (*compiled)->found_in(folded)) return Licence::format_ok;
  }
  return Licence::missing;
}

bool licensed(const Participant& participant, const VideoSettings& settings) {
  if (!needs_licence(participant.role)) return true;
  switch (settings.licence) {
    case VideoSettings::Licence::off:
      return true;
    case VideoSettings::Licence::known:
      return participant.licence == Licence::format_ok || participant.licence == Licence::vouched ||
             participant.licence == Licence::verified;
    case VideoSettings::Licence::verified:
      return participant.licence == Licence::verified;
  }
  return false;
}

}  // namespace rabt::consultation
