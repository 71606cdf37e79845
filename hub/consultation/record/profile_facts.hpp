#pragma once

#include <optional>
#include <string>
#include <vector>

#include "hub/base/json.hpp"

// The people of a visit, as a claim and a record system name them: from the profiles of their
// records. Pure.
namespace rabt::consultation {

struct ProfileIdentifier {
  std::string value;
  // NI, PRC, PPN, MR
  std::string type;
  std::optional<std::string> system{};
};
[[nodiscard]] Json to_json(const ProfileIdentifier& identifier);
[[nodiscard]] Json to_json(const std::vector<ProfileIdentifier>& identifiers);
// All numbers in the profile of a person, that of the claim first.
[[nodiscard]] std::vector<ProfileIdentifier> identifiers_of_profile(const Json& profile);

struct ClaimPatient {
  std::optional<ProfileIdentifier> identifier{};
  std::optional<std::string> name{};
  std::optional<std::string> gender{};
  std::optional<std::string> birth_date{};
};
[[nodiscard]] ClaimPatient patient_of_profile(const Json& profile);
// {identifier?, name, gender?, birthDate?}
[[nodiscard]] Json to_json(const ClaimPatient& patient);

struct PatientContact {
  std::string language;
  std::optional<std::string> phone{};
  std::optional<std::string> email{};
  std::vector<std::string> guardian_phones{};
};
[[nodiscard]] PatientContact contact_of_profile(const Json& profile);
// {language, phone?, email?, guardianPhones?}
[[nodiscard]] Json to_json(const PatientContact& contact);

struct ClaimPractitioner {
  std::optional<std::string> licence{};
  std::optional<std::string> name{};
};
[[nodiscard]] ClaimPractitioner practitioner_of_profile(const Json& profile);
// {licence?, name}
[[nodiscard]] Json to_json(const ClaimPractitioner& practitioner);

}  // namespace rabt::consultation
