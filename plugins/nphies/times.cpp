#include "times.hpp"

#include "money.hpp"
#include "rabt/time.hpp"

namespace rabt::nphies {
namespace {

constexpr int kRiyadhMinutes = 3 * 60;
constexpr std::int64_t kEarliest = -2'208'988'800;  // 1900-01-01
constexpr std::int64_t kLatest = 7'258'118'400;     // 2200-01-01

bool in_range(std::string_view date) {
  const auto seconds = sdk::read_date(date);
  return seconds && *seconds >= kEarliest && *seconds < kLatest;
}

}  // namespace

bool is_date(std::string_view text) {
  return in_range(text);
}

std::optional<std::int64_t> parse_instant(std::string_view text) {
  if (text.size() > 40 || !in_range(text.substr(0, 10))) return std::nullopt;
  return sdk::read_instant(text);
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
  return sdk::write_date(unix_seconds, kRiyadhMinutes);
}

std::string riyadh_time(std::int64_t unix_seconds) {
  return sdk::write_instant(unix_seconds, kRiyadhMinutes);
}

}  // namespace rabt::nphies
