#pragma once

#include <string_view>

#include "hub/workflow/said.hpp"

namespace rabt::engine {

using workflow::kTimeOfReceipt;

// Attribute of an event whose data hold declared codes: these as JSON text, by the names of the
// members. docs/privacy.md#codes.
inline constexpr std::string_view kEventCodes = "rabtcodes";

}  // namespace rabt::engine
