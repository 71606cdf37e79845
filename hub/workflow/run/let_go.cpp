#include <algorithm>
#include <utility>

#include "hub/base/http_method.hpp"
#include "hub/workflow/run/interpreter.hpp"

// Calls for which no task waits any more, though they may have left (docs/workflow.md, "A call that
// is let go").
namespace rabt::workflow {

namespace {

// Calls that were let go and have not ended; each keeps its arguments.
constexpr std::size_t kMaxLetGo = 1000;

// True for a request of HTTP that changes nothing.
bool only_reads(const Frame& frame) {
  return frame.http != nullptr && is_safe_method(frame.arguments.string_or("method", ""));
}

bool took_effect(const LooseCall& call, const ActionOutcome& outcome) {
  if (outcome.kind != OutcomeKind::done) return false;
  const auto* const http = std::get_if<HttpBody>(&call.task->body);
  return http == nullptr || http_succeeded(*http, outcome.output);
}

// Copies the part of a frame that expressions read.
void copy_frame(const Frame& from, ContextCell* context, Frame& to) {
  to.task = from.task;
  to.context = context;
  to.reference = from.reference;
  to.raw = from.raw;
  to.input = from.input;
  to.raw_output = from.raw_output;
  to.started = from.started;
  to.in_extension = from.in_extension;
  to.for_state = from.for_state;
  if (from.try_state != nullptr) to.try_state = std::make_unique<Frame::Try>(*from.try_state);
  if (from.extend_state != nullptr)
    to.extend_state = std::make_unique<Frame::Extend>(*from.extend_state);
  if (from.listen_state != nullptr) {
    to.listen_state = std::make_unique<Frame::Listen>();
    to.listen_state->iterating = from.listen_state->iterating;
    to.listen_state->iteration = from.listen_state->iteration;
    to.listen_state->item = from.listen_state->item;
  }
  if (from.http != nullptr) {
    to.http = std::make_unique<Frame::Http>(*from.http);
    to.http->authentication = Json();
  }
}

}  // namespace

void Execution::Impl::make_call(Frame* frame) {
  const auto before = std::find_if(loose.begin(), loose.end(), [&](const Loose& one) {
    return one.call.reference == frame->reference && one.next == nullptr;
  });
  if (before != loose.end()) {
    if (before->outcome == nullptr) {
      before->next = frame;
      return trace(*frame, "waiting");
    }
    const std::unique_ptr<ActionOutcome> outcome = std::move(before->outcome);
    loose.erase(before);
    if (outcome->kind == OutcomeKind::done) return call_ended(frame, *outcome);
    // Its effect is unknown. This call, which is the same, finds it out.
  }
  if (loose.size() >= kMaxLetGo) {
    return fail(frame, "runtime", 500, "too many calls were let go and have not ended",
                "at most " + std::to_string(kMaxLetGo) +
                    ": a timeout, a race or a fork in a loop leaves them behind");
  }
  const std::uint64_t id = await(frame, Wait::call, now);
  effects.push_back(call_effect(id, *frame));
}

bool Execution::Impl::may_have_left(const Open& entry) const {
  // Requests of the current input are not even durable.
  return rules >= 1 && entry.kind == Wait::call && entry.id < first_id &&
         entry.frame->task->kind() != TaskKind::run && !only_reads(*entry.frame) &&
         !std::binary_search(harmless.begin(), harmless.end(), entry.id);
}

void Execution::Impl::let_go(Open& entry) {
  const Frame& frame = *entry.frame;
  Loose& one = loose.emplace_back();
  one.call = std::get<CallAction>(call_effect(entry.id, frame));
  one.call.let_go = true;
  one.task = frame.task;
  if (frame.task->compensate.has_value()) {
    one.context = std::make_unique<ContextCell>();
    one.context->value = frame.context->value;
    Frame* inner = nullptr;
    for (const Frame* at = &frame; at != nullptr; at = at->parent) {
      Frame& copy = one.kept.emplace_back();
      copy_frame(*at, one.context.get(), copy);
      if (inner != nullptr) inner->parent = &copy;
      inner = &copy;
    }
  }
  entry.kind = Wait::let_go;
  entry.frame = nullptr;
  effects.emplace_back(LetGo{entry.id});
  trace_loose(one, "effect-unknown");
}

void Execution::Impl::mark_retried(const Frame& frame) {
  const std::string inside = frame.reference + '/';
  for (Loose& one : loose) {
    if (one.call.reference.starts_with(inside)) one.retry = frame.reference;
  }
}

bool Execution::Impl::is_retried(const Loose& loose_call) const {
  if (loose_call.retry.empty() || root == nullptr) return false;
  std::vector<const Frame*> todo{root};
  while (!todo.empty()) {
    const Frame* const frame = todo.back();
    todo.pop_back();
    if (frame->reference == loose_call.retry && frame->try_state != nullptr)
      return !frame->try_state->in_handler;
    todo.insert(todo.end(), frame->children.begin(), frame->children.end());
  }
  return false;
}

bool Execution::Impl::is_made_again(const Loose& loose_call) const {
  return loose_call.next != nullptr || is_retried(loose_call);
}

void Execution::Impl::on_let_go(std::uint64_t id, const ActionOutcome& outcome) {
  const auto one = std::find_if(loose.begin(), loose.end(),
                                [id](const Loose& other) { return other.call.id == id; });
  if (one == loose.end()) return;
  Frame* const next = one->next;
  if (next != nullptr) {
    const bool done = took_effect(*one, outcome);
    loose.erase(one);
    // The same work under the same key: its answer stands for the one that the retry would get.
    if (done) return call_ended(next, outcome);
    return make_call(next);
  }
  if (is_retried(*one)) {
    if (took_effect(*one, outcome) || outcome.kind == OutcomeKind::ambiguous) {
      one->outcome = std::make_unique<ActionOutcome>(outcome);
      return;
    }
    trace_loose(*one, "effect-none");
    loose.erase(one);
    return;
  }
  settle(*one, outcome);
  loose.erase(one);
}

void Execution::Impl::settle(const Loose& loose_call, const ActionOutcome& outcome) {
  // An outcome that is ambiguous all the same leaves the effect unknown.
  if (outcome.kind == OutcomeKind::ambiguous) return;
  if (!took_effect(loose_call, outcome)) return trace_loose(loose_call, "effect-none");
  if (!loose_call.task->compensate.has_value()) return trace_loose(loose_call, "effect-stands");
  undo_loose(loose_call, outcome);
}

void Execution::Impl::ask_again(Loose& loose_call) {
  CallAction call = loose_call.call;
  call.was = loose_call.call.id;
  call.id = loose_call.call.id = await(nullptr, Wait::let_go, now);
  loose_call.outcome.reset();
  loose_call.retry.clear();
  effects.emplace_back(std::move(call));
}

void Execution::Impl::undo_loose(const Loose& loose_call, const ActionOutcome& outcome) {
  Undo job{.order = ++completed_tasks,
           .reference = loose_call.call.reference + "/compensate",
           .task = loose_call.task,
           .arguments = Json::object()};
  const Frame& frame = loose_call.kept.front();
  const auto* const http = std::get_if<HttpBody>(&loose_call.task->body);
  Json output = http == nullptr ? outcome.output : http_output(*http, *frame.http, outcome.output);
  std::string wrong;
  const auto evaluated = [&](const Template& from, const Json& value, const Json* shaped) {
    Result<Json> found = evaluate(from, value, FrameVariables(*this, frame, frame.parent, shaped));
    if (found) return std::move(found).value();
    wrong = found.error().code;
    return Json();
  };
  if (loose_call.task->output_as.has_value())
    output = evaluated(*loose_call.task->output_as, output, nullptr);
  const std::optional<Template>& with = loose_call.task->compensate->call.arguments;
  if (with.has_value() && wrong.empty()) {
    job.arguments = evaluated(*with, output, &output);
    if (wrong.empty() && !job.arguments.is_object()) wrong = "compensate.with gave no object";
    if (json_size(job.arguments, limits::kMaxActionBytes) > limits::kMaxActionBytes)
      wrong = "the arguments of compensate are too large";
  }
  if (!wrong.empty()) {
    trace_undo(job, "compensation-failed", "permanent: " + wrong);
    return trace_loose(loose_call, "effect-stands");
  }
  trace_loose(loose_call, "effect-undone");
  std::vector<Undo> stack;
  stack.push_back(std::move(job));
  undo(std::move(stack));
}

void Execution::Impl::settle_loose() {
  for (auto one = loose.begin(); one != loose.end();) {
    if (one->outcome == nullptr || is_retried(*one)) {
      ++one;
      continue;
    }
    if (one->outcome->kind == OutcomeKind::ambiguous) {
      ask_again(*one++);
      continue;
    }
    settle(*one, *one->outcome);
    one = loose.erase(one);
  }
  if (!finished && ending.has_value() && undoing.empty() && loose.empty()) end();
}

void Execution::Impl::forget_loose() {
  std::erase_if(loose,
                [&](const Loose& one) { return one.outcome == nullptr && !is_made_again(one); });
  std::erase_if(open, [&](const Open& entry) {
    return entry.kind == Wait::let_go &&
           std::none_of(loose.begin(), loose.end(),
                        [&](const Loose& one) { return one.call.id == entry.id; });
  });
}

void Execution::Impl::trace_loose(const Loose& loose_call, std::string_view state) {
  effects.emplace_back(TaskTrace{loose_call.call.reference,
                                 loose_call.call.task,
                                 std::string(to_string(loose_call.task->kind())),
                                 std::string(state),
                                 {},
                                 {}});
}

}  // namespace rabt::workflow
