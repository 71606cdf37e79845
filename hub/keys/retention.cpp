#include "hub/keys/retention.hpp"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <limits>

#include "hub/base/clock.hpp"

namespace rabt::keys {

namespace {

using std::chrono::day;
using std::chrono::month;
using std::chrono::months;
using std::chrono::sys_days;
using std::chrono::year;
using std::chrono::year_month;
using std::chrono::year_month_day;

// Years, months or days in a period.
constexpr int kMaxNumber = 1000;
// Years that a bucket's name can hold; a clock beyond them is wrong, not late.
constexpr int kFirstYear = 1970;
constexpr int kLastYear = 9999;

struct Day {
  sys_days date;
  // Milliseconds since the day began.
  std::int64_t rest_ms = 0;
};
Day split(Timestamp at) {
  std::int64_t days = at.ms / kDayMs;
  std::int64_t rest = at.ms % kDayMs;
  if (rest < 0) {
    rest += kDayMs;
    --days;
  }
  return {sys_days(std::chrono::days(days)), rest};
}
Timestamp begin_of(year_month when) {
  const sys_days first = when / day(1);
  return {first.time_since_epoch().count() * kDayMs};
}
std::string month_text(year_month when) {
  char text[16];
  std::snprintf(text, sizeof text, "%04d-%02u", static_cast<int>(when.year()),
                static_cast<unsigned>(when.month()));
  return text;
}

}  // namespace

Result<Period> parse_period(std::string_view text) {
  const auto wrong = [&] {
    return invalid("keys.retention", "`" + std::string(text.substr(0, 40)) +
                                         "` is no period; write a number and days, months or "
                                         "years, such as `10 years`");
  };
  const auto space = text.find(' ');
  if (space == std::string_view::npos || space == 0 || space > 4) return wrong();
  int number = 0;
  for (const char digit : text.substr(0, space)) {
    if (digit < '0' || digit > '9') return wrong();
    number = number * 10 + (digit - '0');
  }
  if (number < 1 || number > kMaxNumber) return wrong();
  const std::string_view unit = text.substr(space + 1);
  const auto names_unit = [&](std::string_view word) {
    return unit == std::string(word) + "s" || (number == 1 && unit == word);
  };
  if (names_unit("year")) return Period{.years = number};
  if (names_unit("month")) return Period{.months = number};
  if (names_unit("day")) return Period{.days = number};
  return wrong();
}

std::string to_string(const Period& period) {
  std::string out;
  const auto add = [&](int number, std::string_view unit) {
    if (number == 0) return;
    if (!out.empty()) out += ' ';
    out.append(std::to_string(number)).append(" ").append(unit).append(number == 1 ? "" : "s");
  };
  add(period.years, "year");
  add(period.months, "month");
  add(period.days, "day");
  return out.empty() ? "0 days" : out;
}

Timestamp after(Timestamp from, const Period& period) {
  const Day start = split(from);
  year_month_day date(start.date);
  date += months(period.years * 12 + period.months);
  if (!date.ok()) date = year_month_day(date.year() / date.month() / std::chrono::last);
  const sys_days end = sys_days(date) + std::chrono::days(period.days);
  return {end.time_since_epoch().count() * kDayMs + start.rest_ms};
}

Period least_delivery_period(const Period& event) {
  Period least = event;
  least.days += 31;
  return least;
}

std::string bucket_name(std::string_view class_name, Timestamp expiry) {
  const year_month_day date(split(expiry).date);
  const year clamped(std::clamp(static_cast<int>(date.year()), kFirstYear, kLastYear));
  return std::string(class_name) + "/" + month_text(clamped / date.month());
}

Result<BucketMonth> parse_bucket(std::string_view bucket) {
  const auto wrong = [&] {
    // The caller's text may look like patient data, and would come back masked.
    return invalid("keys.bucket",
                   "this is no bucket; write <class>/<YYYY-MM>, such as consultation/2036-11");
  };
  const auto slash = bucket.find('/');
  if (slash == std::string_view::npos || slash == 0 || bucket.starts_with(kHoldPrefix))
    return wrong();
  const std::string_view text = bucket.substr(slash + 1);
  if (text.size() != 7 || text[4] != '-') return wrong();
  int numbers[2] = {0, 0};
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (at == 4) continue;
    if (text[at] < '0' || text[at] > '9') return wrong();
    int& number = numbers[at < 4 ? 0 : 1];
    number = number * 10 + (text[at] - '0');
  }
  if (numbers[0] < kFirstYear || numbers[1] < 1 || numbers[1] > 12) return wrong();
  const year_month when = year(numbers[0]) / month(static_cast<unsigned>(numbers[1]));
  return BucketMonth{std::string(bucket.substr(0, slash)), begin_of(when),
                     begin_of(when + months(1))};
}

std::string bucket_after(std::string_view bucket) {
  const auto parsed = parse_bucket(bucket);
  if (!parsed.ok()) return std::string(bucket);
  return bucket_name(parsed->class_name, parsed->ends);
}

}  // namespace rabt::keys
