#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "hub/base/json.hpp"
#include "hub/workflow/definition.hpp"
#include "hub/workflow/execution.hpp"

// Feeds the journal of a past instance to another definition. Pure: no I/O, no clock; nothing is
// sent. What depended on the world at that time is taken as it was then, which is a guess.
namespace rabt::workflow {

// The end that an instance would have had. The order is that of a report.
enum class ReplayResult : std::uint8_t {
  same,             // the same calls in the same order, the same end
  other_output,     // as `same`, with another output
  other_events,     // as `same`, but other events are emitted
  other_order,      // the same calls in another order; ends in the same state
  fewer_calls,      // a call is not made any more; ends in the same state
  other_arguments,  // stopped: a call has other arguments than then
  new_call,         // stopped: nobody made this call then, or not so often
  unanswered,       // stopped: it waits for an answer or an event that nobody recorded
  completes,        // it faulted then
  faults,           // it did not fault then
  other_end,        // it ends in another state, or with another error
  not_started,      // what started it then does not start it
  cut               // the replay took too many steps, or was stopped
};
[[nodiscard]] std::string_view to_string(ReplayResult result);
// True if the replay ended before the instance's end.
[[nodiscard]] constexpr bool stops(ReplayResult result) {
  return result == ReplayResult::other_arguments || result == ReplayResult::new_call ||
         result == ReplayResult::unanswered || result == ReplayResult::not_started ||
         result == ReplayResult::cut;
}

// True if the first difference has its place in the old definition: a call or an error is gone.
[[nodiscard]] constexpr bool in_old(ReplayResult result) {
  return result == ReplayResult::fewer_calls || result == ReplayResult::completes;
}

struct PastInstance {
  std::shared_ptr<const Definition> definition;
  // The values of use.secrets of that definition.
  Json secrets;
  std::vector<Input> journal;
  // Events started it, so the schedule of the other definition decides whether it starts.
  bool started_by_events = false;
};

// The first difference. Texts come from the definitions and hold no patient data, but for
// `members`, `error` and what stands in a reference of iterations.
struct ReplayDifference {
  // Place in the new definition, or in the old one (in_old).
  std::string reference;
  std::string task;
  // Names of the call; `workflow` and the name of a workflow that is started.
  std::string role;
  std::string action;
  // Names of members of the arguments, or of the output, that differ. An expression may have made a
  // name of data: a caller shows those that a file writes down.
  std::vector<std::string> members;
  // Finished::shown; null without an error. Where none is raised any more, that of then. Type and
  // status may be an expression's of the new definition.
  Json error;
};
struct Replayed {
  ReplayResult result = ReplayResult::same;
  ReplayDifference first;
  // The state at the end, then and now. Now it is `running` or `waiting` where the replay stopped.
  InstanceStatus was = InstanceStatus::running;
  InstanceStatus status = InstanceStatus::running;
};

// The journal has at least one input. A call gets the answer that a call of the same role and
// action with equal arguments got: one of the same place before any other, each answer once. Events
// come as they came, in the order of the journal; a listen that is reached later finds them. A
// timer that was there then fires as then, and one that was not needed until the end does not fire.
// A call that a person had run again counts as it ended. stop: as for Execution; once true, the
// result is `cut`.
[[nodiscard]] Replayed replay_past(const PastInstance& past,
                                   const std::shared_ptr<const Definition>& definition,
                                   const Json& secrets, const std::function<bool()>& stop = {});

}  // namespace rabt::workflow
