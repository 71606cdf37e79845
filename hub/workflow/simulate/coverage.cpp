#include "hub/workflow/simulate/coverage.hpp"

#include <algorithm>
#include <set>

#include "hub/workflow/error_types.hpp"
#include "hub/workflow/explain/task_parts.hpp"

namespace rabt::workflow {

namespace {

// The traces of one instance, in order, with what is still open between them.
struct Watch {
  std::set<std::string> failed;    // a task below this reference has just faulted
  std::set<std::string> handling;  // the catch of this try runs
  std::set<std::string> looped;    // this loop has started an iteration
};

bool chooses(const TryBody& body) {
  return !body.match.empty() || body.when.has_value() || body.except_when.has_value();
}

}  // namespace

Coverage::Coverage(std::shared_ptr<const Definition> definition)
    : definition_(std::move(definition)) {
  const Definition::Model& model = definition_->model();
  const auto item = [&](const Task* task, const std::string& path, std::string branch) {
    index_[{task, branch}] = items_.size();
    items_.push_back({path, std::move(branch), task == model.root.get() ? 1 : task->line, 0});
  };
  if (model.root->timeout != nullptr) item(model.root.get(), {}, "timed out");
  for (const ListedTask& listed : all_tasks(model)) {
    const Task& task = *listed.task;
    item(&task, listed.path, {});
    const auto branch = [&](std::string name) { item(&task, listed.path, std::move(name)); };
    if (task.condition.has_value()) branch("skipped");
    if (task.timeout != nullptr) branch("timed out");
    if (const auto* choice = std::get_if<SwitchBody>(&task.body)) {
      bool always = false;
      for (const SwitchCase& switch_case : choice->cases) {
        branch("case " + switch_case.name);
        always = always || !switch_case.when.has_value();
      }
      if (!always) branch("no case");
    } else if (const auto* loop = std::get_if<ForBody>(&task.body)) {
      branch("no item");
      branch("an item");
      if (loop->while_.has_value()) branch("ended by while");
    } else if (const auto* fork = std::get_if<ForkBody>(&task.body); fork && fork->compete) {
      for (const auto& one : fork->branches.tasks) branch(one->name + " decides");
    } else if (const auto* attempt = std::get_if<TryBody>(&task.body)) {
      branch("no error");
      if (attempt->retry != nullptr) {
        branch("retried");
        branch("given up");
      }
      if (attempt->has_handler || attempt->retry == nullptr) {
        branch("caught");
        if (chooses(*attempt)) branch("not caught");
      }
    }
  }
}

void Coverage::note(const Task* task, const std::string& branch) {
  if (const auto found = index_.find({task, branch}); found != index_.end())
    ++items_[found->second].count;
}

void Coverage::add(const Simulator& simulator) {
  const Definition::Model& model = definition_->model();
  std::map<std::size_t, Watch> watches;
  std::map<std::string, Located> located;
  for (const SimulatedTrace& trace : simulator.traces()) {
    if (simulator.instances()[trace.instance].definition != definition_) continue;
    Watch& watch = watches[trace.instance];
    const std::string& reference = trace.trace.reference;
    auto [at, fresh] = located.try_emplace(reference);
    if (fresh) at->second = locate(model, reference);
    const Located& here = at->second;
    if (here.task == nullptr) continue;
    const Task& task = *here.task;
    const std::string& state = trace.trace.state;
    const auto* attempt = std::get_if<TryBody>(&task.body);
    const bool failed_below = watch.failed.erase(reference) != 0;

    if (state == "started" || state == "skipped") {
      note(&task, state == "started" ? std::string() : state);
      if (here.part == TaskPart::Kind::loop) watch.looped.insert(here.parent_reference);
      if (here.part == TaskPart::Kind::handler &&
          watch.handling.insert(here.parent_reference).second) {
        watch.failed.erase(here.parent_reference);
        note(here.parent, "caught");
        note(here.parent, "given up");
      }
      continue;
    }
    if (state == "retried") {
      note(&task, "retried");
      continue;
    }
    const bool handled = watch.handling.contains(reference);
    if (state == "completed") {
      if (attempt != nullptr && !handled) note(&task, failed_below ? "caught" : "no error");
      if (attempt != nullptr && failed_below) note(&task, "given up");
      if (task.kind() == TaskKind::switch_)
        note(&task, trace.trace.detail.empty() ? "no case" : trace.trace.detail);
      if (task.kind() == TaskKind::for_) {
        if (trace.trace.detail == "while") note(&task, "ended by while");
        const bool looped = watch.looped.contains(reference);
        if (looped || trace.trace.detail.empty()) note(&task, looped ? "an item" : "no item");
      }
    } else if (state == "faulted") {
      if (failed_below) {
        if (attempt != nullptr && !handled) {
          note(&task, "given up");
          note(&task, "not caught");
        }
      } else if (task.timeout != nullptr && task.kind() != TaskKind::raise &&
                 trace.trace.detail.starts_with("timeout 408")) {
        note(&task, "timed out");
      }
      if (watch.looped.contains(reference)) note(&task, "an item");
      watch.failed.insert(here.parent_reference);
    } else if (state == "cancelled") {
      if (watch.looped.contains(reference)) note(&task, "an item");
    } else {
      continue;  // waiting
    }
    // Ended, in one way or another.
    watch.handling.erase(reference);
    watch.looped.erase(reference);
    if (state != "cancelled" && here.part == TaskPart::Kind::branches)
      note(here.parent, task.name + " decides");
  }
  for (const SimulatedInstance& instance : simulator.instances()) {
    if (instance.definition != definition_ || instance.status != InstanceStatus::faulted) continue;
    // Only the timeout of the workflow itself names no task.
    const Json& error = instance.result.error;
    if (error.string_or("instance", "") == "/" &&
        standard_error_name(error.string_or("type", "")) == "timeout") {
      note(model.root.get(), "timed out");
    }
  }
}

std::size_t Coverage::covered() const {
  return static_cast<std::size_t>(std::count_if(items_.begin(), items_.end(),
                                                [](const CoverageItem& i) { return i.count > 0; }));
}

double Coverage::percent() const {
  if (items_.empty()) return 100.0;
  return 100.0 * static_cast<double>(covered()) / static_cast<double>(items_.size());
}

}  // namespace rabt::workflow
