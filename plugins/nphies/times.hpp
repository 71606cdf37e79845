#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "json_text.hpp"

// Times on messages are in Asia/Riyadh, which is +03:00 all year, and carry seconds (rule
// BV-00811).
namespace rabt::nphies {

// Unix seconds of an RFC 3339 date-time; nullopt when it is none or outside the years 1900 to 2199.
// Fractions are dropped.
[[nodiscard]] std::optional<std::int64_t> parse_instant(std::string_view text);
// True for a real calendar date YYYY-MM-DD in the years 1900 to 2199.
[[nodiscard]] bool is_date(std::string_view text);
// An RFC 3339 string or a number of seconds.
[[nodiscard]] std::optional<std::int64_t> instant_of(const Json& value);
// "2026-03-10T09:30:00+03:00"
[[nodiscard]] std::string riyadh_time(std::int64_t unix_seconds);
// "2026-03-10"
[[nodiscard]] std::string riyadh_date(std::int64_t unix_seconds);

}  // namespace rabt::nphies
