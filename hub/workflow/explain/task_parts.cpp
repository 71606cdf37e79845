#include "hub/workflow/explain/task_parts.hpp"

#include <algorithm>

namespace rabt::workflow {

namespace {

void add(std::vector<TaskPart>& parts, TaskPart::Kind kind, const TaskList& list) {
  if (list.tasks.empty()) return;
  TaskPart& part = parts.emplace_back();
  part.kind = kind;
  for (const auto& task : list.tasks) part.tasks.push_back(task.get());
}

bool takes(std::string_view& rest, std::string_view prefix) {
  if (!rest.starts_with(prefix)) return false;
  if (rest.size() > prefix.size() && rest[prefix.size()] != '/') return false;
  rest.remove_prefix(prefix.size());
  return true;
}

// `/for/3` or `/visit/2`
void skip_counted(std::string_view& rest, std::string_view word) {
  if (!rest.starts_with(word)) return;
  std::size_t end = word.size();
  while (end < rest.size() && rest[end] >= '0' && rest[end] <= '9') ++end;
  if (end > word.size() && (end == rest.size() || rest[end] == '/')) rest.remove_prefix(end);
}

void collect(const Definition::Model& model, const Task& task, const std::string& path,
             std::vector<ListedTask>& out) {
  out.push_back({&task, path});
  for (const TaskPart& part : parts_of(model, task)) {
    if (part.kind == TaskPart::Kind::function) continue;
    for (const Task* child : part.tasks) collect(model, *child, path + '/' + child->name, out);
  }
}

}  // namespace

std::vector<TaskPart> parts_of(const Definition::Model& model, const Task& task) {
  std::vector<TaskPart> parts;
  if (const auto* body = std::get_if<DoBody>(&task.body)) {
    add(parts, TaskPart::Kind::list, body->list);
  } else if (const auto* loop = std::get_if<ForBody>(&task.body)) {
    add(parts, TaskPart::Kind::loop, loop->list);
  } else if (const auto* listen = std::get_if<ListenBody>(&task.body)) {
    if (listen->foreach.has_value()) add(parts, TaskPart::Kind::loop, listen->foreach->list);
  } else if (const auto* fork = std::get_if<ForkBody>(&task.body)) {
    add(parts, TaskPart::Kind::branches, fork->branches);
  } else if (const auto* attempt = std::get_if<TryBody>(&task.body)) {
    add(parts, TaskPart::Kind::attempt, attempt->list);
    add(parts, TaskPart::Kind::handler, attempt->handler);
  } else if (const auto* call = std::get_if<FunctionBody>(&task.body)) {
    parts.push_back({TaskPart::Kind::function, {model.functions[call->function].get()}});
  }
  return parts;
}

Located locate(const Definition::Model& model, std::string_view reference) {
  Located found;
  found.task = model.root.get();
  std::string_view rest = reference;
  while (!rest.empty() && found.task != nullptr) {
    const Task* parent = found.task;
    const std::string_view before = rest;
    found.parent_reference = std::string(reference.substr(0, reference.size() - before.size()));
    if (parent->kind() == TaskKind::for_) skip_counted(rest, "/for/");
    if (parent->kind() == TaskKind::listen) skip_counted(rest, "/foreach/");
    found.task = nullptr;
    for (const TaskPart& part : parts_of(model, *parent)) {
      for (std::size_t i = 0; i < part.tasks.size() && found.task == nullptr; ++i) {
        if (!takes(rest, part.tasks[i]->segment)) continue;
        found.task = part.tasks[i];
        found.parent = parent;
        found.part = part.kind;
        found.position = i;
      }
    }
    for (const Extension& extension : model.extensions) {
      for (const TaskList* list : {&extension.before, &extension.after}) {
        for (std::size_t i = 0; i < list->tasks.size() && found.task == nullptr; ++i) {
          if (!takes(rest, list->tasks[i]->segment)) continue;
          found.task = list->tasks[i].get();
          found.parent = parent;
          found.part = TaskPart::Kind::extension;
          found.position = i;
        }
      }
    }
    skip_counted(rest, "/visit/");
  }
  return found;
}

std::vector<ListedTask> all_tasks(const Definition::Model& model) {
  std::vector<ListedTask> out;
  for (const TaskPart& part : parts_of(model, *model.root)) {
    for (const Task* task : part.tasks) collect(model, *task, task->name, out);
  }
  for (const auto& function : model.functions) collect(model, *function, function->name, out);
  for (const Extension& extension : model.extensions) {
    for (const TaskList* list : {&extension.before, &extension.after}) {
      for (const auto& task : list->tasks)
        collect(model, *task, extension.name + '/' + task->name, out);
    }
  }
  return out;
}

}  // namespace rabt::workflow
