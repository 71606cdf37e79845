#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "hub/workflow/yaml/yaml.hpp"

// The tasks of a workflow file as they nest, for checks that look at several of them. Built from
// the YAML tree alone, so it also stands when the file has mistakes; what is not a task is left
// out.
namespace rabt::workflow {

struct TaskPlace {
  const YamlEntry* entry = nullptr;  // name and body
  const YamlEntry* kind = nullptr;   // call, set, ...; nullptr when none is written
  const struct TaskSequence* list = nullptr;
  std::size_t position = 0;  // in the list
  std::vector<std::unique_ptr<struct TaskSequence>> lists;

  [[nodiscard]] const YamlEntry* find(std::string_view key) const {
    return entry->value->find(key);
  }
};

struct TaskSequence {
  std::string role;  // do, try, catch, branches, foreach, function
  const TaskPlace* parent = nullptr;
  std::vector<std::unique_ptr<TaskPlace>> tasks;

  // Which tasks may run right after each: by `then`, by the cases of a switch, or as the next.
  [[nodiscard]] std::vector<std::vector<std::size_t>> successors() const;
};

class TaskTree {
 public:
  explicit TaskTree(const YamlNode& root);

  [[nodiscard]] const TaskSequence& body() const { return body_; }
  // The functions of use.functions, each a list of one task, and the lists of use.extensions.
  [[nodiscard]] const std::vector<std::unique_ptr<TaskSequence>>& functions() const {
    return functions_;
  }
  // Every task, parents first, in the order of the file.
  void each(const std::function<void(const TaskPlace&)>& visit) const;

 private:
  TaskSequence body_;
  std::vector<std::unique_ptr<TaskSequence>> functions_;
};

}  // namespace rabt::workflow
