#pragma once

#include <memory>
#include <string>

#include "hub/mapping/code_map.hpp"
#include "hub/workflow/expression.hpp"

namespace rabt::mapping {

// Functions that expressions of a mapping may call beside the language's own: map, instant, hl7,
// resources, refer. Pure. zone: of local times that name none; "" if the mapping has none.
[[nodiscard]] std::shared_ptr<const workflow::ExtraFunctions> functions(
    std::shared_ptr<const CodeMaps> maps, const std::string& zone);

}  // namespace rabt::mapping
