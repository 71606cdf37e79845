#include <utility>

#include "hub/workflow/run/interpreter.hpp"

// run.workflow: an instance of another definition (dsl-reference.md: Run, Workflow Process).
namespace rabt::workflow {

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
