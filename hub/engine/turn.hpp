#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "hub/access/patient_detail.hpp"
#include "hub/engine/resident.hpp"
#include "hub/engine/waiters.hpp"

// A turn: what an instance does between two waits. Pure: no store, no keys, no clock.
namespace rabt::engine {

// Why a turn is made, for its audit entry.
struct Cause {
  std::string actor = "node:engine";
  std::string act;
  std::string result = "ok";
  // Ids, codes and counts.
  Json detail = {};
  // The reason that a person gave, sealed; nullopt when nobody gave one.
  std::optional<access::PatientDetail::Sealed> reason = {};
  // Set if a call ended because its side was unavailable. Not in the entry.
  std::optional<Waiters::Outage> outage = {};
};

// Parked call, as the row of the instance shows it.
struct Parked {
  // Id and name.
  std::string call;
  // role/action
  std::string code;
  // JSON: {role, action, task, reference, since?, code?, letGo?}. No patient data.
  std::string question;
};
[[nodiscard]] Parked parked_of(const OpenCall& call);

// Changes of a turn, as plain values.
struct Turn {
  // The turn's place in the journal, from 0.
  std::uint64_t n = 0;
  workflow::Input input;
  // Its detail also says what the turn asked for and how the instance ended.
  Cause cause;
  // Open now and not sent yet: ids in ResidentInstance::calls.
  std::vector<std::uint64_t> calls;
  // Calls in flight for which nobody waits any more.
  std::vector<OpenCall> cancelled_calls;
  // Open calls that have another id now: the one before and the one after.
  std::vector<std::pair<std::uint64_t, std::uint64_t>> renamed_calls;
  // True if the instance had ended and goes on.
  bool rewound = false;
  // The call that this input answers and whose note goes; 0 when there is none.
  std::uint64_t answered_call = 0;
  std::vector<workflow::StartWorkflow> starts;
  // The child whose end this input is; 0 when it is none.
  std::uint64_t answered_child = 0;
  std::vector<std::uint64_t> cancelled_children;
  std::vector<workflow::StartTimer> timers;
  std::vector<std::uint64_t> timers_done;
  std::vector<workflow::Subscribe> listens;
  std::vector<std::uint64_t> listens_done;
  // Events to emit.
  std::vector<Json> events;
  // The innermost task that faulted; state is empty when none did.
  workflow::TaskTrace fault;
  bool finished = false;
  // If the instance faulted, the members of its error that hold no patient data.
  Json error;
  // If the instance finished, what it answers to its parent's call.
  ActionOutcome outcome;
  // State in the instance's row. The row is written only when it changes.
  int status = 0;
  bool busy = false;
  bool update_instance = false;
  // Cause of waiting, or error of the instance: about_waits, about_error; "" for none.
  std::string about;
  // True if the parked call was decided. `parked_next` is shown instead of it, or nothing if that
  // is empty.
  bool unpark = false;
  Parked parked_next;
  // True if `code` is to be written: of the error, or of what is parked; "" for neither.
  bool update_code = false;
  std::string code;
  // Calls that failed in this turn and wait for a person.
  std::vector<workflow::CallAction> asked;
};

// Applies the input to the instance and says what that changes. The instance is ahead of the store
// until the turn is durable.
[[nodiscard]] Turn make_turn(ResidentInstance& instance, workflow::Input input, Cause cause);

// Cause of waiting for the row of an instance: {events?, timer?, until?} as JSON; "" for none. Of
// one that has come to its end also {ending: completed, faulted or cancelled, calls?:
// [role/action]}: calls that were let go, and those that undo what was done.
[[nodiscard]] std::string about_waits(const workflow::Execution& execution);
// The same of one that faulted, from the open members of its error: {code, title?, status?, task?,
// reference?}.
[[nodiscard]] Json about_error(const Json& shown);
// Answer of an ended child to its parent.
[[nodiscard]] ActionOutcome child_outcome(const workflow::Finished& finished);

}  // namespace rabt::engine
