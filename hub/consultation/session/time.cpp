#include "hub/consultation/session/time.hpp"

#include <algorithm>

#include "hub/base/clock.hpp"
#include "hub/workflow/cron.hpp"

namespace rabt::consultation {

namespace {

std::string two_digits(int number) {
  return (number < 10 ? "0" : "") + std::to_string(number);
}

// The first midnight of a month in the zone, found as a run of that schedule: the rules of time
// zones are in one place.
Result<Timestamp> begin_of(int year, int month, const std::string& zone) {
  RABT_TRY(utc, parse_iso8601(std::to_string(year) + "-" + two_digits(month) + "-01T00:00:00Z"));
  const auto first = workflow::parse_cron("0 0 1 " + std::to_string(month) + " *");
  const auto due = workflow::next_due(*first.schedule, zone, Timestamp{utc.ms - 2 * kDayMs});
  if (!due) return invalid("api.invalid", "month: the time zone of `timezone` is unknown");
  return *due;
}

std::int64_t floor_seconds(std::int64_t ms) {
  return ms >= 0 ? ms / 1000 : -((-ms + 999) / 1000);
}

}  // namespace

std::string Month::name() const {
  return std::to_string(year) + "-" + two_digits(month);
}

Result<Month> month_of(int year, int month, const std::string& zone) {
  if (year < 2000 || year > 2999 || month < 1 || month > 12)
    return invalid("api.invalid", "month: there is no such month");
  RABT_TRY(begins, begin_of(year, month, zone));
  RABT_TRY(ends, begin_of(month == 12 ? year + 1 : year, month == 12 ? 1 : month + 1, zone));
  return Month{.year = year, .month = month, .begins = begins, .ends = ends};
}

Result<Month> month_at(Timestamp at, const std::string& zone) {
  const std::string utc = to_iso8601(at);
  int year = std::stoi(utc.substr(0, 4));
  int month = std::stoi(utc.substr(5, 2));
  RABT_TRY(here, month_of(year, month, zone));
  if (at < here.begins) {
    month = month == 1 ? 12 : month - 1;
    year = month == 12 ? year - 1 : year;
  } else if (at >= here.ends) {
    month = month == 12 ? 1 : month + 1;
    year = month == 1 ? year + 1 : year;
  } else {
    return here;
  }
  return month_of(year, month, zone);
}

std::int64_t united_seconds(std::vector<Attended> stays, Timestamp from, Timestamp to,
                            Timestamp now) {
  std::sort(stays.begin(), stays.end(),
            [](const Attended& a, const Attended& b) { return a.joined_ms < b.joined_ms; });
  const std::int64_t first = floor_seconds(from.ms);
  const std::int64_t last = floor_seconds(to.ms);
  std::int64_t sum = 0;
  std::int64_t counted_to = first;
  for (const Attended& stay : stays) {
    const std::int64_t begin = std::max(floor_seconds(stay.joined_ms), counted_to);
    const std::int64_t end = std::min(floor_seconds(stay.left_ms.value_or(now.ms)), last);
    if (end <= begin) continue;
    sum += end - begin;
    counted_to = end;
  }
  return sum;
}

}  // namespace rabt::consultation
