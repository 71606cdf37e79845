#pragma once

#include <string_view>
#include <utility>

// Systems of numbers that are identifiers of persons wherever they are written.
namespace rabt::identity {

// "national_id", "iqama" or "passport" for the system of NPHIES, or the word that stands for it.
// Empty for a system of somebody else.
constexpr std::string_view identifier_kind(std::string_view system) {
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
