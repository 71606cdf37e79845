#include "in_force.hpp"

#include <string>

#include "mapping.hpp"
#include "rabt/json_nlohmann.hpp"
#include "rabt/text.hpp"
#include "rabt/time.hpp"

namespace rabt::fhir {

namespace {

constexpr int kRiyadhMinutes = 180;

// -1, 0 or 1: `at` lies before, within or after a FHIR dateTime of any precision; 0 when the text
// is no dateTime.
int side_of(std::int64_t at, const std::string& text) {
  if (const auto moment = read_instant(text)) return at < *moment ? -1 : at > *moment ? 1 : 0;
  const std::string day = text.substr(0, 10);
  const bool whole = sdk::read_date(day).has_value();
  const bool month = text.size() == 7 && sdk::read_date(text + "-01").has_value();
  const bool year = text.size() == 4 && sdk::read_date(text + "-01-01").has_value();
  if (!whole && !month && !year) return 0;
  const int order = sdk::write_date(at, kRiyadhMinutes).compare(0, day.size(), day);
  return order < 0 ? -1 : order > 0 ? 1 : 0;
}

}  // namespace

bool in_force(const Json& period, std::optional<std::int64_t> at) {
  if (!at) return true;
  return side_of(*at, sdk::text_of(period, "start")) >= 0 &&
         side_of(*at, sdk::text_of(period, "end")) <= 0;
}

}  // namespace rabt::fhir
