#pragma once

#include <string_view>

namespace rabt {

// True for a method of HTTP that changes nothing (RFC 9110 section 9.2.1).
[[nodiscard]] constexpr bool is_safe_method(std::string_view method) {
  return method == "GET" || method == "HEAD" || method == "OPTIONS";
}

}  // namespace rabt
