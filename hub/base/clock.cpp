#include "hub/base/clock.hpp"

#include <array>
#include <charconv>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <optional>

#include "hub/base/ascii.hpp"

namespace rabt {

namespace {

std::optional<int> digits(std::string_view text, std::size_t at, std::size_t count) {
  if (at + count > text.size()) return std::nullopt;
  int value = 0;
  for (std::size_t i = at; i < at + count; ++i) {
    if (text[i] < '0' || text[i] > '9') return std::nullopt;
    value = value * 10 + (text[i] - '0');
  }
  return value;
}

}  // namespace

std::string to_iso8601(Timestamp at) {
  using namespace std::chrono;
  const std::int64_t days_since = at.ms >= 0 ? at.ms / kDayMs : -((-at.ms + kDayMs - 1) / kDayMs);
  const std::int64_t rest = at.ms - days_since * kDayMs;
  const year_month_day date{sys_days{days{days_since}}};
  std::array<char, 64> out{};
  const int size = std::snprintf(
      out.data(), out.size(), "%04d-%02u-%02uT%02d:%02d:%02d.%03dZ", static_cast<int>(date.year()),
      static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
      static_cast<int>(rest / 3'600'000), static_cast<int>(rest / 60'000 % 60),
      static_cast<int>(rest / 1000 % 60), static_cast<int>(rest % 1000));
  return {out.data(), static_cast<std::size_t>(size)};
}

Result<Timestamp> parse_iso8601(std::string_view text) {
  using namespace std::chrono;
  const Error wrong =
      invalid("time.syntax", "not an RFC 3339 time such as 2026-03-10T09:00:00+03:00");
  const auto y = digits(text, 0, 4);
  const auto mo = digits(text, 5, 2);
  const auto d = digits(text, 8, 2);
  const auto h = digits(text, 11, 2);
  const auto mi = digits(text, 14, 2);
  const auto s = digits(text, 17, 2);
  if (!y || !mo || !d || !h || !mi || !s || text.size() < 20) return wrong;
  if (text[4] != '-' || text[7] != '-' || (text[10] != 'T' && text[10] != 't') || text[13] != ':' ||
      text[16] != ':') {
    return wrong;
  }
  const year_month_day date{year{*y}, month{static_cast<unsigned>(*mo)},
                            day{static_cast<unsigned>(*d)}};
  if (!date.ok() || *h > 23 || *mi > 59 || *s > 60) return wrong;
  std::size_t at = 19;
  std::int64_t fraction = 0;
  if (text[at] == '.') {
    ++at;
    std::int64_t scale = 100;
    const std::size_t start = at;
    while (at < text.size() && is_digit(text[at])) {
      fraction += scale * (text[at] - '0');
      scale /= 10;
      ++at;
    }
    if (at == start) return wrong;
  }
  if (at >= text.size()) return wrong;
  std::int64_t offset_minutes = 0;
  if (text[at] == 'Z' || text[at] == 'z') {
    ++at;
  } else if (text[at] == '+' || text[at] == '-') {
    const auto oh = digits(text, at + 1, 2);
    const auto om = digits(text, at + 4, 2);
    if (!oh || !om || text[at + 3] != ':' || *oh > 23 || *om > 59) return wrong;
    offset_minutes = (*oh * 60LL + *om) * (text[at] == '-' ? -1 : 1);
    at += 6;
  } else {
    return wrong;
  }
  if (at != text.size()) return wrong;
  const std::int64_t days_since = sys_days{date}.time_since_epoch().count();
  return Timestamp{days_since * kDayMs + *h * 3'600'000LL + (*mi - offset_minutes) * 60'000LL +
                   *s * 1000LL + fraction};
}

Result<std::int64_t> parse_duration_ms(std::string_view text) {
  const Error wrong = invalid("time.duration", "not an ISO 8601 duration such as PT15M or P1DT12H");
  if (text.size() < 2 || text.front() != 'P') return wrong;
  std::size_t at = 1;
  bool in_time = false;
  bool any = false;
  double total = 0;
  std::string_view allowed = "WD";
  while (at < text.size()) {
    if (text[at] == 'T') {
      if (in_time) return wrong;
      in_time = true;
      allowed = "HMS";
      ++at;
      any = false;
      continue;
    }
    double amount = 0;
    // from_chars also takes a sign, "inf" and "nan".
    if (text[at] < '0' || text[at] > '9') return wrong;
    const auto [end, error] = std::from_chars(text.data() + at, text.data() + text.size(), amount,
                                              std::chars_format::fixed);
    if (error != std::errc{} || end == text.data() + at || end == text.data() + text.size()) {
      return wrong;
    }
    at = static_cast<std::size_t>(end - text.data());
    const char unit = text[at];
    const auto place = allowed.find(unit);
    if (place == std::string_view::npos) return wrong;
    allowed.remove_prefix(place + 1);
    const double scale = unit == 'W'   ? 7.0 * kDayMs
                         : unit == 'D' ? kDayMs
                         : unit == 'H' ? 3.6e6
                         : unit == 'M' ? 6e4
                                       : 1e3;
    total += amount * scale;
    any = true;
    ++at;
  }
  constexpr double kMaxMs = 3.2e12;  // a hundred years
  if (!any || total > kMaxMs) return wrong;
  return std::llround(total);
}

Timestamp SystemClock::now() const {
  using namespace std::chrono;
  return {duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count()};
}

std::int64_t SystemClock::monotonic_ms() const {
  using namespace std::chrono;
  return duration_cast<milliseconds>(steady_clock::now().time_since_epoch()).count();
}

}  // namespace rabt
