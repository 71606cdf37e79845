#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "hub/base/json.hpp"
#include "hub/base/result.hpp"
#include "hub/identity/principal.hpp"

// People: one human is one person with one id, whoever knows him under which name.
namespace rabt::identity {

// Proof of the licence of a doctor or specialist.
enum class Licence : std::uint8_t { missing, format_ok, vouched, verified, refused, expired };

struct Person {
  // ULID text
  std::string id;
  // Counts from 1 in each tenant.
  std::int64_t number = 0;
  Roles roles;
  bool active = true;
  // The profile, opened: members of the API's Person (name, nameAr, gender, birthDate, phone,
  // email, identifiers, language, reminders, saudiResident, genderPreference; specialty,
  // department, organization, licenceNumber, licenceUntil, languages, videoEnabled of a provider;
  // mrn, saudiHealthId of a patient), and `enteredBy`, {session, instance}, of one whom a booking
  // entered. Patient data.
  Json profile = Json::object();
  Licence licence = Licence::missing;
  // The pseudonym under which the audit log knows the person: hex of a blind index.
  std::string pseudonym;
  std::int64_t version = 1;
};

// Directory of people, for the hub's own records. Internally synchronised.
class Directory {
 public:
  virtual ~Directory() = default;
  // The ULID of the person whom a reference names: id or UUID text, a number, or {system, value}.
  // Errors: not_found person.unknown, invalid person.reference.
  [[nodiscard]] virtual Result<std::string> resolve(std::string_view tenant,
                                                    const Json& reference) = 0;
  // Error not_found person.unknown.
  [[nodiscard]] virtual Result<Person> find(std::string_view tenant, std::string_view id) = 0;
  // Persons who have one of the roles, by number.
  [[nodiscard]] virtual Result<std::vector<Person>> having(std::string_view tenant,
                                                           Roles roles) = 0;
};

// One id in three forms: the 128 bits of a ULID as UUID text, and back. Nothing when the text is
// neither a ULID nor a UUID.
[[nodiscard]] std::string uuid_of(std::string_view ulid);
[[nodiscard]] std::optional<std::string> ulid_of(std::string_view text);

}  // namespace rabt::identity
