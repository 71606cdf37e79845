#pragma once

#include <string>

#include "hub/workflow/action_catalog.hpp"
#include "hub/workflow/execution.hpp"

namespace rabt::engine {

// Checks that a person says in place of an action what the action could have given. asked: it
// failed, and its workflow asks a person. Error engine.answer says what does not fit.
[[nodiscard]] Status answer_fits(const workflow::ActionCatalog& actions, const std::string& target,
                                 const workflow::CallAction& action, bool asked,
                                 const workflow::ActionOutcome& outcome);

}  // namespace rabt::engine
