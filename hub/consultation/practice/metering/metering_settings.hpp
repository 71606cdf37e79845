#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace rabt::consultation {

// The section `metering` of the configuration.
struct MeteringSettings {
  // Attendee-minutes of a month that cost nothing. No limit when it is 0.
  std::int64_t free_minutes = 1000;
  std::vector<int> thresholds{50, 80, 90, 100};
  std::string time_zone = "Asia/Riyadh";
  // on_limit: refuse. Otherwise more sessions only warn.
  bool refuse_over_limit = false;
};

}  // namespace rabt::consultation
