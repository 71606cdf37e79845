#include "money.hpp"

namespace rabt::nphies {
namespace {

constexpr std::int64_t kMaxWhole = 90'000'000'000'000;  // 15 digits: safe for every JSON reader

struct Digits {
  bool negative = false;
  std::int64_t whole = 0;
  std::string_view fraction;
};

std::optional<Digits> split(std::string_view text) {
  Digits out;
  if (!text.empty() && text.front() == '-') {
    out.negative = true;
    text.remove_prefix(1);
  }
  const std::size_t point = text.find('.');
  const std::string_view whole = text.substr(0, point);
  if (point != std::string_view::npos) {
    out.fraction = text.substr(point + 1);
    if (out.fraction.empty()) return std::nullopt;
  }
  if (whole.empty() || whole.size() > 15 || out.fraction.size() > 30) return std::nullopt;
  for (const char c : whole) {
    if (c < '0' || c > '9') return std::nullopt;
    out.whole = out.whole * 10 + (c - '0');
  }
  for (const char c : out.fraction) {
    if (c < '0' || c > '9') return std::nullopt;
  }
  return out;
}

}  // namespace

std::optional<std::int64_t> scaled(std::string_view digits, int places) {
  const std::optional<Digits> parts = split(digits);
  if (!parts || parts->negative) return std::nullopt;
  std::int64_t value = parts->whole;
  if (value > kMaxWhole / 1000) return std::nullopt;
  const auto count = static_cast<std::size_t>(places);
  for (std::size_t i = 0; i < count; ++i) {
    value = value * 10 + (i < parts->fraction.size() ? parts->fraction[i] - '0' : 0);
  }
  for (std::size_t i = count; i < parts->fraction.size(); ++i) {
    if (parts->fraction[i] != '0') return std::nullopt;
  }
  return value;
}

std::optional<std::int64_t> halalas_from(std::string_view digits) {
  const std::optional<Digits> parts = split(digits);
  if (!parts || parts->whole > kMaxWhole) return std::nullopt;
  const std::string_view f = parts->fraction;
  std::int64_t value = parts->whole;
  for (std::size_t i = 0; i < 2; ++i) value = value * 10 + (i < f.size() ? f[i] - '0' : 0);
  if (f.size() > 2 && f[2] >= '5') ++value;
  return parts->negative ? -value : value;
}

std::string sar_text(std::int64_t halalas) {
  const bool negative = halalas < 0;
  const std::int64_t value = negative ? -halalas : halalas;
  std::string out = negative ? "-" : "";
  out += std::to_string(value / 100);
  out.push_back('.');
  out.push_back(static_cast<char>('0' + value % 100 / 10));
  out.push_back(static_cast<char>('0' + value % 10));
  return out;
}

std::int64_t divide_half_up(std::int64_t n, std::int64_t d) {
  return n / d + (n % d >= d - n % d ? 1 : 0);
}

LineAmounts amounts(const Line& line) {
  // One rounding: 10^9 x 10^5 x 10^4 = 10^18 fits.
  const std::int64_t price = divide_half_up(
      line.unit_halalas * line.quantity_hundredths * line.factor_thousandths, 100'000);
  LineAmounts out;
  out.tax = divide_half_up(price * line.tax_percent_hundredths, 10'000);
  out.net = price + out.tax;
  out.patient_share = divide_half_up(out.net * line.patient_percent_hundredths, 10'000);
  return out;
}

}  // namespace rabt::nphies
