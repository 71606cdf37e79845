#include "hub/consultation/acts/persons.hpp"

#include <algorithm>
#include <array>
#include <set>
#include <utility>
#include <vector>

#include "hub/base/bytes.hpp"
#include "hub/consultation/video/provider.hpp"
#include "hub/identity/identifier_systems.hpp"
#include "hub/identity/profile.hpp"

namespace rabt::consultation {

namespace {

constexpr std::array<std::string_view, 2> kTold{"gender", "birthDate"};

// True if both sides tell a sex or a day of birth, and not the same.
bool contradicts(const Json& said, const Json& kept) {
  return std::any_of(kTold.begin(), kTold.end(), [&](std::string_view name) {
    const std::string text = said.string_or(name, "");
    const std::string other = kept.string_or(name, "");
    return !text.empty() && !other.empty() && text != other;
  });
}

}  // namespace

std::string Persons::hex(std::size_t digits) const {
  Bytes bytes((digits + 1) / 2);
  parts_.random.fill(bytes);
  return to_hex(bytes).substr(0, digits);
}

Participant Persons::participant(PartRole role, const std::string& person, Json guest) const {
  constexpr std::size_t kIdentityDigits = 12;
  Participant participant;
  participant.id = parts_.ids.next().text();
  participant.person = person;
  participant.role = role;
  participant.identity = std::string(provider_role(role)) + "-" + hex(kIdentityDigits);
  participant.guest = std::move(guest);
  participant.licence = licence_of(participant.guest.string_or("licenceNumber", ""),
                                   parts_.settings.licence_patterns);
  if (!person.empty()) {
    participant.record_version = look_up(participant);
    participant.record_of = person;
  }
  return participant;
}

Result<Participant> Persons::participant(const Actor& who, const ParticipantInput& input,
                                         Mistakes& mistakes, const std::string& field) const {
  // A hospital's booking may name people whom the hub does not know: they are guests, and for the
  // licence of a guest the hospital vouches, whose signature the workflow's event carried.
  // So are those whom a client names by an id of its own system.
  Mistakes unknown;
  const bool guest = who.system || input.foreign;
  RABT_TRY(id, named(input.person, field + "person", guest ? unknown : mistakes));
  const Json numbers = who.system ? input.identifiers : Json::array();
  if (guest && input.person.is_object() && !id.empty()) {
    RABT_TRY(another, is_another(input.guest, stated_numbers(input.person, numbers), id));
    if (!another && numbers.size() > 0) {
      RABT_TRY(records, records_of(input.person, numbers));
      another = records.size() > 1;
    }
    if (another) id.clear();
  }
  const PartRole role = input.role.value_or(PartRole::observer);
  Participant one = participant(role, id, input.guest);
  if (!id.empty() && !may_act_as(one.account, role))
    mistakes.add(field + "person",
                 "it has no role in the tenant that fits " + std::string(to_string(role)));
  one.bypass = input.bypass;
  if (id.empty() && input.person.is_object()) {
    one.reference = input.person;
    one.numbers = numbers;
  }
  if (who.system && id.empty() && one.licence == identity::Licence::missing &&
      !one.guest.string_or("licenceNumber", "").empty())
    one.licence = identity::Licence::vouched;
  return one;
}

Result<AcceptInvitation> Persons::accepting(const Session& session, const Invitation& invitation,
                                            const std::string& person) const {
  RABT_TRY(coming, as_known(session, participant(invitation.role, person, invitation.guest)));
  return AcceptInvitation{invitation.id, std::move(coming)};
}

Result<Participant> Persons::as_known(const Session& session, Participant coming) const {
  if (coming.person.empty() || session.of_person(coming.person) != nullptr) return coming;
  for (const Participant& participant : session.people.participants) {
    if (participant.role != coming.role) continue;
    RABT_TRY(named, is_named_by(participant, coming.person));
    if (named) coming.id = participant.id;
  }
  return coming;
}

Result<std::vector<std::string>> Persons::records_of(const Json& reference,
                                                     const Json& numbers) const {
  std::vector<std::string> out;
  const auto add = [&](const Json& number) -> Status {
    const auto found = parts_.directory.resolve(parts_.tenant, number);
    if (found.ok()) {
      if (std::find(out.begin(), out.end(), *found) == out.end()) out.push_back(*found);
      return ok_status();
    }
    const bool nobody = found.error().kind == ErrorKind::not_found ||
                        found.error().kind == ErrorKind::invalid ||
                        found.error().kind == ErrorKind::conflict;
    return nobody ? ok_status() : Status(found.error());
  };
  RABT_TRY_STATUS(add(reference));
  for (const Json& number : numbers.as_array()) RABT_TRY_STATUS(add(number));
  return out;
}

Result<bool> Persons::is_named_by(const Participant& participant, std::string_view person) const {
  if (!participant.person.empty() || !participant.reference.is_object()) return false;
  RABT_TRY(found, records_of(participant.reference, Json::array()));
  if (found.empty() || found.front() != person) return false;
  RABT_TRY(all, records_of(participant.reference, participant.numbers));
  if (all.size() > 1) return false;
  RABT_TRY(other, is_another(participant.guest,
                             stated_numbers(participant.reference, participant.numbers), person));
  return !other;
}

Result<bool> Persons::has_another_number(const Json& numbers, std::string_view person) const {
  // A record that was merged into his has numbers of his, too: each number is resolved.
  std::set<std::string_view> foreign;
  for (const Json& number : numbers.as_array()) {
    const std::string_view kind = identity::identifier_kind(number.string_or("system", ""));
    if (!identity::is_number_of_the_kingdom(kind, number.string_or("value", ""))) continue;
    RABT_TRY(found, records_of(number, Json::array()));
    if (found.empty() || found.front() != person) foreign.insert(kind);
  }
  if (foreign.empty()) return false;
  RABT_TRY(record, parts_.directory.find(parts_.tenant, person));
  const Json own = identity::numbers_of_the_kingdom(record.profile);
  return std::any_of(own.as_array().begin(), own.as_array().end(),
                     [&](const Json& item) { return foreign.contains(item["kind"].as_string()); });
}

Result<bool> Persons::is_another(const Json& posted, const Json& numbers,
                                 std::string_view person) const {
  RABT_TRY(numbered, has_another_number(numbers, person));
  if (numbered) return true;
  if (std::all_of(kTold.begin(), kTold.end(),
                  [&](std::string_view name) { return posted.string_or(name, "").empty(); }))
    return false;
  const auto record = parts_.directory.find(parts_.tenant, person);
  if (!record.ok()) return record.error();
  return contradicts(posted, record->profile);
}

Result<bool> Persons::is_somebody_else(const Session& session, const Json& said,
                                       const Json& numbers) const {
  const auto& people = session.people.participants;
  const auto patient = std::find_if(
      people.begin(), people.end(),
      [](const Participant& participant) { return participant.role == PartRole::patient; });
  const Json booked = patient == people.end() ? Json::object() : patient->guest;
  // The survivor, where his record was merged.
  RABT_TRY(own, records_of(Json(session.patient), Json::array()));
  if (own.empty()) return contradicts(said, booked);
  RABT_TRY(record, parts_.directory.find(parts_.tenant, own.front()));
  // The booking tells what the record does not.
  Json kept = Json::object();
  for (const std::string_view name : kTold) {
    const std::string text = record.profile.string_or(name, "");
    kept.set(std::string(name), text.empty() ? booked.string_or(name, "") : text);
  }
  if (contradicts(said, kept)) return true;
  RABT_TRY(records, records_of(numbers[0], numbers));
  if (records.size() != 1 || records.front() == own.front()) return false;
  RABT_TRY(contradicted, is_another(said, numbers, records.front()));
  if (contradicted) return false;
  // Two records of one patient that nobody has merged yet do not contradict each other.
  RABT_TRY(other, parts_.directory.find(parts_.tenant, records.front()));
  return contradicts(other.profile, kept);
}

Result<std::optional<Recognise>> Persons::recognised(const Session& session,
                                                     const std::string& person) const {
  for (const Participant& one : session.people.participants) {
    if (!one.takes_part()) continue;
    RABT_TRY(named, is_named_by(one, person));
    if (!named) continue;
    return std::optional(
        Recognise{.participant = one.id, .person = participant(one.role, person, Json::object())});
  }
  return std::optional<Recognise>();
}

std::int64_t Persons::look_up(Participant& participant) const {
  const auto record = parts_.directory.find(parts_.tenant, participant.person);
  return record.ok() ? take_from(*record, participant) : 0;
}

std::int64_t Persons::take_from(const identity::Person& record, Participant& participant) const {
  participant.account = record.roles;
  participant.pseudonym = record.pseudonym;
  if (needs_licence(participant.role)) participant.licence = licence(record);
  return record.version;
}

identity::Licence Persons::licence(const identity::Person& person) const {
  // Somebody who is treated here does not treat, whatever number stands in his record.
  if (!person.roles.has_any({identity::Role::doctor, identity::Role::specialist}))
    return identity::Licence::missing;
  if (person.licence != identity::Licence::missing) return person.licence;
  return licence_of(person.profile.string_or("licenceNumber", ""),
                    parts_.settings.licence_patterns);
}

void Persons::refresh(Session& session) const {
  for (Participant& participant : session.people.participants) {
    if (!participant.person.empty()) (void)look_up(participant);
  }
}

Result<std::string> Persons::named(const Json& reference, const std::string& field,
                                   Mistakes& mistakes) const {
  if (reference.is_null()) return std::string();
  auto found = parts_.directory.resolve(parts_.tenant, reference);
  if (found.ok()) return std::move(*found);
  if (found.error().kind != ErrorKind::not_found && found.error().kind != ErrorKind::invalid)
    return std::move(found).error();
  mistakes.add(
      field,
      reference.is_object()
          ? "no person has this identifier: no token of this person has been shown yet, and no "
            "record has the id among its externalIds"
          : "no person has this identifier");
  return std::string();
}

Result<std::string> Persons::of_filter(std::string_view text) const {
  if (text.empty()) return std::string();
  auto found = parts_.directory.resolve(parts_.tenant, std::string(text));
  if (found.ok()) return std::move(*found);
  if (found.error().kind != ErrorKind::not_found && found.error().kind != ErrorKind::invalid)
    return std::move(found).error();
  // The list of nobody.
  return std::string("-");
}

void Persons::warn_preferences(Session& session) const {
  session.clear_warning("preference.gender");
  session.clear_warning("preference.language");
  std::vector<std::string> genders;
  std::vector<Json> tongues;
  std::string wish;
  for (const Participant& participant : session.people.participants) {
    if (!participant.takes_part()) continue;
    Json guest = participant.guest;
    if (!participant.person.empty()) {
      if (const auto person = parts_.directory.find(session.tenant, participant.person);
          person.ok()) {
        for (const auto& [key, value] : person->profile.as_object()) {
          if (guest.find(key) == nullptr) guest.set(key, value);
        }
      }
    }
    if (needs_licence(participant.role)) {
      genders.push_back(guest.string_or("gender", ""));
      if (guest["languages"].is_array()) tongues.push_back(guest["languages"]);
    } else if (participant.role == PartRole::patient ||
               participant.role == PartRole::family_member) {
      if (wish.empty()) wish = guest.string_or("genderPreference", "");
    }
  }
  if (!wish.empty() && std::any_of(genders.begin(), genders.end(), [&](const std::string& text) {
        return !text.empty() && text != wish;
      }))
    session.warn("preference.gender");
  for (const Json& spoken : tongues) {
    const bool speaks =
        std::any_of(spoken.as_array().begin(), spoken.as_array().end(), [&](const Json& language) {
          return language.is_string() && language.as_string() == session.options.language;
        });
    if (!speaks && spoken.size() > 0) session.warn("preference.language");
  }
}

}  // namespace rabt::consultation
