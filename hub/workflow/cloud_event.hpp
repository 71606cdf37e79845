#pragma once

#include <string>
#include <string_view>

#include "hub/base/json.hpp"

namespace rabt::workflow {

// True for the attributes that CloudEvents itself defines. Each is a text.
[[nodiscard]] bool is_standard_attribute(std::string_view name);

// The reason why an event cannot have this attribute (CloudEvents 1.0.2 section 3); empty if it
// can. `data`, `data_base64` and null, which stands for an absent attribute, pass. Names no value.
[[nodiscard]] std::string attribute_fault(std::string_view name, const Json& value);

}  // namespace rabt::workflow
