#include "hub/base/span.hpp"

#include "hub/base/ascii.hpp"
#include "hub/base/clock.hpp"

namespace rabt {

std::optional<std::int64_t> parse_span_ms(std::string_view text) {
  constexpr std::size_t kMostDigits = 5;
  if (text.size() < 2 || text.size() > kMostDigits + 1) return std::nullopt;
  std::int64_t number = 0;
  for (const char digit : text.substr(0, text.size() - 1)) {
    if (!is_digit(digit)) return std::nullopt;
    number = number * 10 + (digit - '0');
  }
  switch (text.back()) {
    case 's':
      return number * kSecondMs;
    case 'm':
      return number * 60 * kSecondMs;
    case 'h':
      return number * 3600 * kSecondMs;
    case 'd':
      return number * 24 * 3600 * kSecondMs;
    default:
      return std::nullopt;
  }
}

}  // namespace rabt
