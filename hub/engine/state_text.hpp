#pragma once

#include <array>
#include <string>
#include <string_view>

#include "hub/workflow/execution.hpp"

namespace rabt::engine {

// The states of instances as people see them, in the order of counts.
inline constexpr std::string_view kParkedState = "parked";
inline constexpr std::array<std::string_view, 6> kStates = {"running",   "waiting", kParkedState,
                                                            "completed", "faulted", "cancelled"};

[[nodiscard]] inline std::string state_text(int status, bool parked) {
  if (parked) return std::string(kParkedState);
  return std::string(workflow::to_string(static_cast<workflow::InstanceStatus>(status)));
}

}  // namespace rabt::engine
