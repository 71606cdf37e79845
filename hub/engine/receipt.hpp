#pragma once

#include <string_view>

namespace rabt::engine {

// Attribute of an event whose source gave no time: `time` is the time of its receipt, and says
// nothing about the order in which the source's events happened.
inline constexpr std::string_view kTimeOfReceipt = "rabtreceipt";

}  // namespace rabt::engine
