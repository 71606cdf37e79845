#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "hub/base/clock.hpp"
#include "hub/base/json.hpp"
#include "hub/base/result.hpp"
#include "hub/keys/data_keys.hpp"

// Profile of a person: its members, and those by which the person is found. Pure but for the keys
// of blind indexes.
namespace rabt::identity {

// The profile with its known members, in one way of writing; members that are null are left out.
// Error invalid api.invalid: one line a mistake, none quotes a value.
[[nodiscard]] Result<Json> check_profile(const Json& given);

// Checks the form and the check digit of national id and iqama, and that the birth date is not
// after the day of `now` where that day is latest. For what people and clients enter; bookings of
// hospital systems are not checked. Error invalid api.invalid, which quotes no value.
[[nodiscard]] Status check_identity(const Json& profile, Timestamp now);

// True for a national id or residence permit in its form, with its check digit. kind: as of an
// identifier.
[[nodiscard]] bool is_number_of_the_kingdom(std::string_view kind, std::string_view value);
// National ids and residence permits of a record, each {kind, value}: those among its identifiers
// and among its outside ids that have their check digit. Pure.
[[nodiscard]] Json numbers_of_the_kingdom(const Json& profile);

// RFC 7396: members of `patch` replace those of `profile`, null removes. Members that stay as they
// are stored are not checked: a rule of today may refuse them. Errors: those of check_profile.
[[nodiscard]] Result<Json> changed_profile(const Json& profile, const Json& patch);

// 3 to 64 letters, digits and . _ - @ + of ASCII, in lower case. Error invalid api.invalid.
[[nodiscard]] Result<std::string> fold_username(std::string_view username);

// Sign before a username that somebody chose when he registered himself. Names with the sign take
// none away from accounts that administrators make, and tell of none.
inline constexpr char kChosen = '~';
// The username as its person knows it; empty when there is none.
[[nodiscard]] std::string shown_username(const Json& profile);

struct Alias {
  // "username", "email", "phone", "identifier", "mrn", "external"; of two members together, by
  // which nobody is looked for: "passport" (with its country), "name_birth", "phone_birth",
  // "name_phone".
  std::string_view kind;
  // Blind index, 16 bytes.
  std::string value;
  // No other person may have it.
  bool sole = false;
};
// Everything that the person is found by. The profile was checked.
[[nodiscard]] std::vector<Alias> aliases_of(const keys::Lease& lease, const Json& profile);
// The blind index of an outside system's id of a person.
[[nodiscard]] std::string external_index(const keys::Lease& lease, std::string_view system,
                                         std::string_view value);
[[nodiscard]] std::string username_index(const keys::Lease& lease, std::string_view folded);
[[nodiscard]] std::string id_index(const keys::Lease& lease, std::string_view id);
// The blind index under which the audit log knows the person: of the first identifier, as workflows
// have it; else of the record number, else of the id. 16 bytes.
[[nodiscard]] std::string pseudonym_of(const keys::Lease& lease, const Json& profile,
                                       std::string_view id);

}  // namespace rabt::identity
