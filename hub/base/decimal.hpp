#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "hub/base/json.hpp"

namespace rabt {

// A JSON number as it was written, exact: sign, digits without zeros at either end, exponent of the
// last digit. Zero has no digits. Exponents past 10^15 are cut to it.
struct Decimal {
  bool negative = false;
  std::string digits;
  std::int64_t exponent = 0;

  // A text that does not match the grammar of JSON numbers counts as zero.
  static Decimal parse(std::string_view text);
  [[nodiscard]] bool integral() const { return digits.empty() || exponent >= 0; }
};

// Returns less than, equal to or more than zero, like strcmp.
[[nodiscard]] int compare(const Decimal& a, const Decimal& b);

// Both are JSON numbers, compared by value and exactly: 1.0 equals 1, 0.1 is below
// 0.10000000000000000001.
[[nodiscard]] int compare_numbers(const Json& a, const Json& b);
// 1.0 and 1e3 are integers too.
[[nodiscard]] bool is_integer(const Json& number);

// True if value / divisor is a whole number; divisor is not zero. Costs the product of the two
// lengths.
[[nodiscard]] bool is_multiple(const Decimal& value, const Decimal& divisor);

}  // namespace rabt
