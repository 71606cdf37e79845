#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

// Attendee-minutes: what a month's sessions are billed by. Pure.
// The figure of a month is rounded up once.
namespace rabt::consultation {

struct UsageFigures {
  std::int64_t minutes = 0;
  // Never below 0.
  std::int64_t remaining = 0;
  // The share of the limit in tenths of a percent, half up. Stays 0 without a limit.
  std::int64_t per_mille = 0;
};
[[nodiscard]] UsageFigures usage_figures(std::int64_t seconds, std::int64_t limit_minutes);
// 450 -> "45.0"
[[nodiscard]] std::string percent_text(std::int64_t per_mille);

// Which of the thresholds, in percent of the limit, so many minutes have reached.
[[nodiscard]] std::vector<int> thresholds_reached(std::int64_t minutes, std::int64_t limit_minutes,
                                                  std::span<const int> thresholds);

}  // namespace rabt::consultation
