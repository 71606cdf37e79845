#include <algorithm>
#include <utility>

#include "hub/base/fnv1a.hpp"
#include "hub/workflow/cloud_event.hpp"
#include "hub/workflow/error_types.hpp"
#include "hub/workflow/run/interpreter.hpp"

// Executes the tasks, one function for each kind.
namespace rabt::workflow {

namespace {

// A growing delay stops growing here, so that a call goes out soon after an outage; the
// specification defines no cap.
constexpr std::int64_t kMaxBackoffMs = 900'000;
// Retries after which a policy without a limit ends.
constexpr std::int64_t kMaxRetries = 10'000;

// FNV-1a with a final mix: the same on every machine, so that a replay waits exactly as long.
std::uint64_t stable_hash(std::string_view a, std::string_view b, std::uint64_t c) {
  constexpr std::string_view kEnd = "\xFF";
  std::uint64_t hash = fnv1a(kEnd, fnv1a(b, fnv1a(kEnd, fnv1a(a))));
  hash ^= c * 0x9E3779B97F4A7C15ULL;
  hash = (hash ^ (hash >> 30U)) * 0xBF58476D1CE4E5B9ULL;
  hash = (hash ^ (hash >> 27U)) * 0x94D049BB133111EBULL;
  return hash ^ (hash >> 31U);
}

bool is_plain_object(const Json& value) {
  return value.is_object();
}

// True if a handler around the frame caught an error of this title, and the title held no data.
bool is_title_of_caught(const Frame& frame, const Json& title) {
  for (const Frame* at = &frame; at != nullptr; at = at->parent) {
    const Frame::Try* const state = at->try_state.get();
    if (state != nullptr && state->in_handler && state->fixed_title &&
        state->error["title"] == title)
      return true;
  }
  return false;
}

}  // namespace

std::int64_t attempt_of(const Frame& frame) {
  std::int64_t attempt = 1;
  for (const Frame* at = frame.parent; at != nullptr; at = at->parent) {
    if (at->try_state != nullptr && !at->try_state->in_handler) attempt += at->try_state->retries;
  }
  return attempt;
}

void Execution::Impl::run(Frame* frame) {
  const Task& task = *frame->task;
  switch (task.kind()) {
    case TaskKind::call:
      return run_call(frame, std::get<CallBody>(task.body));
    case TaskKind::function:
      return run_function(frame, std::get<FunctionBody>(task.body));
    case TaskKind::http:
      return run_http(frame, std::get<HttpBody>(task.body));
    case TaskKind::do_:
      return run_list(frame, std::get<DoBody>(task.body).list, frame->input);
    case TaskKind::set: {
      Result<Json> value =
          evaluate(std::get<SetBody>(task.body).value, frame->input, FrameVariables(*this, *frame));
      if (!value) return fail(frame, value.error(), "set");
      return complete(frame, std::move(value).value());
    }
    case TaskKind::switch_:
      return run_switch(frame, std::get<SwitchBody>(task.body));
    case TaskKind::for_:
      return run_for(frame, std::get<ForBody>(task.body));
    case TaskKind::fork:
      return run_fork(frame, std::get<ForkBody>(task.body));
    case TaskKind::listen:
      return run_listen(frame, std::get<ListenBody>(task.body));
    case TaskKind::emit:
      return run_emit(frame, std::get<EmitBody>(task.body));
    case TaskKind::raise:
      return run_raise(frame, std::get<RaiseBody>(task.body));
    case TaskKind::try_:
      return run_try(frame);
    case TaskKind::wait:
      return run_wait(frame, std::get<WaitBody>(task.body));
    case TaskKind::run:
      return run_workflow(frame, std::get<RunBody>(task.body));
  }
}

void Execution::Impl::run_call(Frame* frame, const CallBody& body) {
  if (body.arguments.has_value()) {
    Result<Json> value = evaluate(*body.arguments, frame->input, FrameVariables(*this, *frame));
    if (!value) return fail(frame, value.error(), "with");
    frame->arguments = std::move(value).value();
    if (!is_plain_object(frame->arguments)) {
      return fail(frame, "validation", 400, "the arguments of a call must be an object", {});
    }
    if (json_size(frame->arguments, limits::kMaxActionBytes) > limits::kMaxActionBytes) {
      return fail(frame, "runtime", 500, "the arguments of the call are too large",
                  "at most " + std::to_string(limits::kMaxActionBytes) +
                      " bytes: pass a reference, not the content");
    }
  } else {
    frame->arguments = Json::object();
  }
  make_call(frame);
}

Effect Execution::Impl::call_effect(std::uint64_t id, const Frame& frame) const {
  if (const auto* child = std::get_if<RunBody>(&frame.task->body)) {
    return StartWorkflow{id,          frame.reference, frame.task->name, child->name_space,
                         child->name, child->version,  frame.arguments,  child->await};
  }
  if (frame.http != nullptr) return http_effect(id, frame);
  const auto& body = std::get<CallBody>(frame.task->body);
  return CallAction{.id = id,
                    .reference = frame.reference,
                    .task = frame.task->name,
                    .role = body.role,
                    .action = body.action,
                    .version = body.version,
                    .arguments = frame.arguments,
                    .attempt = attempt_of(frame),
                    .repeatable = frame.task->repeatable};
}

void Execution::Impl::run_function(Frame* frame, const FunctionBody& body) {
  Json arguments = Json::object();
  if (body.arguments.has_value()) {
    Result<Json> value = evaluate(*body.arguments, frame->input, FrameVariables(*this, *frame));
    if (!value) return fail(frame, value.error(), "with");
    arguments = std::move(value).value();
  }
  steps.push_back({Step::Kind::start, frame, model.functions[body.function].get(),
                   std::move(arguments), 0, frame->context});
}

void Execution::Impl::run_switch(Frame* frame, const SwitchBody& body) {
  // dsl-reference.md, Switch Case: without `when`, "matched by default if no other case match".
  const SwitchCase* taken = nullptr;
  for (const SwitchCase& switch_case : body.cases) {
    if (!switch_case.when.has_value()) {
      taken = &switch_case;
      continue;
    }
    const Result<Json> found =
        evaluate(*switch_case.when, frame->input, FrameVariables(*this, *frame));
    if (!found) return fail(frame, found.error(), "case " + switch_case.name);
    if (!truthy(found.value())) continue;
    taken = &switch_case;
    break;
  }
  if (taken != nullptr) {
    frame->then = taken->then;
    frame->note = "case " + taken->name;
  }
  complete(frame, frame->input);
}

void Execution::Impl::run_for(Frame* frame, const ForBody& body) {
  Result<Json> items = evaluate(body.in, frame->input, FrameVariables(*this, *frame));
  if (!items) return fail(frame, items.error(), "for.in");
  if (!items.value().is_array()) {
    return fail(frame, "expression", 400, "for.in must give an array",
                "it gave another type; write `.items // []`");
  }
  if (items.value().size() > limits::kMaxLoopIterations) {
    return fail(frame, "runtime", 500, "a loop has too many iterations",
                "at most " + std::to_string(limits::kMaxLoopIterations));
  }
  frame->for_state = Frame::For{std::move(items).value(), 0};
  next_iteration(frame, frame->input);
}

void Execution::Impl::next_iteration(Frame* frame, Json value) {
  const auto& body = std::get<ForBody>(frame->task->body);
  Frame::For& state = *frame->for_state;
  if (state.next < state.items.size()) {
    ++state.next;
    bool more = true;
    if (body.while_.has_value()) {
      const Result<Json> found =
          evaluate(*body.while_, value, FrameVariables(*this, *frame, frame));
      if (!found) return fail(frame, found.error(), "while");
      more = truthy(found.value());
    }
    if (more) return run_list(frame, body.list, std::move(value));
    frame->note = "while";
  }
  steps.push_back({Step::Kind::complete, frame, nullptr, std::move(value), 0, nullptr});
}

void Execution::Impl::run_fork(Frame* frame, const ForkBody& body) {
  const std::size_t count = body.branches.tasks.size();
  frame->fork_state = std::make_unique<Frame::Fork>();
  Frame::Fork& state = *frame->fork_state;
  state.outputs.resize(count);
  state.cells.resize(count);
  state.open = count;
  // The stack hands out the first branch first; it runs until it waits, then the second starts.
  for (std::size_t i = count; i-- > 0;) {
    state.cells[i] = std::make_unique<ContextCell>(
        ContextCell{frame->context->value, frame->context->value, frame->context, false});
    steps.push_back({Step::Kind::start, frame, body.branches.tasks[i].get(), frame->input, i,
                     state.cells[i].get()});
  }
}

void Execution::Impl::branch_done(Frame* frame, std::size_t branch, Json output, bool skipped) {
  const auto& body = std::get<ForkBody>(frame->task->body);
  Frame::Fork& state = *frame->fork_state;
  --state.open;
  if (body.compete && !skipped) {
    cancel_below(frame);
    merge(*frame->context, *state.cells[branch]);
    std::vector<Undo> lost;
    for (const auto& cell : state.cells) gather(lost, cell->undo);
    if (!lost.empty()) undo(std::move(lost));
    steps.push_back({Step::Kind::complete, frame, nullptr, std::move(output), 0, nullptr});
    return;
  }
  state.outputs[branch] = std::move(output);
  if (state.open > 0) return;
  for (const auto& cell : state.cells) merge(*frame->context, *cell);
  if (json_size(frame->context->value, limits::kMaxContextBytes) > limits::kMaxContextBytes) {
    return fail(frame, "runtime", 500, "$context is too large",
                "at most " + std::to_string(limits::kMaxContextBytes) +
                    " bytes: keep references in it, not content");
  }
  // A race in which every branch was skipped has no winner: the input passes through.
  Json result =
      body.compete ? frame->input : Json(Json::Array(state.outputs.begin(), state.outputs.end()));
  steps.push_back({Step::Kind::complete, frame, nullptr, std::move(result), 0, nullptr});
}

void Execution::Impl::run_emit(Frame* frame, const EmitBody& body) {
  Result<Json> found = evaluate(body.event, frame->input, FrameVariables(*this, *frame));
  if (!found) return fail(frame, found.error(), "emit");
  const Json& given = found.value();
  if (given["type"].is_null())
    return fail(frame, "validation", 400, "an event's type must be a text", {});
  for (const auto& [key, value] : given.as_object()) {
    const std::string wrong = attribute_fault(key, value);
    if (wrong.empty()) continue;
    return fail(frame, "validation", 400, "the event is no CloudEvent",
                "its attribute `" + key + "` " + wrong);
  }
  JsonObject event;
  event.append_new("specversion", "1.0");
  event.append_new("id", instance + ':' + frame->reference);
  event.append_new("source", '/' + model.name_space + '/' + model.name + '/' + model.version);
  event.append_new("type", given["type"]);
  event.append_new("time", to_iso8601(now));
  for (const auto& [key, value] : given.as_object()) {
    if (value.is_null() && key != "data") continue;  // an absent attribute
    event.set(key, value);
  }
  Json complete_event(std::move(event));
  if (json_size(complete_event, limits::kMaxEventBytes) > limits::kMaxEventBytes) {
    return fail(frame, "runtime", 500, "the event is too large",
                "at most " + std::to_string(limits::kMaxEventBytes) +
                    " bytes: pass a reference, not the content");
  }
  effects.emplace_back(Emit{complete_event});
  complete(frame, std::move(complete_event));
}

void Execution::Impl::run_raise(Frame* frame, const RaiseBody& body) {
  Result<Json> found = evaluate(body.error, frame->input, FrameVariables(*this, *frame));
  if (!found) return fail(frame, found.error(), "raise");
  Json error = std::move(found).value();
  if (!error["type"].is_string() || !error["status"].as_int64().has_value()) {
    return fail(frame, "validation", 400, "a raised error needs a type and a status", {});
  }
  if (error.find("instance") == nullptr) error.set("instance", frame->reference);
  Fault raised;
  raised.error = std::move(error);
  raised.fixed_title = body.fixed_title || is_title_of_caught(*frame, raised.error["title"]);
  raised.raised_at = frame->reference;
  for (const Frame* at = frame; at != nullptr && raised.place.empty(); at = at->parent) {
    if (at->try_state != nullptr && at->try_state->in_handler) raised.place = at->try_state->place;
  }
  fault(frame, std::move(raised));
}

void Execution::Impl::run_try(Frame* frame) {
  frame->try_state = std::make_unique<Frame::Try>();
  start_attempt(frame);
}

void Execution::Impl::start_attempt(Frame* frame) {
  const auto& body = std::get<TryBody>(frame->task->body);
  if (body.retry != nullptr && body.retry->attempt_duration.has_value()) {
    const Result<std::int64_t> most =
        evaluate(*body.retry->attempt_duration, frame->input, FrameVariables(*this, *frame));
    if (!most) return fail(frame, most.error(), "limit.attempt.duration");
    start_timer(frame, Wait::attempt, most.value(), "timeout");
  }
  run_list(frame, body.list, frame->input);
}

std::optional<std::int64_t> Execution::Impl::retry_delay(const Frame& frame,
                                                         const RetryPolicy& policy,
                                                         const Fault& fault,
                                                         std::optional<Error>& problem) const {
  const FrameVariables variables(*this, frame, frame.parent, nullptr, &fault.error);
  const auto holds = [&](const std::optional<Expr>& condition, bool fallback) {
    if (!condition.has_value()) return fallback;
    Result<Json> value = evaluate(*condition, fault.error, variables);
    if (value) return truthy(value.value());
    problem = std::move(value).error();
    return false;
  };
  const auto length = [&](const DurationSpec& duration) -> std::int64_t {
    Result<std::int64_t> value = evaluate(duration, fault.error, variables);
    if (value) return value.value();
    problem = std::move(value).error();
    return 0;
  };
  if (!holds(policy.when, true) || holds(policy.except_when, false) || problem.has_value())
    return std::nullopt;
  const std::int64_t retry = frame.try_state->retries + 1;
  if (retry > policy.attempt_count.value_or(kMaxRetries)) return std::nullopt;
  std::int64_t delay = length(policy.delay);
  if (policy.backoff != RetryPolicy::Backoff::constant) {
    // The cap holds growth back; a base delay that is longer stays as it is written.
    const std::int64_t cap = std::max(kMaxBackoffMs, delay);
    if (policy.backoff == RetryPolicy::Backoff::linear) {
      delay = delay > cap / retry ? cap : delay * retry;
    } else {
      for (std::int64_t i = 1; i < retry && delay < cap && delay > 0; ++i)
        delay = std::min(cap, delay * 2);
    }
  }
  if (policy.has_jitter) {
    const std::int64_t from = length(policy.jitter_from);
    const std::int64_t to = std::max(from, length(policy.jitter_to));
    const std::uint64_t hash =
        stable_hash(instance, frame.reference, static_cast<std::uint64_t>(retry));
    delay += from + static_cast<std::int64_t>(hash % static_cast<std::uint64_t>(to - from + 1));
  }
  // A plugin that asks to wait longer than a week waits a week.
  constexpr std::int64_t kMaxRetryAfterMs = 7LL * 86'400'000;
  delay = std::max(delay, std::clamp<std::int64_t>(fault.retry_after_ms, 0, kMaxRetryAfterMs));
  if (policy.total_duration.has_value()) {
    const std::int64_t total = length(*policy.total_duration);
    if (now.ms + delay - frame.started.ms - frame.try_state->paused_ms > total) return std::nullopt;
  }
  if (problem.has_value()) return std::nullopt;
  return delay;
}

void Execution::Impl::run_wait(Frame* frame, const WaitBody& body) {
  std::int64_t delay = 0;
  if (body.until.has_value()) {
    const Result<Timestamp> until =
        evaluate(*body.until, frame->input, FrameVariables(*this, *frame));
    if (!until) return fail(frame, until.error(), "metadata.rabt.until");
    delay = until.value().ms - now.ms;
  } else {
    const Result<std::int64_t> length =
        evaluate(body.duration, frame->input, FrameVariables(*this, *frame));
    if (!length) return fail(frame, length.error(), "wait");
    delay = length.value();
  }
  if (delay <= 0) return complete(frame, frame->input);
  trace(*frame, "waiting");
  start_timer(frame, Wait::wait, delay, "wait");
}

// ---- run.workflow: an instance of another definition ----
// dsl-reference.md: Run, Workflow Process

void Execution::Impl::run_workflow(Frame* frame, const RunBody& body) {
  frame->arguments = Json::object();
  if (body.input.has_value()) {
    Result<Json> value = evaluate(*body.input, frame->input, FrameVariables(*this, *frame));
    if (!value) return fail(frame, value.error(), "run.workflow.input");
    frame->arguments = std::move(value).value();
    if (json_size(frame->arguments, limits::kMaxActionBytes) > limits::kMaxActionBytes) {
      return fail(frame, "runtime", 500, "the input of the workflow is too large",
                  "at most " + std::to_string(limits::kMaxActionBytes) +
                      " bytes: pass a reference, not the content");
    }
  }
  if (body.await) {
    const std::uint64_t id = await(frame, Wait::call, now);
    effects.emplace_back(call_effect(id, *frame));
    return;
  }
  effects.emplace_back(call_effect(next_id++, *frame));
  frame->arguments = Json();
  complete(frame, frame->input);
}

bool Execution::Impl::child_ended(Frame* frame, const ActionOutcome& outcome) {
  if (outcome.kind == OutcomeKind::done) {
    switch (std::get<RunBody>(frame->task->body).returns) {
      case RunBody::Return::output:
        complete(frame, outcome.output);
        break;
      case RunBody::Return::code:
        complete(frame, Json(0));
        break;
      case RunBody::Return::all:
        complete(frame,
                 Json::object({{"code", 0}, {"stdout", outcome.output}, {"stderr", Json()}}));
        break;
      case RunBody::Return::none:
        complete(frame, Json());
        break;
    }
    return true;
  }
  if (outcome.kind == OutcomeKind::cancelled) {
    fail(frame, "runtime", 409, "the workflow that was run was cancelled", {});
    return true;
  }
  const Json& error = outcome.detail["error"];
  if (!error["type"].is_string() || !error["status"].as_int64().has_value()) return false;
  // The child's error is the parent's. Its instance points into the parent: that is what a catch of
  // the parent can compare it with.
  Fault fault;
  fault.error = error;
  fault.error.set("instance", frame->reference);
  fault.fixed_title = false;
  this->fault(frame, std::move(fault));
  return true;
}

}  // namespace rabt::workflow
