#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "hub/workflow/model.hpp"

// The tasks of a parsed definition as they nest, for whoever looks at them without running them.
namespace rabt::workflow {

// Part of a task: one list of tasks, or the function that the task calls.
struct TaskPart {
  enum class Kind : std::uint8_t {
    list,
    branches,
    attempt,
    handler,
    loop,  // for, or foreach of a listen
    function,
    extension  // only in Located: before or after its parent
  };
  Kind kind = Kind::list;
  std::vector<const Task*> tasks;  // not empty
};
[[nodiscard]] std::vector<TaskPart> parts_of(const Definition::Model& model, const Task& task);

// The task that a reference of this definition's instances names, with the part of its parent that
// holds it. task is null when there is none.
struct Located {
  const Task* task = nullptr;
  const Task* parent = nullptr;
  TaskPart::Kind part = TaskPart::Kind::list;
  std::size_t position = 0;      // in the part
  std::string parent_reference;  // as in traces: with iterations and visits
};
[[nodiscard]] Located locate(const Definition::Model& model, std::string_view reference);

// Every task once, in the order of the file's lists; then those of functions and of extensions. The
// root is not among them. path: names from the outside in, as in "consult/eligibility".
struct ListedTask {
  const Task* task = nullptr;
  std::string path;
};
[[nodiscard]] std::vector<ListedTask> all_tasks(const Definition::Model& model);

}  // namespace rabt::workflow
