#include "hub/workflow/lint/task_tree.hpp"

#include <algorithm>
#include <array>

namespace rabt::workflow {

namespace {

// A loop and a try also hold `do`, so they are looked for first.
constexpr std::array<std::string_view, 12> kKinds = {
    "for", "try", "call", "do", "set", "switch", "fork", "listen", "emit", "raise", "run", "wait"};

void fill(TaskSequence& list, const YamlNode& node);

void add_list(TaskPlace& task, std::string_view role, const YamlNode* node) {
  if (node == nullptr || node->kind != YamlNode::Kind::sequence) return;
  auto list = std::make_unique<TaskSequence>();
  list->role = role;
  list->parent = &task;
  fill(*list, *node);
  task.lists.push_back(std::move(list));
}

const YamlNode* child(const YamlNode* node, std::string_view key) {
  if (node == nullptr) return nullptr;
  const YamlEntry* entry = node->find(key);
  return entry == nullptr ? nullptr : entry->value.get();
}

std::unique_ptr<TaskPlace> place(const YamlEntry& entry, const TaskSequence& list,
                                 std::size_t position) {
  auto out = std::make_unique<TaskPlace>();
  out->entry = &entry;
  out->list = &list;
  out->position = position;
  const YamlNode& body = *entry.value;
  for (const std::string_view kind : kKinds) {
    if ((out->kind = body.find(kind)) != nullptr) break;
  }
  add_list(*out, "try", child(&body, "try"));
  add_list(*out, "catch", child(child(&body, "catch"), "do"));
  add_list(*out, "branches", child(child(&body, "fork"), "branches"));
  add_list(*out, "foreach", child(child(&body, "foreach"), "do"));
  add_list(*out, "do", child(&body, "do"));
  return out;
}

void fill(TaskSequence& list, const YamlNode& node) {
  for (const YamlPtr& item : node.items) {
    if (item->kind != YamlNode::Kind::mapping || item->entries.size() != 1) continue;
    list.tasks.push_back(place(item->entries.front(), list, list.tasks.size()));
  }
}

void walk(const TaskSequence& list, const std::function<void(const TaskPlace&)>& visit) {
  for (const auto& task : list.tasks) {
    visit(*task);
    for (const auto& inner : task->lists) walk(*inner, visit);
  }
}

}  // namespace

TaskTree::TaskTree(const YamlNode& root) {
  if (const YamlNode* functions = child(child(&root, "use"), "functions")) {
    for (const YamlEntry& entry : functions->entries) {
      auto list = std::make_unique<TaskSequence>();
      list->role = "function";
      list->tasks.push_back(place(entry, *list, 0));
      functions_.push_back(std::move(list));
    }
  }
  if (const YamlNode* extensions = child(child(&root, "use"), "extensions")) {
    for (const YamlPtr& item : extensions->items) {
      if (item->entries.size() != 1) continue;
      for (const char* when : {"before", "after"}) {
        const YamlNode* tasks = child(item->entries.front().value.get(), when);
        if (tasks == nullptr) continue;
        auto list = std::make_unique<TaskSequence>();
        list->role = "function";
        fill(*list, *tasks);
        functions_.push_back(std::move(list));
      }
    }
  }
  body_.role = "do";
  if (const YamlNode* tasks = child(&root, "do"); tasks != nullptr) fill(body_, *tasks);
}

void TaskTree::each(const std::function<void(const TaskPlace&)>& visit) const {
  for (const auto& function : functions_) walk(*function, visit);
  walk(body_, visit);
}

std::vector<std::vector<std::size_t>> TaskSequence::successors() const {
  std::vector<std::vector<std::size_t>> out(tasks.size());
  if (role == "branches") return out;
  for (std::size_t i = 0; i < tasks.size(); ++i) {
    const auto follow = [&](const YamlNode* then) {
      if (then == nullptr || !then->is_text() || then->text() == "continue") {
        if (i + 1 < tasks.size()) out[i].push_back(i + 1);
        return;
      }
      for (std::size_t target = 0; target < tasks.size(); ++target) {
        if (tasks[target]->entry->key == then->text()) out[i].push_back(target);
      }
    };
    const YamlNode& body = *tasks[i]->entry->value;
    bool falls_through = body.find("raise") == nullptr;
    if (const YamlNode* cases = child(&body, "switch")) {
      for (const YamlPtr& item : cases->items) {
        if (item->entries.size() != 1) continue;
        const YamlNode& node = *item->entries.front().value;
        follow(child(&node, "then"));
        if (node.find("when") == nullptr) falls_through = false;
      }
    }
    if (const YamlNode* then = child(child(&body, "catch"), "then")) follow(then);
    if (falls_through) follow(child(&body, "then"));
    if (body.find("if") != nullptr) follow(nullptr);  // skipped: `then` is ignored
  }
  return out;
}

}  // namespace rabt::workflow
