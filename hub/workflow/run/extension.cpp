#include <utility>

#include "hub/workflow/run/interpreter.hpp"

// Extensions around a task (dsl-reference.md: Extension; docs/workflow.md for what it leaves open).
namespace rabt::workflow {

bool Execution::Impl::extend(Frame* frame) {
  const std::uint32_t kind = 1U << static_cast<std::uint32_t>(frame->task->kind());
  frame->extend_state = std::make_unique<Frame::Extend>();
  for (const Extension& extension : model.extensions) {
    if ((extension.kinds & kind) == 0) continue;
    if (extension.when.has_value()) {
      const Result<Json> applies =
          evaluate(*extension.when, frame->task->definition, FrameVariables(*this, *frame));
      if (!applies) {
        // The specification's own example of mocking reads `endpoint` as a text where it is an
        // object: an extension whose condition fails does not apply, and the trace says so.
        effects.emplace_back(TaskTrace{frame->reference + "/extensions/" + extension.name,
                                       extension.name,
                                       "extension",
                                       "skipped",
                                       "when: " + applies.error().code,
                                       {}});
        continue;
      }
      if (!truthy(applies.value())) continue;
    }
    frame->extend_state->matched.push_back(&extension);
  }
  if (frame->extend_state->matched.empty()) {
    frame->extend_state.reset();
    return false;
  }
  next_before(frame);
  return true;
}

void Execution::Impl::next_before(Frame* frame) {
  Frame::Extend& state = *frame->extend_state;
  while (state.next < state.matched.size()) {
    const Extension& extension = *state.matched[state.next++];
    if (!extension.before.tasks.empty()) return run_list(frame, extension.before, frame->raw);
  }
  state.phase = Frame::Extend::Phase::body;
  enter(frame);
}

void Execution::Impl::next_after(Frame* frame) {
  Frame::Extend& state = *frame->extend_state;
  while (state.next > 0) {
    const Extension& extension = *state.matched[--state.next];
    if (!extension.after.tasks.empty()) return run_list(frame, extension.after, state.output);
  }
  Json output = std::move(state.output);
  completed(frame, std::move(output));
}

void Execution::Impl::replace(Frame* frame, Json output) {
  frame->extend_state->replaced = true;
  frame->extend_state->phase = Frame::Extend::Phase::body;
  frame->input = frame->raw;
  steps.push_back({Step::Kind::complete, frame, nullptr, std::move(output), 0, nullptr});
}

}  // namespace rabt::workflow
