#include "hub/base/trace_context.hpp"

#include <algorithm>

#include "hub/base/ascii.hpp"
#include "hub/base/ids.hpp"

namespace rabt {

namespace {

constexpr std::size_t kTraceDigits = 32;

bool is_low_hex(char c) {
  return is_hex(c) && (c < 'A' || c > 'F');
}

bool is_zero(std::string_view digits) {
  return digits.find_first_not_of('0') == std::string_view::npos;
}

}  // namespace

std::optional<TraceParent> parse_traceparent(std::string_view text) {
  // 00-<32 digits>-<16 digits>-<2 digits>
  constexpr std::size_t kLength = 55;
  if (text.size() != kLength || !text.starts_with("00-")) return std::nullopt;
  for (std::size_t i = 3; i < kLength; ++i) {
    const bool hyphen = i == 35 || i == 52;
    if (hyphen ? text[i] != '-' : !is_low_hex(text[i])) return std::nullopt;
  }
  const std::string_view trace = text.substr(3, kTraceDigits);
  const std::string_view parent = text.substr(36, 16);
  if (is_zero(trace) || is_zero(parent)) return std::nullopt;
  return TraceParent{std::string(trace), std::string(parent)};
}

bool is_machine_id(std::string_view text) {
  constexpr std::size_t kUuid = 36;
  if (text.size() == kUuid) {
    for (std::size_t i = 0; i < kUuid; ++i) {
      const bool hyphen = i == 8 || i == 13 || i == 18 || i == 23;
      if (hyphen ? text[i] != '-' : !is_hex(text[i])) return false;
    }
    return true;
  }
  if (text.size() == kTraceDigits) return std::all_of(text.begin(), text.end(), is_hex);
  return Ulid::parse(text).has_value();
}

}  // namespace rabt
