#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "hub/base/clock.hpp"
#include "hub/store/store.hpp"

// Acts on many instances: each is done only if the instance has not moved since a person saw it.
namespace rabt::engine {

// Changes with everything that happens to an instance.
struct InstanceMark {
  // Rows of its journal.
  std::int64_t turns = 0;
  Timestamp updated;
  friend bool operator==(const InstanceMark&, const InstanceMark&) = default;
};

// State of an instance, from its row.
struct InstanceState {
  std::int64_t num = 0;
  // workflow::InstanceStatus
  int status = 0;
  // It has an action open or has not run its first turn.
  bool busy = false;
  bool parked = false;
  // Code of the error of a faulted one, role/action of a parked one.
  std::string code;
  // Cause of its waiting, as JSON; empty if there is none.
  std::string about;
  InstanceMark mark;
  // Id of the instance that was started in its place; empty when none was.
  std::string restarted_as;
};
// Also inside a job: the state before the job's own writes of the instance. Error not_found
// engine.instance.
[[nodiscard]] Result<InstanceState> read_state(store::Connection& connection,
                                               std::string_view tenant, std::string_view id);

// The place of an act in a job of many.
struct Step {
  // Id of the job, for the audit entry. Empty if the act is no part of one.
  std::string job = {};
  // Runs in the commit of the act, before it. Its error, of kind conflict, undoes the act and is
  // the result of the act. May be unset. Like every job of the store it may run more than once.
  std::function<Status(store::Transaction&)> first = {};
};

}  // namespace rabt::engine
