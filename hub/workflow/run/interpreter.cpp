#include "hub/workflow/run/interpreter.hpp"

#include <algorithm>
#include <utility>

#include "hub/workflow/error_types.hpp"

namespace rabt::workflow {

namespace {

Json time_value(Timestamp at) {
  return Json::object(
      {{"iso8601", to_iso8601(at)},
       {"epoch", Json::object({{"seconds", at.ms / 1000}, {"milliseconds", at.ms}})}});
}

int status_of(const ActionOutcome& outcome, int fallback) {
  const std::int64_t status = outcome.detail.int_or("status", 0);
  return status >= 300 && status <= 599 ? static_cast<int>(status) : fallback;
}

}  // namespace

Json describe(const Frame& frame) {
  JsonObject out;
  if (frame.extend_state != nullptr) {
    // The specification's examples of extensions read `$task.call` and `$task.with`.
    for (const auto& [key, value] : frame.task->definition.as_object()) out.append_new(key, value);
  }
  out.set("name", frame.task->name);
  out.set("reference", frame.reference);
  out.set("definition", frame.task->definition);
  out.set("input", frame.raw);
  out.set("output", frame.raw_output);
  out.set("startedAt", time_value(frame.started));
  return Json(std::move(out));
}

Json FrameVariables::get(const VariableSlot& slot) const {
  switch (slot.variable) {
    case Variable::context:
      return frame_.context->value;
    case Variable::input:
      return frame_.input;
    case Variable::output:
      return output_ == nullptr ? Json() : *output_;
    case Variable::task: {
      const Frame* subject = &frame_;
      if (frame_.in_extension) {  // there $task is what is extended
        while (!subject->parent->extending()) subject = subject->parent;
        subject = subject->parent;
      }
      return describe(*subject);
    }
    case Variable::workflow:
      return run_.workflow_value;
    case Variable::runtime:
      return runtime_value();
    case Variable::secrets:
      return run_.secrets;
    case Variable::authorization:
      return frame_.http == nullptr ? Json() : frame_.http->authorization;
    case Variable::error:
      return error_ == nullptr ? Json() : *error_;
    case Variable::local:
      break;
  }
  for (const Frame* frame = locals_from_; frame != nullptr; frame = frame->parent) {
    if (frame->for_state.has_value()) {
      const auto& body = std::get<ForBody>(frame->task->body);
      const std::size_t index = frame->for_state->next == 0 ? 0 : frame->for_state->next - 1;
      if (slot.local == body.each) return frame->for_state->items[index];
      if (slot.local == body.at) return Json(index);
    } else if (frame->listen_state != nullptr && frame->listen_state->iterating) {
      const auto& each = *std::get<ListenBody>(frame->task->body).foreach;
      if (slot.local == each.item) return frame->listen_state->item;
      if (slot.local == each.at) return Json(frame->listen_state->iteration - 1);
    } else if (frame->try_state != nullptr && frame->try_state->in_handler &&
               slot.local == std::get<TryBody>(frame->task->body).as) {
      return frame->try_state->error;
    }
  }
  return {};
}

// ---- inputs ----

void Execution::Impl::apply(const Input& given) {
  if (finished) return;
  previous = now;
  now = given.at;
  starts = 0;
  first_id = next_id;
  harmless = given.harmless;
  std::visit([this](const auto& what) { on(what); }, given.what);
  drain();
  settle_loose();
}

void Execution::Impl::on(const Start& start) {
  if (started) return;
  started = true;
  instance = start.instance;
  input = start.input;
  rules = start.rules;
  started_at = now;
  workflow_value = Json::object({{"id", instance},
                                 {"definition", model.document},
                                 {"input", input},
                                 {"startedAt", time_value(now)}});
  context.value = Json::object();
  root = take_frame();
  root->task = model.root.get();
  root->context = &context;
  root->raw = workflow_input(model, input);
  root->started = now;
  enter(root);
}

void Execution::Impl::on(const ActionEnded& ended) {
  const Open* found = find_open(ended.call);
  Open entry;
  if (found == nullptr ||
      (found->kind != Wait::call && found->kind != Wait::undo && found->kind != Wait::ask &&
       found->kind != Wait::let_go) ||
      !take_open(ended.call, entry)) {
    return;
  }
  if (entry.kind == Wait::undo) return on_undo(entry, &ended.outcome);
  if (entry.kind == Wait::let_go) return on_let_go(entry.id, ended.outcome);
  Frame* frame = entry.frame;
  for (Frame* at = frame; at != nullptr; at = at->parent) {
    if (at->try_state != nullptr) at->try_state->paused_ms += ended.paused_ms;
  }
  if (entry.kind == Wait::ask) return answered(frame, ended.outcome);
  call_ended(frame, ended.outcome);
}

void Execution::Impl::call_ended(Frame* frame, const ActionOutcome& outcome) {
  // The arguments of a call that failed are kept for another try.
  if (outcome.kind == OutcomeKind::done && frame->http == nullptr) frame->arguments = Json();
  if (frame->task->kind() == TaskKind::run && child_ended(frame, outcome)) return;
  if (frame->http != nullptr) return http_ended(frame, outcome);
  if (outcome.kind == OutcomeKind::done) return complete(frame, outcome.output);
  fault_of_call(frame, outcome);
}

void Execution::Impl::fault_of_call(Frame* frame, const ActionOutcome& outcome) {
  int status = 500;
  switch (outcome.kind) {
    case OutcomeKind::transient:
      status = status_of(outcome, 503);
      break;
    case OutcomeKind::permanent:
      status = status_of(outcome, 422);
      break;
    case OutcomeKind::ambiguous:
      status = 504;
      break;
    case OutcomeKind::cancelled:
      status = 409;
      break;
    case OutcomeKind::done:
      break;
  }
  Fault fault;
  fault.error = make_error("communication", status, outcome.code, outcome.whole_message(), *frame);
  fault.retry_after_ms = outcome.retry_after_ms;
  fault.permanent = outcome.kind == OutcomeKind::permanent;
  fault.doubtful = outcome.kind == OutcomeKind::ambiguous;
  call_failed(frame, std::move(fault));
}

void Execution::Impl::answered(Frame* frame, const ActionOutcome& outcome) {
  Fault kept = std::move(*frame->asked);
  frame->asked.reset();
  frame->arguments = Json();
  if (outcome.kind == OutcomeKind::done) return complete(frame, outcome.output);
  fault(frame, std::move(kept));
}

void Execution::Impl::on(const Again& again) {
  const Open* found = find_open(again.call);
  Open entry;
  if (found == nullptr ||
      (found->kind != Wait::call && found->kind != Wait::undo && found->kind != Wait::ask) ||
      (found->frame != nullptr && found->frame->task->kind() == TaskKind::run) ||
      !take_open(again.call, entry))
    return;
  if (entry.kind == Wait::undo) {
    const auto job = std::find_if(undoing.begin(), undoing.end(),
                                  [&](const Undoing& one) { return one.open == entry.id; });
    return next_undo(*job);
  }
  Frame* const frame = entry.frame;
  trace(*frame, "retried", "a person had it tried again");
  if (entry.kind == Wait::ask) {
    frame->asked.reset();
    // Its time limit ended with the failed try.
    if (frame->task->timeout != nullptr) {
      const Result<std::int64_t> limit =
          evaluate(*frame->task->timeout, frame->input, FrameVariables(*this, *frame));
      if (limit) start_timer(frame, Wait::timeout, limit.value(), "timeout");
    }
  }
  const std::uint64_t id = await(frame, Wait::call, now);
  effects.push_back(call_effect(id, *frame));
}

void Execution::Impl::on(const TimerFired& fired) {
  const Open* found = find_open(fired.timer);
  Open entry;
  if (found == nullptr || found->kind == Wait::call || found->kind == Wait::ask ||
      found->kind == Wait::listen || found->kind == Wait::undo || found->kind == Wait::let_go ||
      !take_open(fired.timer, entry)) {
    return;
  }
  if (entry.kind == Wait::undo_retry) return on_undo(entry, nullptr);
  Frame* frame = entry.frame;
  switch (entry.kind) {
    case Wait::wait:
      return complete(frame, frame->input);
    case Wait::retry:
      return start_attempt(frame);
    case Wait::timeout:
      return fail(frame, "timeout", 408,
                  frame->reference.empty() ? "the workflow took longer than its timeout allows"
                                           : "the task took longer than its timeout allows",
                  {});
    case Wait::attempt: {
      cancel_below(frame);
      Fault fault;
      fault.error =
          make_error("timeout", 408, "the attempt took longer than its limit allows", {}, *frame);
      fault.place = frame->reference;
      if (!caught(frame, fault)) this->fault(frame, std::move(fault));
      return;
    }
    default:
      return;
  }
}

void Execution::Impl::on(const EventArrived& arrived) {
  const Open* found = find_open(arrived.listen);
  if (found == nullptr || found->kind != Wait::listen) return;
  Frame* frame = found->frame;
  if (std::optional<Match> match = matching_filter(*frame, arrived.event))
    take_event(frame, arrived.event, *match);
}

void Execution::Impl::on(const Cancel& /*cancel*/) {
  if (!started) {
    started = true;
    return finish(InstanceStatus::cancelled, {}, {});
  }
  if (ending.has_value()) return;  // it has ended already, and undoing it is not given up
  cancel_below(root);
  finish(InstanceStatus::cancelled, {}, {});
}

void Execution::Impl::on(const Rewound& rewound) {
  next_id = std::max(next_id, rewound.next);
  forget_loose();
  // The time between the failure and this input does not count against time limits.
  const std::int64_t pause = std::max<std::int64_t>(0, now.ms - previous.ms);
  std::vector<Open> was = std::move(open);
  open.clear();
  std::set<const Frame*> repeated;
  for (Open& entry : was) {
    const std::uint64_t old_id = entry.id;
    if (entry.kind == Wait::timeout || entry.kind == Wait::attempt) entry.due.ms += pause;
    entry.id = next_id++;
    for (Undoing& job : undoing) {
      if (job.open == old_id) job.open = entry.id;
    }
    for (Loose& one : loose) {
      if (one.call.id != old_id) continue;
      one.call.id = entry.id;
      trace_loose(one, "effect-unknown");
    }
    open.push_back(entry);
    Effect effect = effect_of(entry);
    if (auto* const call = std::get_if<CallAction>(&effect)) call->was = old_id;
    if (entry.kind == Wait::call) repeated.insert(entry.frame);
    effects.push_back(std::move(effect));
  }
  std::vector<const Frame*> todo(root->children.rbegin(), root->children.rend());
  while (!todo.empty()) {
    const Frame* const frame = todo.back();
    todo.pop_back();
    trace(*frame, repeated.contains(frame) ? "retried" : "resumed");
    todo.insert(todo.end(), frame->children.rbegin(), frame->children.rend());
  }
}

// ---- the loop ----

void Execution::Impl::drain() {
  while (!steps.empty() && !finished && !stopped()) {
    Step step = std::move(steps.back());
    steps.pop_back();
    if (step.kind == Step::Kind::complete) {
      complete(step.frame, std::move(step.value));
      continue;
    }
    if (++starts > limits::kMaxTaskStartsPerTurn) {
      // Not catchable: a workflow that catches this would only go on.
      const Json error = make_error("runtime", 500, "the workflow runs without ever waiting",
                                    "more than " + std::to_string(limits::kMaxTaskStartsPerTurn) +
                                        " tasks were started in one turn: an endless loop?",
                                    *step.frame);
      cancel_below(root);
      return finish(InstanceStatus::faulted, {}, error, error);
    }
    start_task(step.frame, *step.task, std::move(step.value), step.context, step.branch);
  }
}

Frame* Execution::Impl::take_frame() {
  if (unused.empty()) {
    storage.emplace_back();
    return &storage.back();
  }
  Frame* frame = unused.back();
  unused.pop_back();
  return frame;
}

void Execution::Impl::release(Frame* frame) {
  if (frame->fork_state != nullptr) {
    // A fork that does not end as it should: what its branches did can still be undone.
    for (const auto& cell : frame->fork_state->cells) gather(frame->context->undo, cell->undo);
  }
  if (Frame* parent = frame->parent) {
    std::erase(parent->children, frame);
  }
  frame->task = nullptr;
  frame->parent = nullptr;
  frame->reference.clear();
  frame->raw = frame->input = frame->raw_output = frame->arguments = Json();
  frame->then.reset();
  frame->note.clear();
  frame->children.clear();
  frame->list = nullptr;
  frame->visits.clear();
  frame->for_state.reset();
  frame->fork_state.reset();
  frame->try_state.reset();
  frame->listen_state.reset();
  frame->extend_state.reset();
  frame->useful_until.reset();
  frame->in_extension = false;
  frame->http.reset();
  frame->asked.reset();
  unused.push_back(frame);
}

void Execution::Impl::start_task(Frame* parent, const Task& task, Json raw, ContextCell* cell,
                                 std::size_t branch) {
  Frame* frame = take_frame();
  frame->task = &task;
  frame->parent = parent;
  frame->context = cell;
  frame->depth = parent->depth + 1;
  frame->branch = branch;
  frame->raw = std::move(raw);
  frame->started = now;
  frame->reference = parent->reference;
  frame->in_extension = parent->in_extension || parent->extending();
  if (parent->extending()) {
    // Tasks that run around a loop belong to none of its iterations.
  } else if (parent->for_state.has_value()) {
    frame->reference += "/for/";
    frame->reference += std::to_string(parent->for_state->next - 1);
  } else if (parent->listen_state != nullptr) {
    frame->reference += "/foreach/";
    frame->reference += std::to_string(parent->listen_state->iteration - 1);
  }
  frame->reference += task.segment;
  if (!parent->visits.empty()) {
    // A task that is started again by a jump is another piece of work and must not share its
    // idempotency key.
    const std::uint32_t visit = ++parent->visits[parent->position];
    if (visit > 1) frame->reference += "/visit/" + std::to_string(visit);
  }
  parent->children.push_back(frame);
  if (frame->depth > kMaxFrameDepth) {
    return fail(frame, "runtime", 500, "tasks are nested too deeply",
                "more than " + std::to_string(kMaxFrameDepth) + " tasks run inside each other");
  }
  if (task.condition.has_value()) {
    const Result<Json> condition =
        evaluate(*task.condition, frame->raw, FrameVariables(*this, *frame));
    if (!condition) return fail(frame, condition.error(), "if");
    if (!truthy(condition.value())) {
      trace(*frame, "skipped");
      Json output = std::move(frame->raw);
      release(frame);
      return child_done(parent, branch, std::move(output), {}, true);
    }
  }
  trace(*frame, "started",
        task.kind() == TaskKind::call   ? std::get<CallBody>(task.body).title
        : task.kind() == TaskKind::http ? std::get<HttpBody>(task.body).title
                                        : std::string());
  if (!model.extensions.empty() && !frame->in_extension && extend(frame)) return;
  enter(frame);
}

void Execution::Impl::enter(Frame* frame) {
  const Task& task = *frame->task;
  if (!conforms(frame, task.input_schema, frame->raw, "input")) return;
  if (task.input_from.has_value()) {
    Result<Json> shaped = evaluate(*task.input_from, frame->raw, FrameVariables(*this, *frame));
    if (!shaped) return fail(frame, shaped.error(), "input.from");
    frame->input = std::move(shaped).value();
  } else {
    frame->input = frame->raw;
  }
  if (task.useful_until.has_value()) {
    const Result<Timestamp> until =
        evaluate(*task.useful_until, frame->input, FrameVariables(*this, *frame));
    if (!until) return fail(frame, until.error(), "metadata.rabt.usefulUntil");
    frame->useful_until = until.value();
    if (now > until.value())
      return fail(frame, "timeout", 408, "it is too late for this to be of use", {});
  }
  if (task.timeout != nullptr) {
    const Result<std::int64_t> delay =
        evaluate(*task.timeout, frame->input, FrameVariables(*this, *frame));
    if (!delay) return fail(frame, delay.error(), "timeout");
    start_timer(frame, Wait::timeout, delay.value(), "timeout");
  }
  run(frame);
}

bool Execution::Impl::conforms(Frame* frame, const std::optional<Schema>& schema, const Json& value,
                               std::string_view where) {
  if (!schema.has_value()) return true;
  const std::string wrong = violation(*schema, value);
  if (wrong.empty()) return true;
  fail(frame, "validation", 400, "the " + std::string(where) + " does not conform to its schema",
       wrong);
  return false;
}

void Execution::Impl::complete(Frame* frame, Json output) {
  const Task& task = *frame->task;
  if (task.output_as.has_value() || frame->extend_state != nullptr) frame->raw_output = output;
  if (task.output_as.has_value()) {
    Result<Json> shaped =
        evaluate(*task.output_as, frame->raw_output, FrameVariables(*this, *frame));
    if (!shaped) return fail(frame, shaped.error(), "output.as");
    output = std::move(shaped).value();
  }
  if (!conforms(frame, task.output_schema, output, "output")) return;
  if (task.export_as.has_value() &&
      !export_context(frame, task.export_as, task.export_schema, output, frame->parent)) {
    return;
  }
  if ((task.compensate.has_value() || task.commit) &&
      !(frame->extend_state != nullptr && frame->extend_state->replaced) &&
      !push_undo(frame, output))
    return;
  drop_waits(frame);
  if (frame == root) return finish(InstanceStatus::completed, std::move(output), {});
  if (frame->extend_state != nullptr) {
    Frame::Extend& state = *frame->extend_state;
    state.phase = Frame::Extend::Phase::after;
    state.next = state.matched.size();
    state.output = std::move(output);
    return next_after(frame);
  }
  completed(frame, std::move(output));
}

void Execution::Impl::completed(Frame* frame, Json output) {
  trace(*frame, "completed", std::move(frame->note));
  const Then then = frame->then.value_or(frame->task->then);
  Frame* parent = frame->parent;
  ContextCell* cell = frame->context;
  const std::size_t branch = frame->branch;
  release(frame);
  if (then.kind == Then::Kind::end) return end_workflow(parent, cell, std::move(output));
  child_done(parent, branch, std::move(output), then, false);
}

bool Execution::Impl::export_context(Frame* frame, const std::optional<Template>& as,
                                     const std::optional<Schema>& schema, const Json& output,
                                     const Frame* locals_from) {
  Result<Json> exported =
      evaluate(*as, output, FrameVariables(*this, *frame, locals_from, &output));
  if (!exported) {
    fail(frame, exported.error(), "export.as");
    return false;
  }
  if (!conforms(frame, schema, exported.value(), "context")) return false;
  if (json_size(exported.value(), limits::kMaxContextBytes) > limits::kMaxContextBytes) {
    fail(frame, "runtime", 500, "$context is too large",
         "at most " + std::to_string(limits::kMaxContextBytes) +
             " bytes: keep references in it, not content");
    return false;
  }
  frame->context->value = std::move(exported).value();
  frame->context->written = true;
  return true;
}

void Execution::Impl::run_list(Frame* frame, const TaskList& list, Json value) {
  frame->list = &list;
  frame->position = 0;
  frame->visits.clear();
  if (list.jumps_back) frame->visits.assign(list.tasks.size(), 0);
  steps.push_back(
      {Step::Kind::start, frame, list.tasks.front().get(), std::move(value), 0, frame->context});
}

void Execution::Impl::child_done(Frame* parent, std::size_t branch, Json output, const Then& then,
                                 bool skipped) {
  if (parent->extending()) {
    if (then.kind == Then::Kind::exit &&
        parent->extend_state->phase == Frame::Extend::Phase::before) {
      return replace(parent, std::move(output));
    }
  } else if (parent->task->kind() == TaskKind::function) {
    steps.push_back({Step::Kind::complete, parent, nullptr, std::move(output), 0, nullptr});
    return;
  } else if (parent->task->kind() == TaskKind::fork) {
    return branch_done(parent, branch, std::move(output), skipped);
  }
  const std::size_t size = parent->list->tasks.size();
  const std::size_t next = then.kind == Then::Kind::exit   ? size
                           : then.kind == Then::Kind::jump ? then.target
                                                           : parent->position + 1;
  if (next >= size) return list_done(parent, std::move(output));
  parent->position = next;
  steps.push_back({Step::Kind::start, parent, parent->list->tasks[next].get(), std::move(output), 0,
                   parent->context});
}

void Execution::Impl::list_done(Frame* frame, Json output) {
  if (frame->extending()) {
    return frame->extend_state->phase == Frame::Extend::Phase::before ? next_before(frame)
                                                                      : next_after(frame);
  }
  if (frame->task->kind() == TaskKind::listen) return item_done(frame, std::move(output));
  if (frame->task->kind() == TaskKind::for_) return next_iteration(frame, std::move(output));
  if (frame->try_state != nullptr) drop_wait(frame, Wait::attempt);
  steps.push_back({Step::Kind::complete, frame, nullptr, std::move(output), 0, nullptr});
}

void Execution::Impl::end_workflow(Frame* frame, ContextCell* cell, Json output) {
  for (; cell->parent != nullptr; cell = cell->parent) merge(*cell->parent, *cell);
  cancel_below(root, frame);
  steps.clear();
  steps.push_back({Step::Kind::complete, root, nullptr, std::move(output), 0, nullptr});
}

void Execution::Impl::finish(InstanceStatus status, Json output, Json error, Json shown,
                             std::string place) {
  // Compensations for losers of a race go on, and calls that were let go stay open; everything
  // else ends now.
  drop_open([](const Open& entry) {
    return entry.kind != Wait::undo && entry.kind != Wait::undo_retry && entry.kind != Wait::let_go;
  });
  for (Loose& one : loose) one.next = nullptr;
  steps.clear();
  storage.clear();
  unused.clear();
  root = nullptr;
  ending =
      Finished{status, std::move(output), std::move(error), std::move(shown), std::move(place)};
  std::vector<Undo> stack = std::move(context.undo);
  context.undo.clear();
  if (status != InstanceStatus::completed && !stack.empty()) undo(std::move(stack));
  if (undoing.empty() && loose.empty()) end();
}

void Execution::Impl::end() {
  finished = true;
  final_status = ending->status;
  effects.emplace_back(std::move(*ending));
  ending.reset();
}

// ---- what is awaited ----

std::uint64_t Execution::Impl::await(Frame* frame, Wait kind, Timestamp due) {
  const std::uint64_t id = next_id++;
  open.push_back({id, kind, frame, due});
  return id;
}

std::uint64_t Execution::Impl::start_timer(Frame* frame, Wait kind, std::int64_t delay_ms,
                                           std::string_view purpose) {
  const Timestamp due{now.ms + delay_ms};
  const std::uint64_t id = await(frame, kind, due);
  effects.emplace_back(StartTimer{id, due, std::string(purpose)});
  return id;
}

Execution::Impl::Open* Execution::Impl::find_open(std::uint64_t id) {
  const auto at = std::lower_bound(open.begin(), open.end(), id,
                                   [](const Open& a, std::uint64_t b) { return a.id < b; });
  return at == open.end() || at->id != id ? nullptr : &*at;
}
const Execution::Impl::Open* Execution::Impl::find_open(std::uint64_t id) const {
  const auto at = std::lower_bound(open.begin(), open.end(), id,
                                   [](const Open& a, std::uint64_t b) { return a.id < b; });
  return at == open.end() || at->id != id ? nullptr : &*at;
}

bool Execution::Impl::take_open(std::uint64_t id, Open& out) {
  Open* found = find_open(id);
  if (found == nullptr) return false;
  out = *found;
  open.erase(open.begin() + (found - open.data()));
  return true;
}

void Execution::Impl::trace(const Frame& frame, std::string_view state, std::string detail) {
  effects.emplace_back(TaskTrace{frame.reference, frame.task->name,
                                 std::string(to_string(frame.task->kind())), std::string(state),
                                 std::move(detail)});
}

}  // namespace rabt::workflow
