#include "hub/http/range.hpp"

#include <algorithm>
#include <charconv>
#include <optional>

#include "hub/base/ascii.hpp"

namespace rabt::http {

namespace {

// first-pos, last-pos and suffix-length are 1*DIGIT. A number past 64 bits counts as the largest.
std::optional<std::uint64_t> number(std::string_view digits) {
  if (digits.empty()) return std::nullopt;
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (end != digits.data() + digits.size()) return std::nullopt;
  if (error == std::errc::result_out_of_range) return UINT64_MAX;
  if (error != std::errc{}) return std::nullopt;
  return value;
}

}  // namespace

Range parse_range(std::string_view value, std::uint64_t bytes) {
  const auto equals = value.find('=');
  if (equals == std::string_view::npos || !equal_ignoring_case(value.substr(0, equals), "bytes"))
    return {};
  const std::string_view spec = trim(value.substr(equals + 1), " \t");
  const auto dash = spec.find('-');
  if (dash == std::string_view::npos) return {};
  const std::string_view first = spec.substr(0, dash);
  const std::string_view second = spec.substr(dash + 1);
  if (first.empty()) {
    const auto suffix = number(second);
    if (!suffix) return {};
    if (*suffix == 0 || bytes == 0) return {.kind = Range::Kind::unsatisfiable};
    const std::uint64_t length = std::min(*suffix, bytes);
    return {.kind = Range::Kind::part, .from = bytes - length, .length = length};
  }
  const auto from = number(first);
  const auto last = second.empty() ? std::optional(UINT64_MAX) : number(second);
  if (!from || !last || *last < *from) return {};
  if (*from >= bytes) return {.kind = Range::Kind::unsatisfiable};
  return {
      .kind = Range::Kind::part, .from = *from, .length = std::min(*last, bytes - 1) - *from + 1};
}

}  // namespace rabt::http
