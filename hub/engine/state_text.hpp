#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "hub/workflow/execution.hpp"

namespace rabt::engine {

// The states of instances as people see them, in the order of counts.
inline constexpr std::string_view kParkedState = "parked";
inline constexpr std::array<std::string_view, 6> kStates = {"running",   "waiting", kParkedState,
                                                            "completed", "faulted", "cancelled"};

// Place in a list that sorts behind every id.
inline constexpr std::string_view kNoPlace = "~";

[[nodiscard]] inline std::string state_text(int status, bool parked) {
  if (parked) return std::string(kParkedState);
  return std::string(workflow::to_string(static_cast<workflow::InstanceStatus>(status)));
}

// Parked call, as the row of an instance shows it (parked.cpp).
struct ParkedName {
  std::uint64_t call = 0;
  std::string role;
  std::string action;
};
[[nodiscard]] ParkedName parked_name(std::string_view text);

}  // namespace rabt::engine
