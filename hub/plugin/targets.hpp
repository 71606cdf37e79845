#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "hub/base/result.hpp"

namespace rabt::plugin {

// A role is bound to what there is not. targets: what there is, as plugin://<id> and
// hub://<service>. Error not_found plugin.unknown_target.
[[nodiscard]] Error unknown_target(std::string_view role, std::string_view target,
                                   const std::vector<std::string>& targets);

}  // namespace rabt::plugin
