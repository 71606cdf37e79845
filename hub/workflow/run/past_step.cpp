#include "hub/workflow/run/past_step.hpp"

#include <utility>
#include <variant>

#include "hub/base/overloaded.hpp"

namespace rabt::workflow {

namespace {

std::string key_of(const PastStep& step) {
  return std::to_string(static_cast<int>(step.kind)) + '\n' + step.role + '\n' + step.action +
         '\n' + step.arguments.dump_sorted();
}

}  // namespace

PastStep step_of(const CallAction& call, PastStep::Kind kind) {
  PastStep step{.kind = kind,
                .reference = call.reference,
                .task = call.task,
                .role = call.role,
                .action = call.action,
                .arguments = call.arguments};
  step.key = key_of(step);
  return step;
}

PastStep step_of(const StartWorkflow& start) {
  PastStep step{.kind = PastStep::Kind::child,
                .reference = start.reference,
                .task = start.task,
                .role = "workflow",
                .action = start.name,
                .arguments = start.input};
  step.key = key_of(step) + '\n' + start.name_space + '\n' + start.version;
  return step;
}

PastStep step_of(const Json& event) {
  Json arguments = event;
  arguments.mutable_object().erase("id");
  arguments.mutable_object().erase("time");
  PastStep step{.kind = PastStep::Kind::event, .arguments = std::move(arguments)};
  step.key = key_of(step);
  return step;
}

std::uint64_t id_of(const Effect& effect) {
  return std::visit(Overloaded{[](const Ask& ask) { return ask.call.id; },
                               [](const Emit&) { return std::uint64_t{0}; },
                               [](const TaskTrace&) { return std::uint64_t{0}; },
                               [](const Finished&) { return std::uint64_t{0}; },
                               [](const auto& other) { return other.id; }},
                    effect);
}

}  // namespace rabt::workflow
