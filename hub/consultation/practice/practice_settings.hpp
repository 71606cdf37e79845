#pragma once

#include <string>
#include <vector>

#include "hub/consultation/practice/metering/metering_settings.hpp"

// The sections `metering` and `compliance` of the configuration.
namespace rabt::consultation {

// A contract with somebody who gets patient data.
struct Agreement {
  // The id of a plugin, or a name.
  std::string party;
  // baa, dpa
  std::string kind;
  // Dates: 2026-11-22. No end when `valid_to` is empty.
  std::string signed_on;
  std::string valid_to;
  std::string document;
};

struct PracticeSettings {
  MeteringSettings metering{};
  bool require_agreement = false;
  std::vector<Agreement> agreements{};
  // Plugins that get patient data.
  std::vector<std::string> processors{};
};

}  // namespace rabt::consultation
