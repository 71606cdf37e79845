#pragma once

#include <string_view>

#include "hub/base/json.hpp"

namespace rabt {

// What is wrong with a text that Json::parse refuses: json.syntax with the offset of the first byte
// that does not belong, json.duplicate_key or json.depth, whichever comes first in the text.
[[nodiscard]] Error find_json_fault(std::string_view text, const JsonLimits& limits);

}  // namespace rabt
