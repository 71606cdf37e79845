#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "hub/plugin/instance.hpp"

// Common parts of the files of Instance: one for calls, one for deliveries, one for requests, one
// for its process, and instance.cpp for its life. Internal to hub/plugin.
namespace rabt::plugin {

inline constexpr std::string_view kThrew = "threw an exception across the C line";
inline constexpr std::uint64_t kAuditedAttempts = 8;  // per process, one entry each

// A text for operators: bounded, one line, printable ASCII and whole UTF-8.
[[nodiscard]] std::string operator_text(std::string_view text);
// The place of the fault in the value, and what is wrong there.
[[nodiscard]] std::string at_path(const SchemaFault& fault);

}  // namespace rabt::plugin
