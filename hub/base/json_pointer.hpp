#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "hub/base/json.hpp"

// JSON pointers (RFC 6901).
namespace rabt {

// A member name as one token of a pointer: ~ becomes ~0, / becomes ~1.
[[nodiscard]] std::string escape_token(std::string_view token);
// nullopt if a ~ is followed by neither 0 nor 1.
[[nodiscard]] std::optional<std::string> unescape_token(std::string_view token);

// The member or element that an escaped token names, or nullptr.
[[nodiscard]] const Json* at_token(const Json& value, std::string_view token);
// The value that a pointer leads to; nullptr if there is none or the text is no pointer.
[[nodiscard]] const Json* at_pointer(const Json& document, std::string_view pointer);

}  // namespace rabt
