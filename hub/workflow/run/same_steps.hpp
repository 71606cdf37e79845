#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "hub/base/json.hpp"
#include "hub/base/result.hpp"
#include "hub/workflow/definition.hpp"
#include "hub/workflow/execution.hpp"

// Internal to the language: the condition under which an instance may go on with another version.
namespace rabt::workflow {

// A version of a workflow, and the values of its use.secrets.
struct Version {
  std::shared_ptr<const Definition> definition;
  Json secrets;
};

// Ok if these rows have `after` ask for what they had `before` ask for: the same calls (place,
// role, action, arguments), workflows, events, timers and listens, in the same order and under the
// same ids; and if the same is open after them. mended: reference of a task whose calls may have
// other arguments; "" for none. Error conflict engine.retry_version: the message names the first
// difference, by names of the files; no patient data.
[[nodiscard]] Status check_same_steps(const Version& before, const Version& after,
                                      const std::vector<const Input*>& rows,
                                      std::string_view mended);

}  // namespace rabt::workflow
