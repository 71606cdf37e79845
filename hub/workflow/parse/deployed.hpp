#pragma once

#include <string_view>

#include "hub/workflow/definition.hpp"

namespace rabt::workflow {

// Parses a definition that was linted when it was deployed: rules that came later do not stop it.
[[nodiscard]] ParsedDefinition parse_deployed(std::string_view yaml);

}  // namespace rabt::workflow
