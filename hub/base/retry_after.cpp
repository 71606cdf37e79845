#include "hub/base/retry_after.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <string>

#include "hub/base/ascii.hpp"

namespace rabt {

namespace {

constexpr std::array<std::string_view, 7> kDays = {"Monday", "Tuesday",  "Wednesday", "Thursday",
                                                   "Friday", "Saturday", "Sunday"};
constexpr std::string_view kMonths = "janfebmaraprmayjunjulaugsepoctnovdec";

// Takes pieces of a date one after another; a piece that is not there spoils the whole.
class Cursor {
 public:
  explicit Cursor(std::string_view text) : rest_(text) {}

  bool take(std::string_view literal) {
    if (!equal_ignoring_case(rest_.substr(0, literal.size()), literal)) return false;
    rest_.remove_prefix(literal.size());
    return true;
  }
  // A whole name (Sunday) is longer than a short one (Sun).
  bool day_name(bool whole) {
    return std::any_of(kDays.begin(), kDays.end(), [&](std::string_view text) {
      return take(whole ? text : text.substr(0, 3));
    });
  }
  std::optional<unsigned> month() {
    const std::string name = lower(rest_.substr(0, 3));
    const auto at = kMonths.find(name);
    if (name.size() != 3 || at == std::string_view::npos || at % 3 != 0) return std::nullopt;
    rest_.remove_prefix(3);
    return static_cast<unsigned>(at / 3 + 1);
  }
  std::optional<int> number(std::size_t digits) {
    if (rest_.size() < digits) return std::nullopt;
    int value = 0;
    for (const char c : rest_.substr(0, digits)) {
      if (!is_digit(c)) return std::nullopt;
      value = value * 10 + (c - '0');
    }
    rest_.remove_prefix(digits);
    return value;
  }
  // Seconds of the day; a leap second counts.
  std::optional<std::int64_t> time() {
    const auto hour = number(2);
    if (!hour || !take(":")) return std::nullopt;
    const auto minute = number(2);
    if (!minute || !take(":")) return std::nullopt;
    const auto second = number(2);
    if (!second || *hour > 23 || *minute > 59 || *second > 60) return std::nullopt;
    return (*hour * 60LL + *minute) * 60 + *second;
  }
  [[nodiscard]] bool finished() const { return rest_.empty(); }

 private:
  std::string_view rest_;
};

std::optional<Timestamp> instant(int year, unsigned month, int day, std::int64_t seconds) {
  const std::chrono::year_month_day date{std::chrono::year{year}, std::chrono::month{month},
                                         std::chrono::day{static_cast<unsigned>(day)}};
  if (!date.ok()) return std::nullopt;
  const std::int64_t days = std::chrono::sys_days{date}.time_since_epoch().count();
  return Timestamp{(days * 86'400 + seconds) * 1000};
}

// Sun, 06 Nov 1994 08:49:37 GMT
std::optional<Timestamp> fixdate(std::string_view text) {
  Cursor at(text);
  if (!at.day_name(false) || !at.take(", ")) return std::nullopt;
  const auto day = at.number(2);
  if (!day || !at.take(" ")) return std::nullopt;
  const auto month = at.month();
  if (!month || !at.take(" ")) return std::nullopt;
  const auto year = at.number(4);
  if (!year || !at.take(" ")) return std::nullopt;
  const auto time = at.time();
  if (!time || !at.take(" GMT") || !at.finished()) return std::nullopt;
  return instant(*year, *month, *day, *time);
}

// Sunday, 06-Nov-94 08:49:37 GMT
std::optional<Timestamp> rfc850(std::string_view text, Timestamp now) {
  Cursor at(text);
  if (!at.day_name(true) || !at.take(", ")) return std::nullopt;
  const auto day = at.number(2);
  if (!day || !at.take("-")) return std::nullopt;
  const auto month = at.month();
  if (!month || !at.take("-")) return std::nullopt;
  const auto year = at.number(2);
  if (!year || !at.take(" ")) return std::nullopt;
  const auto time = at.time();
  if (!time || !at.take(" GMT") || !at.finished()) return std::nullopt;
  const std::chrono::year_month_day today{std::chrono::floor<std::chrono::days>(
      std::chrono::sys_time<std::chrono::milliseconds>(std::chrono::milliseconds(now.ms)))};
  const int this_year = static_cast<int>(today.year());
  int whole = this_year / 100 * 100 + *year;
  if (whole > this_year + 50) whole -= 100;
  if (whole <= this_year - 50) whole += 100;
  return instant(whole, *month, *day, *time);
}

// Sun Nov  6 08:49:37 1994
std::optional<Timestamp> asctime(std::string_view text) {
  Cursor at(text);
  if (!at.day_name(false) || !at.take(" ")) return std::nullopt;
  const auto month = at.month();
  if (!month || !at.take(" ")) return std::nullopt;
  const auto day = at.number(at.take(" ") ? 1 : 2);
  if (!day || !at.take(" ")) return std::nullopt;
  const auto time = at.time();
  if (!time || !at.take(" ")) return std::nullopt;
  const auto year = at.number(4);
  if (!year || !at.finished()) return std::nullopt;
  return instant(*year, *month, *day, *time);
}

}  // namespace

std::optional<Timestamp> read_http_date(std::string_view text, Timestamp now) {
  if (const auto at = fixdate(text)) return at;
  if (const auto at = rfc850(text, now)) return at;
  return asctime(text);
}

std::optional<std::int64_t> retry_after_ms(std::string_view value, Timestamp now) {
  if (!value.empty() && std::all_of(value.begin(), value.end(), is_digit)) {
    std::int64_t pause = 0;
    for (const char c : value)
      pause = std::min(pause * 10 + (c - '0'), kLongestRetryAfterMs / 1000);
    return pause * 1000;
  }
  const auto at = read_http_date(value, now);
  if (!at) return std::nullopt;
  return std::clamp<std::int64_t>(at->ms - now.ms, 0, kLongestRetryAfterMs);
}

}  // namespace rabt
