#pragma once

#include <string_view>

namespace rabt::engine {

// Attribute of an event whose source gave no time: `time` is the time of its receipt, and says
// nothing about the order in which the source's events happened.
inline constexpr std::string_view kTimeOfReceipt = "rabtreceipt";

// Attribute of an event whose data hold declared codes: these as JSON text, by the names of the
// members. docs/privacy.md#codes.
inline constexpr std::string_view kEventCodes = "rabtcodes";

}  // namespace rabt::engine
