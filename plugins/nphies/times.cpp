#include "times.hpp"

#include <chrono>
#include <cstdio>

#include "money.hpp"

namespace rabt::nphies {
namespace {

constexpr std::int64_t kRiyadhOffset = 3LL * 3600;
constexpr std::int64_t kDay = 86'400;
constexpr std::int64_t kEarliest = -2'208'988'800;  // 1900-01-01
constexpr std::int64_t kLatest = 7'258'118'400;     // 2200-01-01

std::optional<int> digits_at(std::string_view text, std::size_t at, std::size_t count) {
  if (at + count > text.size()) return std::nullopt;
  int value = 0;
  for (const char c : text.substr(at, count)) {
    if (c < '0' || c > '9') return std::nullopt;
    value = value * 10 + (c - '0');
  }
  return value;
}

std::optional<std::int64_t> day_start(std::string_view text) {
  const auto y = digits_at(text, 0, 4);
  const auto m = digits_at(text, 5, 2);
  const auto d = digits_at(text, 8, 2);
  if (!y || !m || !d || text[4] != '-' || text[7] != '-') return std::nullopt;
  const std::chrono::year_month_day date(std::chrono::year(*y),
                                         std::chrono::month(static_cast<unsigned>(*m)),
                                         std::chrono::day(static_cast<unsigned>(*d)));
  if (!date.ok()) return std::nullopt;
  const std::int64_t seconds =
      std::int64_t{std::chrono::sys_days(date).time_since_epoch().count()} * kDay;
  if (seconds < kEarliest || seconds >= kLatest) return std::nullopt;
  return seconds;
}

}  // namespace

bool is_date(std::string_view text) {
  return text.size() == 10 && day_start(text).has_value();
}

std::optional<std::int64_t> parse_instant(std::string_view text) {
  if (text.size() < 20 || text.size() > 40) return std::nullopt;
  const auto start = day_start(text.substr(0, 10));
  const auto hour = digits_at(text, 11, 2);
  const auto minute = digits_at(text, 14, 2);
  const auto second = digits_at(text, 17, 2);
  if (!start || !hour || !minute || !second || (text[10] != 'T' && text[10] != 't') ||
      text[13] != ':' || text[16] != ':') {
    return std::nullopt;
  }
  if (*hour > 23 || *minute > 59 || *second > 60) return std::nullopt;
  std::size_t at = 19;
  if (text[at] == '.') {
    ++at;
    const std::size_t first = at;
    while (at < text.size() && text[at] >= '0' && text[at] <= '9') ++at;
    if (at == first) return std::nullopt;
  }
  if (at >= text.size()) return std::nullopt;
  std::int64_t offset = 0;
  if (text[at] == 'Z' || text[at] == 'z') {
    if (at + 1 != text.size()) return std::nullopt;
  } else {
    const auto oh = digits_at(text, at + 1, 2);
    const auto om = digits_at(text, at + 4, 2);
    if ((text[at] != '+' && text[at] != '-') || !oh || !om || at + 6 != text.size() ||
        text[at + 3] != ':' || *oh > 23 || *om > 59) {
      return std::nullopt;
    }
    offset = (text[at] == '-' ? -1 : 1) * (std::int64_t{*oh} * 3600 + std::int64_t{*om} * 60);
  }
  return *start + std::int64_t{*hour} * 3600 + std::int64_t{*minute} * 60 + *second - offset;
}

std::optional<std::int64_t> instant_of(const Json& value) {
  if (value.is_string()) return parse_instant(value.get_ref<const std::string&>());
  std::string text = number_text(value);
  text = text.substr(0, text.find('.'));
  const auto seconds = scaled(text, 0);
  if (!seconds || *seconds >= kLatest) return std::nullopt;
  return seconds;
}

std::string riyadh_date(std::int64_t unix_seconds) {
  return riyadh_time(unix_seconds).substr(0, 10);
}

std::string riyadh_time(std::int64_t unix_seconds) {
  const std::int64_t local = unix_seconds + kRiyadhOffset;
  std::int64_t day = local / kDay;
  std::int64_t rest = local % kDay;
  if (rest < 0) {
    rest += kDay;
    --day;
  }
  const std::chrono::year_month_day date{std::chrono::sys_days{std::chrono::days{day}}};
  char out[64];
  std::snprintf(out, sizeof out, "%04d-%02u-%02uT%02d:%02d:%02d+03:00",
                static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
                static_cast<unsigned>(date.day()), static_cast<int>(rest / 3600),
                static_cast<int>(rest / 60 % 60), static_cast<int>(rest % 60));
  return out;
}

}  // namespace rabt::nphies
