#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "hub/base/json.hpp"

// JSON pointers (RFC 6901).
namespace rabt {

// One token of a pointer, with ~0 and ~1.
[[nodiscard]] std::string escape_token(std::string_view token);
// Empty when a ~ is followed by neither 0 nor 1.
[[nodiscard]] std::optional<std::string> unescape_token(std::string_view token);

// The member or element that an escaped token names; null when there is none.
[[nodiscard]] const Json* at_token(const Json& value, std::string_view token);
// What a pointer leads to; null when that is nowhere, or when it is no pointer.
[[nodiscard]] const Json* at_pointer(const Json& document, std::string_view pointer);

}  // namespace rabt
