#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "hub/workflow/execution.hpp"

// The specification's lifecycle events (dsl.md: Lifecycle Events; dsl-reference.md has their data):
// CloudEvents of type io.serverlessworkflow.<workflow|task>.<what>.v1, made from what an input did.
// They hold no patient data: no input, no output, no correlation value, no title or detail of an
// error that an expression made. The optional status-changed events are not made.
namespace rabt::workflow {

struct Turn {
  std::string_view instance;
  // Which input of the instance it was, counted from 0: part of the events' ids.
  std::uint64_t number = 0;
  const Input& input;
  const std::vector<Effect>& effects;  // what Execution::apply returned for it
};

// In the order in which things happened. Pure: the same turn gives the same events, ids included,
// so a receiver can drop repeats by (source, id). A skipped task has no events, and neither has the
// call that undoes a task, which is not a task of the file.
[[nodiscard]] std::vector<Json> lifecycle_events(const Definition& definition, const Turn& turn);

// An operator suspends or resumes the instance. tasks: references of the tasks that wait. number as
// in Turn, unique among the instance's turns and suspensions.
[[nodiscard]] std::vector<Json> suspension_events(const Definition& definition,
                                                  std::string_view instance, std::uint64_t number,
                                                  Timestamp at, bool suspended,
                                                  const std::vector<std::string>& tasks);

}  // namespace rabt::workflow
