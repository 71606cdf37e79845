#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "hub/workflow/execution.hpp"
#include "hub/workflow/run/same_steps.hpp"

// Journals of instances that a person had run again. An input `rewound` skips the inputs from its
// `to` on; they happened all the same, so the timeline shows them.
namespace rabt::workflow {

// The versions on which an instance has run.
struct Versions {
  // It was started with this one.
  Version first;
  // Those with which it went on, by Rewound::version.
  std::map<std::string, Version, std::less<>> later = {};
};

// An execution that is fed a journal row by row. Confined to its executor. The inputs must outlive
// the object.
class History {
 public:
  // versions: all that the inputs name.
  explicit History(Versions versions);
  // History of an instance that kept its version.
  History(std::shared_ptr<const Definition> definition, Json secrets);

  // Applies the next row. After a `rewound` the execution is at the state that it names.
  [[nodiscard]] std::vector<Effect> apply(const Input& input);
  [[nodiscard]] const Execution& execution() const { return execution_; }
  [[nodiscard]] Execution take() && { return std::move(execution_); }
  // The version that took the last row.
  [[nodiscard]] const Version& version() const { return version_; }
  // The rows that make the state.
  [[nodiscard]] std::vector<const Input*> rows() const;
  // Events that skipped rows took, in order. A listen that wants one is offered the event again.
  [[nodiscard]] const std::vector<Json>& skipped_events() const { return skipped_; }

  // Goes back to the state before row `to`. The next row has the number that it would have had.
  void rewind(std::uint64_t to) { rewind(to, version_); }
  // The same, on another version from its beginning.
  void rewind(std::uint64_t to, Version on);

 private:
  const Versions versions_;
  Version version_;
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
// Place at which a faulted instance can go on. on: the version with which it shall go on; null for
// its own. Errors, kind conflict; the message gives the reason: engine.retry_place: no call failed;
// engine.retry_version: the version asks for other things up to there (check_same_steps; the failed
// call may have other arguments if the outside system is known to have done nothing);
// engine.retry_undone: work was undone since; engine.retry_called: a call was made since that may
// have had an effect; engine.retry_child: a workflow that the instance started failed or was
// cancelled; engine.retry_late: usefulUntil has passed.
[[nodiscard]] Result<Rewind> plan_rewind(const Versions& versions,
                                         const std::vector<Input>& journal, Timestamp now,
                                         const Version* on = nullptr);

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
[[nodiscard]] std::vector<Standing> standing_effects(const Versions& versions,
                                                     const std::vector<Input>& journal);

}  // namespace rabt::workflow
