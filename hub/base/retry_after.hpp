#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "hub/base/clock.hpp"

namespace rabt {

// An HTTP date in each of its three forms (RFC 9110 section 5.6.7): IMF-fixdate, RFC 850 with a
// year of two digits, which is at most 50 years after `now`, and asctime. The name of the day is
// not compared with the date.
[[nodiscard]] std::optional<Timestamp> read_http_date(std::string_view text, Timestamp now);

// Longest pause that retry_after_ms gives; a larger number means this.
inline constexpr std::int64_t kLongestRetryAfterMs = 10LL * 365 * 86'400'000;

// Retry-After (RFC 9110 section 10.2.3): digits are seconds, however many digits there are, else an
// HTTP date. Milliseconds from `now`; 0 for a date that has passed; nothing for another value.
[[nodiscard]] std::optional<std::int64_t> retry_after_ms(std::string_view value, Timestamp now);

}  // namespace rabt
