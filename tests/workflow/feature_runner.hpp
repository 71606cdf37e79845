#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "gherkin.hpp"
#include "hub/workflow/definition.hpp"
#include "hub/workflow/execution.hpp"

// Runs one scenario of a feature against the interpreter, in virtual time. The steps are those of
// the conformance kit's README and, for what the kit does not reach, those in feature_runner.cpp.
namespace rabt::workflow {

// Answers the HTTP requests for which the scenario itself has no answer.
using HttpResponder = std::function<ActionOutcome(const CallAction&)>;

// Failed expectations: "line 12: ...". Empty if the scenario holds.
[[nodiscard]] std::vector<std::string> run_scenario(const gherkin::Scenario& scenario,
                                                    const HttpResponder& http);

}  // namespace rabt::workflow
