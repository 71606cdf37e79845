#include "hub/base/decimal.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "hub/base/ascii.hpp"

namespace rabt {

namespace {

constexpr std::int64_t kMaxExponent = 1'000'000'000'000'000;
constexpr std::size_t kSmallDigits = 18;  // fit into 63 bits

int sign(std::int64_t a, std::int64_t b) {
  return a < b ? -1 : (a > b ? 1 : 0);
}

// rest * 10 + digit, reduced; both operands are big-endian digit texts without leading zeros.
void append_reduced(std::string& rest, char digit, const std::string& divisor) {
  if (!rest.empty() || digit != '0') rest.push_back(digit);
  const auto fits = [&] {
    return rest.size() > divisor.size() ||
           (rest.size() == divisor.size() && rest.compare(divisor) >= 0);
  };
  while (fits()) {
    int borrow = 0;
    for (std::size_t i = 0; i < rest.size(); ++i) {
      char& at = rest[rest.size() - 1 - i];
      int value = at - '0' - borrow;
      if (i < divisor.size()) value -= divisor[divisor.size() - 1 - i] - '0';
      borrow = value < 0 ? 1 : 0;
      at = static_cast<char>('0' + (value < 0 ? value + 10 : value));
    }
    rest.erase(0, std::min(rest.find_first_not_of('0'), rest.size()));
  }
}

bool small_multiple(std::string_view digits, std::int64_t zeros, std::uint64_t divisor) {
  // divisor < 10^18: rest * 10 + 9 stays below 2^64.
  std::uint64_t rest = 0;
  for (const char c : digits) rest = (rest * 10 + static_cast<std::uint64_t>(c - '0')) % divisor;
  for (; zeros > 0 && rest != 0; --zeros) rest = rest * 10 % divisor;
  return rest == 0;
}

}  // namespace

Decimal Decimal::parse(std::string_view text) {
  Decimal out;
  std::size_t i = 0;
  if (i < text.size() && text[i] == '-') {
    out.negative = true;
    ++i;
  }
  bool fraction = false;
  std::int64_t shift = 0;
  for (; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '.') {
      fraction = true;
    } else if (is_digit(c)) {
      if (fraction) --shift;
      if (c != '0' || !out.digits.empty()) out.digits.push_back(c);
    } else {
      break;
    }
  }
  if (i < text.size() && (text[i] == 'e' || text[i] == 'E')) {
    ++i;
    const bool down = i < text.size() && text[i] == '-';
    if (i < text.size() && (text[i] == '-' || text[i] == '+')) ++i;
    std::int64_t exponent = 0;
    for (; i < text.size() && is_digit(text[i]); ++i) {
      exponent = std::min(exponent * 10 + (text[i] - '0'), kMaxExponent);
    }
    shift += down ? -exponent : exponent;
  }
  const std::size_t kept = out.digits.find_last_not_of('0') + 1;  // npos + 1 is 0
  shift += static_cast<std::int64_t>(out.digits.size() - kept);
  out.digits.resize(kept);
  out.exponent = out.digits.empty() ? 0 : shift;
  if (out.digits.empty()) out.negative = false;
  return out;
}

int compare(const Decimal& a, const Decimal& b) {
  if (a.negative != b.negative) return a.negative ? -1 : 1;
  int order = 0;
  if (a.digits.empty() || b.digits.empty()) {
    order = sign(static_cast<std::int64_t>(a.digits.size()),
                 static_cast<std::int64_t>(b.digits.size()));
  } else {
    order = sign(a.exponent + static_cast<std::int64_t>(a.digits.size()),
                 b.exponent + static_cast<std::int64_t>(b.digits.size()));
    // Same magnitude: the digits compare from the left; a longer text with the same start is more,
    // since it does not end in zeros.
    if (order == 0) order = sign(a.digits.compare(b.digits), 0);
  }
  return a.negative ? -order : order;
}

int compare_numbers(const Json& a, const Json& b) {
  if (!a.has_digits() && !b.has_digits()) {
    const auto x = a.as_int64();
    const auto y = b.as_int64();
    if (x && y) return sign(*x, *y);
  }
  // Rounding to double keeps the order, so doubles that differ decide.
  const double x = a.as_double();
  const double y = b.as_double();
  if (x < y) return -1;
  if (x > y) return 1;
  return compare(Decimal::parse(a.number_text()), Decimal::parse(b.number_text()));
}

bool is_integer(const Json& number) {
  if (!number.has_digits()) {
    if (number.as_int64()) return true;
    const double value = number.as_double();
    return std::isfinite(value) && value == std::trunc(value);
  }
  return Decimal::parse(number.number_text()).integral();
}

bool is_multiple(const Decimal& value, const Decimal& divisor) {
  if (value.digits.empty()) return true;
  // value = a * 10^x, divisor = b * 10^y, a and b without zeros at the end: for x < y, b * 10^(y-x)
  // would have to divide a, which 10 does not.
  if (value.exponent < divisor.exponent) return false;
  // b divides a * 10^n for some n past log2(b) only if it does at that n: more tens add only
  // factors 2 and 5.
  const std::int64_t zeros = std::min(value.exponent - divisor.exponent,
                                      4 * static_cast<std::int64_t>(divisor.digits.size()));
  if (divisor.digits.size() <= kSmallDigits) {
    return small_multiple(value.digits, zeros, std::stoull(divisor.digits));
  }
  std::string rest;
  for (const char c : value.digits) append_reduced(rest, c, divisor.digits);
  for (std::int64_t i = 0; i < zeros && !rest.empty(); ++i)
    append_reduced(rest, '0', divisor.digits);
  return rest.empty();
}

}  // namespace rabt
