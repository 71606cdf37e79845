#pragma once

// Numbers of a patient by the systems that every hub knows, for plugins of the role `ehr`: a record
// system may name a national id by an own URI, OID or HL7 v2 assigning authority. SPDX-License-
// Identifier: Apache-2.0

#include <algorithm>
#include <cstddef>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <utility>

#include "rabt/json_nlohmann.hpp"
#include "rabt/plugin.hpp"
#include "rabt/text.hpp"

namespace rabt::sdk {

// Systems of NPHIES begin with it.
inline constexpr std::string_view kNphiesIdentifier = "http://nphies.sa/identifier/";
// System of the passports of a country in FHIR R4 (4.1.2.1); three letters of ISO 3166-1 follow.
inline constexpr std::string_view kPassportOfCountry = "http://hl7.org/fhir/sid/passport-";

// True for ten digits that begin with 1 (national id) or 2 (residence permit), with their check
// digit (Luhn).
inline bool is_number_of_the_kingdom(std::string_view value) {
  if (value.size() != 10 || !all_digits(value) || (value.front() != '1' && value.front() != '2'))
    return false;
  int sum = 0;
  for (std::size_t at = 0; at < value.size(); ++at) {
    int digit = value[at] - '0';
    if (at % 2 == 0 && (digit *= 2) > 9) digit -= 9;
    sum += digit;
  }
  return sum % 10 == 0;
}

// True for three small letters, as a country of ISO 3166-1 has.
inline bool is_country(std::string_view text) {
  return text.size() == 3 &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= 'a' && c <= 'z'; });
}

// Types (NI, PRC, PPN, BN) of the numbers of own systems, by URI or, in HL7 v2, by the namespace of
// the assigning authority.
using NumberTypes = std::map<std::string, std::string>;

// The member `identifiers` of a plugin's configuration: {national_id, iqama, passport,
// border_number}, each a list of systems. Throws Refusal with `code` for a system that stands under
// two kinds.
inline NumberTypes read_number_types(const nlohmann::json& config, const std::string& code) {
  NumberTypes out;
  const nlohmann::json& kinds = member_of(config, "identifiers");
  for (const auto& [kind, type] : {std::pair{"national_id", "NI"},
                                   {"iqama", "PRC"},
                                   {"passport", "PPN"},
                                   {"border_number", "BN"}}) {
    for (const nlohmann::json& system : list_of(kinds, kind)) {
      if (!system.is_string()) continue;
      const auto [entry, added] = out.try_emplace(system.get<std::string>(), type);
      if (!added && entry->second != type)
        throw Refusal(code, "identifiers." + std::string(kind) + ": " + entry->first +
                                " stands under another kind, too; a system of national ids and "
                                "residence permits stands under national_id alone");
    }
  }
  return out;
}

// Type of a number by the configuration, "" if it has none. authority: the namespace in HL7 v2,
// else "". One system may have national ids and residence permits: the first digit tells.
inline std::string configured_type(const NumberTypes& types, const std::string& system,
                                   const std::string& authority, std::string_view value) {
  auto found = system.empty() ? types.end() : types.find(system);
  if (found == types.end() && !authority.empty()) found = types.find(authority);
  if (found == types.end()) return {};
  const bool in_the_kingdom = found->second == "NI" || found->second == "PRC";
  if (in_the_kingdom && is_number_of_the_kingdom(value)) return value.front() == '1' ? "NI" : "PRC";
  return found->second;
}

// {system, value, type} of a number under the system that the hub knows: that of NPHIES, or that of
// FHIR for a passport whose country has three letters. Null for a number without a system or
// already under such a one, and for other types.
// number: {system, value, type}. country: the one that gave it, "" if not known. configured: the
// type is that of the configuration; else a number of another country is none of the kingdom. A
// national id or residence permit must have its form: a system may hold other numbers, too.
inline nlohmann::json known_number(const nlohmann::json& number, const std::string& country,
                                   bool configured) {
  const std::string system = text_of(number, "system");
  std::string type = text_of(number, "type");
  const std::string value = text_of(number, "value");
  if (system.empty() || system.starts_with(kNphiesIdentifier) ||
      system.starts_with(kPassportOfCountry))
    return {};
  if (type == "NI" || type == "PRC") {
    const std::string from = lower(country);
    const bool of_another = !from.empty() && from != "sa" && from != "sau";
    const bool in_form = is_number_of_the_kingdom(value);
    if (!in_form || (!configured && of_another)) return {};
    type = value.front() == '1' ? "NI" : "PRC";
  }
  std::string known(kNphiesIdentifier);
  if (type == "NI") {
    known += "nationalid";
  } else if (type == "PRC") {
    known += "iqama";
  } else if (type == "BN") {
    known += "bordernumber";
  } else if (type != "PPN") {
    return {};
  } else if (std::string letters = lower(country); is_country(letters)) {
    for (char& c : letters) c = static_cast<char>(c - 'a' + 'A');
    known = std::string(kPassportOfCountry) + letters;
  } else {
    known += "passportnumber";
  }
  return {{"system", known}, {"value", value}, {"type", type}};
}

// Appends numbers, but for nulls and those that stand in the list under their system already, until
// the list has `most`.
inline void add_numbers(nlohmann::json& list, const nlohmann::json& numbers, std::size_t most) {
  for (const nlohmann::json& number : numbers) {
    const bool twice = std::any_of(list.begin(), list.end(), [&](const nlohmann::json& other) {
      return text_of(other, "system") == text_of(number, "system") &&
             text_of(other, "value") == text_of(number, "value");
    });
    if (!number.is_null() && !twice && list.size() < most) list.push_back(number);
  }
}

}  // namespace rabt::sdk
