#include "hub/engine/worker.hpp"
#include "hub/net/url.hpp"

// Retries that wait for an outside system go soon after it is back.
namespace rabt::engine {

namespace {

Side side_of(const workflow::CallAction& action) {
  if (action.role != workflow::kHttpRole) return {.role = action.role, .action = action.action};
  const auto url = net::parse_url(action.arguments.string_or("uri", ""));
  return {.role = action.role + " " + (url.ok() ? url->host_port() : std::string()),
          .action = action.arguments.string_or("method", "")};
}

// For an HTTP request every answer is `done`.
bool is_there(const workflow::CallAction& action, const ActionOutcome& outcome) {
  if (outcome.kind != workflow::OutcomeKind::done || outcome.unavailable) return false;
  constexpr std::int64_t kFirstError = 400;
  return action.role != workflow::kHttpRole || outcome.output.int_or("status", 0) < kFirstError;
}

}  // namespace

std::optional<Timestamp> deadline_of(const ResidentInstance& instance, std::string_view role) {
  const std::vector<workflow::Deadline> all = instance.execution.deadlines(role);
  return all.empty() ? std::nullopt : std::optional(all.front().at);
}

void Worker::look_at_side(const ResidentInstance& instance, const OpenCall& call,
                          const ActionOutcome& outcome, Cause& cause) {
  const workflow::CallAction& action = call.action;
  // A system that says when to ask again is asked then.
  if (outcome.unavailable && outcome.retry_after_ms == 0) {
    cause.outage = context_.waiters.away(side_of(action), action.role, action.reference,
                                         context_.parts.clock.now());
    // The turn ends the task, and its time limit with it; this holds for the next try as well.
    for (const workflow::Deadline& deadline : instance.execution.deadlines(action.role)) {
      if (deadline.kind != "usefulUntil") continue;
      cause.outage->deadline = deadline.at;
      break;
    }
  } else if (context_.waiters.any() && is_there(action, outcome)) {
    for (const Timers::Entry& alarm : context_.waiters.back(
             side_of(action), instance.num, action.reference, context_.parts.clock.now()))
      parts_.timers.add(alarm);
  }
}

void Worker::await_side(const ResidentInstance& instance, const Turn& turn) {
  const Waiters::Outage& outage = *turn.cause.outage;
  std::optional<Timestamp> deadline = deadline_of(instance, outage.role);
  if (outage.deadline && (!deadline || *outage.deadline < *deadline)) deadline = outage.deadline;
  for (const workflow::StartTimer& timer : turn.timers) {
    if (timer.purpose != "retry" || !instance.timers.contains(timer.id)) continue;
    for (const Timers::Entry& alarm : context_.waiters.add(
             outage,
             {.num = instance.num, .timer = timer.id, .due = timer.due, .deadline = deadline},
             context_.parts.clock.now()))
      parts_.timers.add(alarm);
  }
}

void Worker::end_waits(std::int64_t num, const Turn& turn) {
  for (const std::uint64_t timer : turn.timers_done) context_.waiters.over(num, timer);
  if (turn.finished) context_.waiters.forget(num);
}

}  // namespace rabt::engine
