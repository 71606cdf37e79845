#include <algorithm>
#include <utility>

#include "hub/workflow/error_types.hpp"
#include "hub/workflow/run/interpreter.hpp"

// Errors, the try tasks that catch them, and the cancellation of what they end.
namespace rabt::workflow {

namespace {

// The type of an error that an expression made may hold data, unless the file or the specification
// names it.
bool type_holds_no_data(const Definition::Model& model, const std::string& type) {
  const std::vector<std::string>& names = standard_error_names();
  return model.error_types.contains(type) ||
         std::find(names.begin(), names.end(), standard_error_name(type)) != names.end();
}

// The members of an error that hold no data.
Json shown(const Definition::Model& model, const Fault& fault) {
  const Json& error = fault.error;
  JsonObject out;
  if (const Json& type = error["type"];
      type.is_string() && type_holds_no_data(model, type.as_string()))
    out.append_new("type", type);
  if (error["status"].as_int64().has_value()) out.append_new("status", error["status"]);
  if (fault.fixed_title && error.find("title") != nullptr) out.append_new("title", error["title"]);
  if (!fault.raised_at.empty()) {
    out.append_new("instance", fault.raised_at);
  } else if (error.find("instance") != nullptr) {
    out.append_new("instance", error["instance"]);
  }
  return Json(std::move(out));
}

// True if an error that the interpreter found says that the file or its data is wrong. The same
// step over the same data finds it again.
bool is_mistake(std::string_view type) {
  return type == "expression" || type == "validation" || type == "configuration" ||
         type == "authorization";
}

// True if the catch names the error that it takes and not only a type or a place.
bool names_error(const TryBody& body) {
  return std::any_of(body.match.begin(), body.match.end(), [](const auto& member) {
    return member.first == "status" || member.first == "title" || member.first == "detail";
  });
}

// The type's last word, the status and, where it holds no data, the title.
std::string trace_detail(const Definition::Model& model, const Fault& fault) {
  std::string type = fault.error.string_or("type", "");
  if (!type_holds_no_data(model, type)) type = "error";
  if (const std::string_view name = standard_error_name(type); !name.empty())
    type = std::string(name);
  std::string out = type + ' ' + std::to_string(fault.error.int_or("status", 0));
  if (fault.fixed_title && fault.error["title"].is_string())
    out += ": " + fault.error["title"].as_string();
  return out;
}

}  // namespace

Json Execution::Impl::make_error(std::string_view type, int status, std::string_view title,
                                 std::string_view detail, const Frame& frame) const {
  JsonObject error;
  error.append_new("type", error_type(type));
  error.append_new("status", status);
  error.append_new("title", title);
  if (!detail.empty()) error.append_new("detail", detail);
  error.append_new("instance", frame.reference.empty() ? std::string("/") : frame.reference);
  return Json(std::move(error));
}

void Execution::Impl::fail(Frame* frame, std::string_view type, int status, std::string_view title,
                           std::string_view detail) {
  Fault one;
  one.error = make_error(type, status, title, detail, *frame);
  one.permanent = is_mistake(type);
  fault(frame, std::move(one));
}

void Execution::Impl::fail(Frame* frame, const Error& error, std::string_view where) {
  if (error.kind == ErrorKind::denied) {
    return fail(frame, "authorization", 403, error.code, std::string(where) + ": " + error.message);
  }
  fail(frame, "expression", 400, error.code, std::string(where) + ": " + error.message);
}

void Execution::Impl::fault(Frame* frame, Fault fault) {
  if (fault.place.empty()) fault.place = frame->reference;
  while (true) {
    cancel_below(frame);
    drop_waits(frame);
    if (frame == root) {
      Json open_members = shown(model, fault);
      return finish(InstanceStatus::faulted, {}, std::move(fault.error), std::move(open_members),
                    std::move(fault.place));
    }
    trace(*frame, "faulted", trace_detail(model, fault));
    std::get<TaskTrace>(effects.back()).error = shown(model, fault);
    if (frame->useful_until.has_value()) {
      fault.useful_until =
          std::min(fault.useful_until.value_or(*frame->useful_until), *frame->useful_until);
    }
    Frame* parent = frame->parent;
    release(frame);
    frame = parent;
    if (frame->try_state != nullptr && !frame->try_state->in_handler && !frame->extending() &&
        caught(frame, fault))
      return;
  }
}

// True if a retry after the delay would be of no use any more.
bool Execution::Impl::too_late(const Frame* frame, const Fault& fault, std::int64_t delay) const {
  const auto passed = [&](const std::optional<Timestamp>& until) {
    return until.has_value() && now.ms + delay > until->ms;
  };
  return passed(frame->useful_until) || passed(fault.useful_until);
}

Execution::Impl::Verdict Execution::Impl::judge(const Frame& frame, const Fault& fault) const {
  const auto& body = std::get<TryBody>(frame.task->body);
  Verdict out;
  for (const auto& [key, wanted] : body.match) {
    const Json& value = fault.error[key];
    if (key == "type" && wanted.is_string() && value.is_string()) {
      if (!same_error_type(wanted.as_string(), value.as_string())) return out;
    } else if (!(value == wanted)) {
      return out;
    }
  }
  const FrameVariables variables(*this, frame, frame.parent, nullptr, &fault.error);
  const auto replace = [&](const Error& error, std::string_view where) {
    out.kind = Verdict::Kind::replaces;
    out.other.error =
        make_error("expression", 400, error.code, std::string(where) + ": " + error.message, frame);
    out.other.permanent = true;
    out.other.place = frame.reference;
    return std::move(out);
  };
  if (body.when.has_value()) {
    const Result<Json> wanted = evaluate(*body.when, fault.error, variables);
    if (!wanted) return replace(wanted.error(), "catch.when");
    if (!truthy(wanted.value())) return out;
  }
  if (body.except_when.has_value()) {
    const Result<Json> unwanted = evaluate(*body.except_when, fault.error, variables);
    if (!unwanted) return replace(unwanted.error(), "catch.exceptWhen");
    if (truthy(unwanted.value())) return out;
  }
  if (body.retry != nullptr) {
    std::optional<Error> problem;
    std::optional<std::int64_t> delay;
    if (!fault.permanent || body.retry->when.has_value() || names_error(body))
      delay = retry_delay(frame, *body.retry, fault, problem);
    if (problem.has_value()) return replace(*problem, "retry");
    if (delay.has_value() && too_late(&frame, fault, *delay)) {
      out.late = true;
      out.other.error =
          make_error("timeout", 408, "a retry would be too late to be of use", {}, frame);
      out.other.useful_until = fault.useful_until;
      out.other.place = fault.place;
    } else if (delay.has_value()) {
      out.kind = Verdict::Kind::retries;
      out.delay = *delay;
      return out;
    }
    if (!body.has_handler) return out;
  }
  out.kind = Verdict::Kind::handles;
  return out;
}

bool Execution::Impl::caught(Frame* frame, Fault& fault) {
  const auto& body = std::get<TryBody>(frame->task->body);
  drop_wait(frame, Wait::attempt);
  Verdict verdict = judge(*frame, fault);
  if (verdict.kind == Verdict::Kind::replaces || verdict.late) fault = std::move(verdict.other);
  Frame::Try& state = *frame->try_state;
  switch (verdict.kind) {
    case Verdict::Kind::passes:
    case Verdict::Kind::replaces:
      return false;
    case Verdict::Kind::retries:
      ++state.retries;
      mark_retried(*frame);
      trace(*frame, "retried",
            "retry " + std::to_string(state.retries) + " in " + std::to_string(verdict.delay) +
                " ms after " + trace_detail(model, fault));
      start_timer(frame, Wait::retry, verdict.delay, "retry");
      return true;
    case Verdict::Kind::handles:
      break;
  }
  frame->then = body.then;
  if (!body.has_handler) {
    steps.push_back({Step::Kind::complete, frame, nullptr, frame->input, 0, nullptr});
    return true;
  }
  state.in_handler = true;
  state.fixed_title = fault.fixed_title;
  state.place = std::move(fault.place);
  state.error = std::move(fault.error);
  run_list(frame, body.handler, frame->input);
  return true;
}

// ---- metadata.rabt.onFailure

namespace {

bool asks(const Frame& frame) {
  for (const Frame* at = &frame; at != nullptr; at = at->parent) {
    if (at->task->on_failure != OnFailure::inherited) return at->task->on_failure == OnFailure::ask;
  }
  return false;
}

}  // namespace

bool Execution::Impl::will_retry(const Frame* frame, Fault fault) const {
  fault.place = frame->reference;
  for (; frame->parent != nullptr; frame = frame->parent) {
    if (frame->useful_until.has_value()) {
      fault.useful_until =
          std::min(fault.useful_until.value_or(*frame->useful_until), *frame->useful_until);
    }
    const Frame& around = *frame->parent;
    if (around.try_state == nullptr || around.try_state->in_handler || around.extending()) continue;
    const Verdict verdict = judge(around, fault);
    if (verdict.kind != Verdict::Kind::passes || verdict.late)
      return verdict.kind == Verdict::Kind::retries;
  }
  return false;
}

void Execution::Impl::call_failed(Frame* frame, Fault fault) {
  if (!asks(*frame) || will_retry(frame, fault)) return this->fault(frame, std::move(fault));
  drop_waits(frame);
  for (Frame* at = frame->parent; at != nullptr; at = at->parent) {
    if (at->try_state != nullptr && !at->try_state->in_handler) drop_wait(at, Wait::attempt);
  }
  trace(*frame, "parked", trace_detail(model, fault));
  std::get<TaskTrace>(effects.back()).error = shown(model, fault);
  frame->asked = std::make_unique<Fault>(std::move(fault));
  const std::uint64_t id = await(frame, Wait::ask, now);
  effects.emplace_back(Ask{.call = std::get<CallAction>(call_effect(id, *frame)),
                           .doubtful = frame->asked->doubtful});
}

void Execution::Impl::cancel_below(Frame* frame, const Frame* completed_path) {
  if (!steps.empty()) {
    // Steps that would work on what goes away, or on this frame's children.
    std::erase_if(steps, [&](const Step& step) {
      for (const Frame* at = step.frame; at != nullptr; at = at->parent) {
        if (at == frame) return true;
      }
      return false;
    });
  }
  if (frame->children.empty()) return;
  std::vector<Frame*> order;
  std::vector<Frame*> todo(frame->children.begin(), frame->children.end());
  while (!todo.empty()) {
    Frame* next = todo.back();
    todo.pop_back();
    order.push_back(next);
    todo.insert(todo.end(), next->children.begin(), next->children.end());
  }
  std::set<const Frame*> path;
  for (const Frame* at = completed_path; at != nullptr; at = at->parent) path.insert(at);
  // Innermost first, branches in order; every child stands behind its parent, so reversing keeps
  // both.
  std::reverse(order.begin(), order.end());
  std::stable_sort(order.begin(), order.end(),
                   [](const Frame* a, const Frame* b) { return a->depth > b->depth; });
  for (Frame* one : order) {
    drop_waits(one);
    trace(*one, path.contains(one) ? "completed" : "cancelled");
    release(one);
  }
}

void Execution::Impl::cancel_effect(const Open& entry) {
  switch (entry.kind) {
    case Wait::call:
    case Wait::ask:
    case Wait::undo:
    case Wait::let_go:
      effects.emplace_back(CancelCall{entry.id});
      break;
    case Wait::listen:
      effects.emplace_back(Unsubscribe{entry.id});
      break;
    default:
      effects.emplace_back(CancelTimer{entry.id});
  }
}

Effect Execution::Impl::effect_of(const Open& entry) const {
  switch (entry.kind) {
    case Wait::call:
      return call_effect(entry.id, *entry.frame);
    case Wait::ask:
      return Ask{.call = std::get<CallAction>(call_effect(entry.id, *entry.frame)),
                 .doubtful = entry.frame->asked != nullptr && entry.frame->asked->doubtful};
    case Wait::undo:
      return undo_effect(entry.id);
    case Wait::let_go:
      return std::find_if(loose.begin(), loose.end(),
                          [&](const Loose& one) { return one.call.id == entry.id; })
          ->call;
    case Wait::listen:
      return subscription(entry.id, *entry.frame);
    case Wait::wait:
      return StartTimer{entry.id, entry.due, "wait"};
    case Wait::retry:
    case Wait::undo_retry:
      return StartTimer{entry.id, entry.due, "retry"};
    case Wait::timeout:
    case Wait::attempt:
      break;
  }
  return StartTimer{entry.id, entry.due, "timeout"};
}

void Execution::Impl::drop_waits(Frame* frame) {
  drop_open([&](const Open& entry) { return entry.frame == frame; });
  for (Loose& one : loose) {
    if (one.next == frame) one.next = nullptr;
  }
}

void Execution::Impl::drop_wait(Frame* frame, Wait kind) {
  drop_open([&](const Open& entry) { return entry.frame == frame && entry.kind == kind; });
}

// Merges the changes of a branch's copy, by top-level key, over the current value.
void Execution::Impl::merge(ContextCell& into, ContextCell& from) {
  gather(into.undo, from.undo);
  if (!from.written) return;
  into.written = true;
  if (!from.value.is_object() || !from.base.is_object() || !into.value.is_object()) {
    into.value = from.value;
    return;
  }
  for (const auto& [key, value] : from.value.as_object()) {
    const Json* before = from.base.find(key);
    if (before == nullptr || !(*before == value)) into.value.set(key, value);
  }
  for (const auto& [key, value] : from.base.as_object()) {
    if (from.value.find(key) == nullptr) into.value.mutable_object().erase(key);
  }
}

}  // namespace rabt::workflow
