#include <algorithm>
#include <utility>

#include "hub/workflow/run/interpreter.hpp"

// Undoing completed tasks (metadata.rabt.compensate, docs/workflow.md): when the instance faults or
// is cancelled, and for the losers of a race.
namespace rabt::workflow {

namespace {

constexpr std::size_t kMaxUndo = 1000;  // each keeps its arguments for the life of the instance
constexpr std::int64_t kUndoRetries = 5;
constexpr std::int64_t kUndoDelayMs = 10'000;        // doubled at each retry: five minutes in all
constexpr std::int64_t kMaxUndoDelayMs = 3'600'000;  // whatever a plugin asks for

}  // namespace

bool Execution::Impl::push_undo(Frame* frame, const Json& output) {
  const Task& task = *frame->task;
  if (task.commit) {
    ContextCell* cell = frame->context;
    do {
      cell->undo.clear();
      cell = cell->parent;
    } while (cell != nullptr);
  }
  if (!task.compensate.has_value()) return true;
  Undo undo;
  undo.reference = frame->reference + "/compensate";
  undo.task = &task;
  undo.arguments = Json::object();
  if (const std::optional<Template>& with = task.compensate->call.arguments; with.has_value()) {
    Result<Json> value =
        evaluate(*with, output, FrameVariables(*this, *frame, frame->parent, &output));
    if (!value) {
      fail(frame, value.error(), "compensate.with");
      return false;
    }
    undo.arguments = std::move(value).value();
    if (!undo.arguments.is_object()) {
      fail(frame, "validation", 400, "the arguments of a call must be an object",
           "compensate.with gave another type");
      return false;
    }
  }
  if (json_size(undo.arguments, limits::kMaxActionBytes) > limits::kMaxActionBytes) {
    fail(frame, "runtime", 500, "the arguments of compensate are too large",
         "at most " + std::to_string(limits::kMaxActionBytes) +
             " bytes: pass a reference, not the content");
    return false;
  }
  std::vector<Undo>& stack = frame->context->undo;
  // The same work, repeated by a retry, is undone once.
  std::erase_if(stack,
                [&](const Undo& undo_step) { return undo_step.reference == undo.reference; });
  if (stack.size() >= kMaxUndo) {
    fail(frame, "runtime", 500, "too many tasks wait to be undone",
         "at most " + std::to_string(kMaxUndo) +
             ": set metadata.rabt.commit on a task after which nothing is undone");
    return false;
  }
  undo.order = ++completed_tasks;
  stack.push_back(std::move(undo));
  return true;
}

void Execution::Impl::gather(std::vector<Undo>& into, std::vector<Undo>& from) {
  if (from.empty()) return;
  const auto middle = static_cast<std::ptrdiff_t>(into.size());
  into.insert(into.end(), std::make_move_iterator(from.begin()),
              std::make_move_iterator(from.end()));
  from.clear();
  std::inplace_merge(into.begin(), into.begin() + middle, into.end(),
                     [](const Undo& a, const Undo& b) { return a.order < b.order; });
}

void Execution::Impl::undo(std::vector<Undo> stack) {
  undoing.push_back({std::move(stack), 0, 0});
  next_undo(undoing.back());
}

void Execution::Impl::next_undo(Undoing& job) {
  job.open = await(nullptr, Wait::undo, now);
  effects.emplace_back(undo_effect(job.open));
}

CallAction Execution::Impl::undo_effect(std::uint64_t id) const {
  const auto job = std::find_if(undoing.begin(), undoing.end(),
                                [id](const Undoing& one) { return one.open == id; });
  const Undo& what = job->stack.back();
  const CallBody& call = what.task->compensate->call;
  return {.id = id,
          .reference = what.reference,
          .task = what.task->name,
          .role = call.role,
          .action = call.action,
          .version = call.version,
          .arguments = what.arguments,
          .attempt = job->retries + 1,
          .undoes = true};
}

void Execution::Impl::on_undo(const Open& entry, const ActionOutcome* outcome) {
  const auto job = std::find_if(undoing.begin(), undoing.end(),
                                [&](const Undoing& one) { return one.open == entry.id; });
  if (job == undoing.end()) return;
  if (outcome == nullptr) return next_undo(*job);
  if (outcome->kind == OutcomeKind::transient && job->retries < kUndoRetries) {
    std::int64_t delay = kUndoDelayMs << job->retries;
    delay = std::max(delay, std::clamp<std::int64_t>(outcome->retry_after_ms, 0, kMaxUndoDelayMs));
    ++job->retries;
    trace_undo(job->stack.back(), "retried",
               "retry " + std::to_string(job->retries) + " in " + std::to_string(delay) + " ms");
    const Timestamp due{now.ms + delay};
    job->open = await(nullptr, Wait::undo_retry, due);
    effects.emplace_back(StartTimer{job->open, due, "retry"});
    return;
  }
  if (outcome->kind == OutcomeKind::done) {
    trace_undo(job->stack.back(), "compensated", job->stack.back().task->compensate->call.title);
  } else {
    trace_undo(job->stack.back(), "compensation-failed",
               std::string(to_string(outcome->kind)) + ": " + outcome->code);
  }
  job->stack.pop_back();
  job->retries = 0;
  if (!job->stack.empty()) return next_undo(*job);
  undoing.erase(job);
  if (undoing.empty() && loose.empty() && ending.has_value()) end();
}

void Execution::Impl::trace_undo(const Undo& what, std::string_view state, std::string detail) {
  effects.emplace_back(TaskTrace{
      what.reference, what.task->name, "compensate", std::string(state), std::move(detail), {}});
}

}  // namespace rabt::workflow
