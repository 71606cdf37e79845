#pragma once

// Dates and times as RFC 3339 writes them; a moment is a number of Unix seconds.
// SPDX-License-Identifier: Apache-2.0

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "rabt/text.hpp"

namespace rabt::sdk {

namespace detail {

// The number that stands in `count` digits, or nothing.
inline std::optional<int> digits_at(std::string_view text, std::size_t at, std::size_t count) {
  if (at + count > text.size() || !all_digits(text.substr(at, count))) return std::nullopt;
  int value = 0;
  for (const char c : text.substr(at, count)) value = value * 10 + (c - '0');
  return value;
}

inline std::string padded(std::int64_t number, std::size_t width) {
  std::string digits = std::to_string(number);
  return digits.size() < width ? std::string(width - digits.size(), '0') + digits : digits;
}

}  // namespace detail

// The moment at which a day of the calendar, YYYY-MM-DD, begins in UTC. Nothing when the text is no
// such day. The years are 0001 to 9999.
inline std::optional<std::int64_t> read_date(std::string_view text) {
  const auto year = detail::digits_at(text, 0, 4);
  const auto month = detail::digits_at(text, 5, 2);
  const auto day = detail::digits_at(text, 8, 2);
  if (text.size() != 10 || !year || *year == 0 || !month || !day || text[4] != '-' ||
      text[7] != '-')
    return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year(*year),
                                         std::chrono::month(static_cast<unsigned>(*month)),
                                         std::chrono::day(static_cast<unsigned>(*day))};
  if (!date.ok()) return std::nullopt;
  return std::int64_t{std::chrono::sys_days(date).time_since_epoch().count()} * 86'400;
}

// The moment of an RFC 3339 date-time, which has seconds and an offset. Fractions are dropped; a
// leap second is the first second after it. Nothing when the text is no date-time.
inline std::optional<std::int64_t> read_instant(std::string_view text) {
  const auto start = read_date(text.substr(0, 10));
  const auto hour = detail::digits_at(text, 11, 2);
  const auto minute = detail::digits_at(text, 14, 2);
  const auto second = detail::digits_at(text, 17, 2);
  if (!start || !hour || !minute || !second || (text[10] != 'T' && text[10] != 't') ||
      text[13] != ':' || text[16] != ':' || *hour > 23 || *minute > 59 || *second > 60)
    return std::nullopt;
  std::string_view zone = text.substr(19);
  if (zone.starts_with('.')) {
    const auto end = zone.find_first_not_of("0123456789", 1);
    if (end == 1 || end == std::string_view::npos) return std::nullopt;
    zone.remove_prefix(end);
  }
  std::int64_t offset = 0;
  if (zone != "Z" && zone != "z") {
    const auto hours = detail::digits_at(zone, 1, 2);
    const auto minutes = detail::digits_at(zone, 4, 2);
    if (zone.size() != 6 || (zone[0] != '+' && zone[0] != '-') || zone[3] != ':' || !hours ||
        !minutes || *hours > 23 || *minutes > 59)
      return std::nullopt;
    offset =
        (zone[0] == '-' ? -1 : 1) * (*hours * std::int64_t{3600} + *minutes * std::int64_t{60});
  }
  return *start + *hour * std::int64_t{3600} + *minute * std::int64_t{60} + *second - offset;
}

// "2026-03-10": the day at this moment where clocks are `offset_minutes` before UTC.
inline std::string write_date(std::int64_t unix_seconds, int offset_minutes = 0) {
  const std::chrono::sys_seconds local{
      std::chrono::seconds(unix_seconds + offset_minutes * std::int64_t{60})};
  const std::chrono::year_month_day date(std::chrono::floor<std::chrono::days>(local));
  return detail::padded(static_cast<int>(date.year()), 4) + "-" +
         detail::padded(static_cast<unsigned>(date.month()), 2) + "-" +
         detail::padded(static_cast<unsigned>(date.day()), 2);
}

// "2026-03-10T06:00:00Z", or "2026-03-10T09:00:00+03:00" for an offset of 180 minutes.
inline std::string write_instant(std::int64_t unix_seconds, int offset_minutes = 0) {
  const std::int64_t local = unix_seconds + offset_minutes * std::int64_t{60};
  const std::int64_t rest = ((local % 86'400) + 86'400) % 86'400;
  std::string out = write_date(unix_seconds, offset_minutes) + "T" +
                    detail::padded(rest / 3600, 2) + ":" + detail::padded(rest / 60 % 60, 2) + ":" +
                    detail::padded(rest % 60, 2);
  if (offset_minutes == 0) return out + "Z";
  const int size = offset_minutes < 0 ? -offset_minutes : offset_minutes;
  return out + (offset_minutes < 0 ? "-" : "+") + detail::padded(size / 60, 2) + ":" +
         detail::padded(size % 60, 2);
}

// The moment of an HTTP date in each of its three forms (RFC 9110 section 5.6.7):
//   Sun, 06 Nov 1994 08:49:37 GMT
//   Sunday, 06-Nov-94 08:49:37 GMT   the year lies at most 50 years after `now`, Unix seconds
//   Sun Nov  6 08:49:37 1994
// The name of the day is not compared with the date. Nothing when the text is no HTTP date.
inline std::optional<std::int64_t> read_http_date(std::string_view text, std::int64_t now) {
  // Longest form: "Wednesday, 06-Nov-94 08:49:37 GMT".
  if (text.size() > 40) return std::nullopt;
  std::vector<std::string> words(1);
  for (const char c : text) {
    if (c != ' ' && c != ',' && c != '-') {
      words.back().push_back(c);
    } else if (!words.back().empty()) {
      words.emplace_back();
    }
  }
  if (words.back().empty()) words.pop_back();
  const bool has_zone = words.size() == 6 && lower(words[5]) == "gmt";
  if (!has_zone && words.size() != 5) return std::nullopt;
  static constexpr std::string_view kDays = "sunmontuewedthufrisat";
  static constexpr std::string_view kMonths = "janfebmaraprmayjunjulaugsepoctnovdec";
  const std::string name = lower(words[0]).substr(0, 3);
  const std::string month = lower(words[has_zone ? 2 : 1]);
  const std::size_t named = kMonths.find(month);
  const std::size_t weekday = kDays.find(name);
  if (name.size() != 3 || weekday == std::string_view::npos || weekday % 3 != 0 ||
      month.size() != 3 || named == std::string_view::npos || named % 3 != 0)
    return std::nullopt;
  std::string day = words[has_zone ? 1 : 2];
  if (day.size() == 1) day.insert(0, "0");
  std::string year = words[has_zone ? 3 : 4];
  const std::string time = words[has_zone ? 4 : 3];
  const auto read = [&] {
    return read_instant(year + "-" + detail::padded(static_cast<std::int64_t>(named / 3 + 1), 2) +
                        "-" + day + "T" + time + "Z");
  };
  if (year.size() != 2 || !all_digits(year)) return read();
  const std::string today = write_date(now);
  const int this_year = detail::digits_at(today, 0, 4).value_or(0);
  int whole = this_year / 100 * 100 + detail::digits_at(year, 0, 2).value_or(0);
  if (whole > this_year + 50) whole -= 100;
  if (whole <= this_year - 50) whole += 100;
  year = detail::padded(whole, 4);
  return read();
}

}  // namespace rabt::sdk
