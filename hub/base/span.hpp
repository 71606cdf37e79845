#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace rabt {

// "90s", "15m", "12h", "1d" in milliseconds, of at most five digits: as configurations and commands
// have spans of time.
[[nodiscard]] std::optional<std::int64_t> parse_span_ms(std::string_view text);

}  // namespace rabt
