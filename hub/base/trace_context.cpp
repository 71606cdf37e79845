#include "hub/base/trace_context.hpp"

#include <algorithm>
#include <array>

#include "hub/base/ascii.hpp"
#include "hub/base/bytes.hpp"
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

std::string traceparent_of(std::string_view trace, std::uint64_t span) {
  return "00-" + std::string(trace) + "-" + span_text(span) + "-01";
}

std::string traceparent_of(std::string_view trace, Random& random) {
  return traceparent_of(trace, draw_span(random));
}

std::uint64_t draw_span(Random& random) {
  std::array<std::uint8_t, 8> raw{};
  random.fill(raw);
  std::uint64_t out = 0;
  for (const std::uint8_t byte : raw) out = out << 8U | byte;
  return out == 0 ? 1 : out;
}

std::string span_text(std::uint64_t span) {
  std::array<std::uint8_t, 8> raw{};
  for (std::size_t i = 0; i < raw.size(); ++i)
    raw[i] = static_cast<std::uint8_t>(span >> (56U - 8U * i));
  return to_hex(raw);
}

std::string trace_of_run(std::string_view run) {
  const auto id = Ulid::parse(run);
  return id ? to_hex(id->bytes) : std::string();
}

bool is_of_a_trace(std::string_view header) {
  const std::string low = lower(header);
  return low == "traceparent" || low == "tracestate";
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
