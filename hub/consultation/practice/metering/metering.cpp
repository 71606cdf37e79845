#include "hub/consultation/practice/metering/metering.hpp"

#include <algorithm>

#include "hub/consultation/session/time.hpp"

namespace rabt::consultation {

UsageFigures usage_figures(std::int64_t seconds, std::int64_t limit_minutes) {
  UsageFigures figures;
  figures.minutes = whole_minutes(seconds);
  figures.remaining = std::max<std::int64_t>(0, limit_minutes - figures.minutes);
  if (limit_minutes > 0)
    figures.per_mille = (2000 * figures.minutes + limit_minutes) / (2 * limit_minutes);
  return figures;
}

std::string percent_text(std::int64_t per_mille) {
  return std::to_string(per_mille / 10) + "." + std::to_string(per_mille % 10);
}

std::vector<int> thresholds_reached(std::int64_t minutes, std::int64_t limit_minutes,
                                    std::span<const int> thresholds) {
  std::vector<int> reached;
  for (const int threshold : thresholds) {
    if (limit_minutes > 0 && minutes * 100 >= limit_minutes * threshold)
      reached.push_back(threshold);
  }
  return reached;
}

}  // namespace rabt::consultation
