#pragma once

#include <string_view>
#include <utility>

// Systems of numbers that are identifiers of persons wherever they are written.
namespace rabt::identity {

// Systems of passports in FHIR R4 (4.1.2.1, "Passport numbers"): the country follows, in three
// letters of ISO 3166-1.
inline constexpr std::string_view kPassportSystem = "http://hl7.org/fhir/sid/passport-";

// The country of a passport, three letters as they are written: of its system in FHIR, or of a
// system that is the code alone. Empty for any other system.
constexpr std::string_view passport_country(std::string_view system) {
  if (system.starts_with(kPassportSystem)) system.remove_prefix(kPassportSystem.size());
  if (system.size() != 3) return {};
  for (const char c : system) {
    if (!((c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z'))) return {};
  }
  return system;
}

// "national_id", "iqama" or "passport" for the system of NPHIES, that of FHIR for the passports of
// a country, or the word that stands for it. Empty for a system of somebody else.
constexpr std::string_view identifier_kind(std::string_view system) {
  if (system.starts_with(kPassportSystem) && !passport_country(system).empty()) return "passport";
  using Known = std::pair<std::string_view, std::string_view>;
  for (const auto& [name, kind] :
       {Known{"http://nphies.sa/identifier/nationalid", "national_id"},
        Known{"http://nphies.sa/identifier/iqama", "iqama"},
        Known{"http://nphies.sa/identifier/passportnumber", "passport"},
        Known{"nationalid", "national_id"}, Known{"national_id", "national_id"},
        Known{"iqama", "iqama"}, Known{"passport", "passport"}}) {
    if (name == system) return kind;
  }
  return {};
}

// True for numbers that no two persons of the kingdom have; a passport is one of its country.
constexpr bool is_one_in_the_kingdom(std::string_view kind) {
  return kind == "national_id" || kind == "iqama";
}

}  // namespace rabt::identity
