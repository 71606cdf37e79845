#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "json_text.hpp"

namespace rabt::nphies {

inline constexpr std::string_view kProfile =
    "http://nphies.sa/fhir/ksa/nphies-fs/StructureDefinition/";
inline constexpr std::string_view kCodes = "http://nphies.sa/terminology/CodeSystem/";
inline constexpr std::string_view kHl7Codes = "http://terminology.hl7.org/CodeSystem/";
inline constexpr std::string_view kLicence = "http://nphies.sa/license/";

struct Party {
  std::string licence;
  std::string name;
};
struct Doctor {
  std::string licence;
  std::string name;
  std::string specialty;  // practice-codes
  std::string role;       // claimcareteamrole
};

// Settings of the operator. Immutable after read_settings.
struct Settings {
  std::string url;  // of $process-message
  Party provider;
  std::string provider_type;  // provider-type 1..9
  Party payer;
  // payer.default: the payer of coverages that name none.
  bool payer_is_default = false;
  std::string member_system;
  Party facility;
  std::string clinic_specialty;
  Doctor practitioner;  // default; may be empty
  Json services = Json::array();
  std::int64_t tax_percent_hundredths = 0;
  std::int64_t patient_percent_hundredths = 0;
  bool poll_whole_queue = false;  // poll_mode: queue
  std::int64_t poll_count = 10;   // replies per poll in queue mode
  std::string identifier_base;    // systems of our own identifiers and base of fullUrl
  std::string provider_endpoint;
  std::string payer_endpoint;
  std::string nphies_endpoint;
  bool bearer = false;
  bool ig_1_0_0_names = false;  // naming: ig-1.0.0
};

// config: JSON that holds against the manifest's schema. Throws Refusal with the place and the next
// step.
[[nodiscard]] Settings read_settings(std::string_view config);

}  // namespace rabt::nphies
