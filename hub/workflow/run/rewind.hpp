#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "hub/workflow/execution.hpp"

// Journals of instances that a person had run again. An input `rewound` skips the inputs from its
// `to` on; they happened all the same, so the timeline shows them.
namespace rabt::workflow {

// An execution that is fed a journal row by row. Confined to its executor. The inputs must outlive
// the object.
class History {
 public:
  History(std::shared_ptr<const Definition> definition, Json secrets);

  // Applies the next row. After a `rewound` the execution is at the state that it names.
  [[nodiscard]] std::vector<Effect> apply(const Input& input);
  [[nodiscard]] const Execution& execution() const { return execution_; }
  [[nodiscard]] Execution take() && { return std::move(execution_); }
  // Events that skipped rows took, in order. A listen that wants one is offered the event again.
  [[nodiscard]] const std::vector<Json>& skipped_events() const { return skipped_; }

  // Goes back to the state before row `to`. The next row has the number that it would have had.
  void rewind(std::uint64_t to);

 private:
  const std::shared_ptr<const Definition> definition_;
  const Json secrets_;
  Execution execution_;
  std::uint64_t rows_ = 0;
  // The rows that make the state, with their numbers.
  std::vector<std::pair<std::uint64_t, const Input*>> kept_;
  std::vector<Json> skipped_;
};

struct Rewind {
  // The row that ended the failed call for the last time.
  std::uint64_t to = 0;
  // Rewound::next
  std::uint64_t next = 0;
};
// Place at which a faulted instance can go on. Errors, kind conflict; the message gives the reason:
// engine.retry_place: no call failed; engine.retry_undone: work was undone since;
// engine.retry_called: a call was made since that may have had an effect; engine.retry_child: a
// workflow that the instance started failed or was cancelled; engine.retry_late: usefulUntil has
// passed.
[[nodiscard]] Result<Rewind> plan_rewind(const std::shared_ptr<const Definition>& definition,
                                         const Json& secrets, const std::vector<Input>& journal,
                                         Timestamp now);

// A call, or a workflow that was started, whose effect nobody has undone.
struct Standing {
  std::string task;
  // Empty for a workflow that was started.
  std::string role;
  std::string action;
  // False when nobody knows whether the outside system did it.
  bool known = true;
};
// Returns the effects of an instance in other systems, in the order of the calls. A call that only
// reads counts too: a journal does not distinguish it. Holds no patient data.
[[nodiscard]] std::vector<Standing> standing_effects(
    const std::shared_ptr<const Definition>& definition, const Json& secrets,
    const std::vector<Input>& journal);

}  // namespace rabt::workflow
