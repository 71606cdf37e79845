#pragma once

#include <string_view>

#include "hub/base/json.hpp"

namespace rabt {

// The fault of a text that Json::parse refuses: json.syntax with the offset of the first wrong
// byte, json.duplicate_key or json.depth, whichever comes first in the text.
[[nodiscard]] Error find_json_fault(std::string_view text, const JsonLimits& limits);

}  // namespace rabt
