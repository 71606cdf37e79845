#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "hub/base/json.hpp"

namespace rabt::identity {

// The claim's NumericDate (RFC 7519 section 2, seconds since 1970) in milliseconds. Unset for other
// values, and beyond the year 2286.
[[nodiscard]] inline std::optional<std::int64_t> numeric_date_ms(const Json& claims,
                                                                 std::string_view name) {
  const Json* value = claims.find(name);
  if (value == nullptr || !value->is_number()) return std::nullopt;
  const double seconds = value->as_double();
  constexpr double kMaxSeconds = 1e10;
  if (!(seconds >= 0 && seconds <= kMaxSeconds)) return std::nullopt;
  return static_cast<std::int64_t>(seconds * 1000);
}

}  // namespace rabt::identity
