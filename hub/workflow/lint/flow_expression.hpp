#pragma once

#include <vector>

#include "hub/workflow/expression/expression_ast.hpp"
#include "hub/workflow/lint/data_flow.hpp"

namespace rabt::workflow::flow {

// Returns the possible results of an expression for the input dot. variables: by slot of the
// expression. Possible arguments of error() are joined into raised.
[[nodiscard]] FlowValue evaluate(const Node* root, const FlowValue& dot,
                                 const std::vector<FlowValue>& variables, FlowValue& raised);

}  // namespace rabt::workflow::flow
