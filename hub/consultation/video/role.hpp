#pragma once

#include <string_view>

#include "hub/base/result.hpp"
#include "hub/workflow/definition.hpp"

namespace rabt::consultation {

// Calls of the role `video` name a capability; the version's major is the capability's revision.
inline constexpr std::string_view kVideoVersion = "1.0.0";

// Error unavailable video.not_served unless the target serves all that a session needs before one
// participant can be in it. Names role, target and the missing capabilities.
[[nodiscard]] Status lets_people_in(const workflow::ActionCatalog& catalog,
                                    std::string_view target);

}  // namespace rabt::consultation
