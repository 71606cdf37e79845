#pragma once

#include "hub/base/json.hpp"
#include "hub/workflow/definition.hpp"

namespace rabt::workflow {

// A JSON Schema (2020-12) of workflow files in the profile of docs/workflow.md, for editors: titles
// and descriptions for hover, keys and values for completion, unknown keys refused. With a catalog
// it also knows the actions of each role and their arguments, where any argument may be an
// expression instead. It is looser than parse_definition, which alone decides: names, expressions
// and what depends on several places are not looked at. Pure; the same catalog gives the same text.
[[nodiscard]] Json editor_schema(const ActionCatalog* catalog);

}  // namespace rabt::workflow
