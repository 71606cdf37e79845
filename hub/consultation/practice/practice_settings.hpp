#pragma once

#include <cstdint>
#include <string>
#include <vector>

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
  // Attendee-minutes of a month that cost nothing. No limit when it is 0.
  std::int64_t free_minutes = 1000;
  std::vector<int> thresholds{50, 80, 90, 100};
  std::string time_zone = "Asia/Riyadh";
  // on_limit: refuse. Otherwise more sessions only warn.
  bool refuse_over_limit = false;

  bool require_agreement = false;
  std::vector<Agreement> agreements{};
  // Plugins that get patient data.
  std::vector<std::string> processors{};
};

}  // namespace rabt::consultation
