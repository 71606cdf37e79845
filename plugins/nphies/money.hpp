#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

// Money is an integer number of halalas (1 SAR = 100). No floating point.
namespace rabt::nphies {

// One line never costs more than 10 million SAR; the limits keep every product below within 64
// bits.
inline constexpr std::int64_t kMaxUnitHalalas = 1'000'000'000;
inline constexpr std::int64_t kMaxQuantityHundredths = 100'000;  // 1,000.00
inline constexpr std::int64_t kMaxFactorThousandths = 10'000;    // 10.000
inline constexpr std::int64_t kMaxPercentHundredths = 10'000;    // 100.00

// digits as an integer count of 10^-places; nullopt when it is not a plain decimal, is negative,
// has more places that are not zero, or does not fit. "1.5" with 2 places is 150.
[[nodiscard]] std::optional<std::int64_t> scaled(std::string_view digits, int places);
// The same, but further places are rounded half up (rule GE-00028: 1.454 is 1.45, 1.455 is 1.46).
// Accepts a leading minus: halves are rounded away from zero.
[[nodiscard]] std::optional<std::int64_t> halalas_from(std::string_view digits);
// "115.00"
[[nodiscard]] std::string sar_text(std::int64_t halalas);
// n / d rounded half up; n >= 0, d > 0.
[[nodiscard]] std::int64_t divide_half_up(std::int64_t n, std::int64_t d);

struct Line {
  std::int64_t unit_halalas = 0;
  std::int64_t quantity_hundredths = 100;
  std::int64_t factor_thousandths = 1000;
  std::int64_t tax_percent_hundredths = 0;
  std::int64_t patient_percent_hundredths = 0;
};
struct LineAmounts {
  std::int64_t tax = 0;
  std::int64_t net = 0;            // rule BV-00251: quantity x unit price x factor + tax
  std::int64_t patient_share = 0;  // percent of net
  bool operator==(const LineAmounts&) const = default;
};
// The parts of line are within the limits above.
[[nodiscard]] LineAmounts amounts(const Line& line);

}  // namespace rabt::nphies
