#pragma once

#include <vector>

#include "hub/workflow/expression/expression_ast.hpp"
#include "hub/workflow/lint/data_flow.hpp"

namespace rabt::workflow::flow {

// What an expression may give for the input dot. variables: by slot of the expression. What error()
// may be given is joined into raised.
[[nodiscard]] FlowValue evaluate(const Node* root, const FlowValue& dot,
                                 const std::vector<FlowValue>& variables, FlowValue& raised);

}  // namespace rabt::workflow::flow
