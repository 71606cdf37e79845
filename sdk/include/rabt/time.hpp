#pragma once

// Dates and times as RFC 3339 writes them; a moment is a number of Unix seconds.
// SPDX-License-Identifier: Apache-2.0

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

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

}  // namespace rabt::sdk
