#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "hub/workflow/definition.hpp"
#include "hub/workflow/execution.hpp"

namespace rabt::engine {

using workflow::ActionOutcome;

[[nodiscard]] constexpr int as_int(workflow::InstanceStatus status) {
  return static_cast<int>(status);
}
// The states behind this one are ends as well.
[[nodiscard]] constexpr bool has_ended(int status) {
  return status >= as_int(workflow::InstanceStatus::completed);
}

// Origin of an instance that no single event started.
struct Origin {
  // The number of the instance that started it; 0 when the clock or a set of events did.
  std::int64_t parent = 0;
  std::string parent_id;
  // The parent's run.workflow call.
  std::uint64_t call = 0;
  // True if the end of the instance answers that call.
  bool awaited = false;
  // Number of parents above the instance.
  int depth = 0;
  // The trace of the instance that started it.
  std::string trace{};
  Json input;
};

// The trace that an instance belongs to: its parent's; else that of the first of its start events
// that names one (`traceparent`, CloudEvents 1.0.2 "Distributed Tracing"); else one of its own.
// input: what it starts with.
[[nodiscard]] std::string trace_of(std::string_view id, const Origin* origin, const Json& input);

// The same over retries and restarts, different between steps and instances; safe in URLs and
// header fields.
[[nodiscard]] std::string idempotency_key(std::string_view instance, std::string_view reference);

// Effect of repeating an action, as its manifest says.
enum class Idempotency : std::uint8_t { native, key, probe, none };

// A call that is held because its role is paused.
struct PausedCall {
  // Step that follows when the role goes on.
  enum class Next : std::uint8_t { dispatch, settle, send, probe } next = Next::dispatch;
  // From when on the time of its retries stands still.
  Timestamp from;
  // Lists the call in Pauses.
  std::shared_ptr<const void> listed;
};

// A call that has no outcome yet.
struct OpenCall {
  workflow::CallAction action;
  // Time of the turn that asked for it; 0 if it was made before the instance was rewound.
  Timestamp made_at{};
  // Target of the call, and effect of repeating it. Unknown until the call is looked up, which
  // is before it is sent.
  std::string target;
  Idempotency idempotency = Idempotency::none;
  // It changes nothing, as its manifest says.
  bool reads = false;
  // Token of the runner of actions, for cancelling; 0 when nothing is in flight.
  std::uint64_t token = 0;
  // It was sent, and the answer has not come.
  bool in_flight = false;
  int sends = 0;
  // A person has to decide the outcome.
  bool parked = false;
  // Time at which it was parked, and the code that it was parked with. 0 and "" after a start,
  // unless the row of the instance shows this call.
  Timestamp parked_at{};
  std::string parked_code{};
  // It failed, and the file wants a person asked (workflow::Ask).
  bool asked = false;
  // Asked, and its last try may have taken effect.
  bool maybe_done = false;
  // It may have been sent before the instance was rewound: it is settled before it is sent again.
  bool unsure = false;
  // It may have had an effect of which no answer told: an answer was ambiguous, or the call was
  // open when the hub went down or the instance was rewound.
  bool doubtful = false;
  // No task waits for it any more (workflow::LetGo): it is not sent again, and parked where nobody
  // can be asked how it ended.
  bool let_go = false;
  // The note that it leaves is on its way to the store.
  bool noting = false;
  // Tries in a row for which the hub had no room to write. `sends` counts the first only.
  int holds = 0;
  // Lists the call in HeldCalls while it is held; null otherwise.
  std::shared_ptr<const void> held = nullptr;
  std::optional<PausedCall> paused{};
  // Milliseconds for which it was held by pauses that are over.
  std::int64_t paused_ms = 0;

  // True if it leaves nothing behind when no task waits for it any more
  // (workflow::Input::harmless).
  [[nodiscard]] bool harmless() const { return reads || (!in_flight && !doubtful); }
};

// An instance in memory. Confined to its worker.
struct ResidentInstance {
  std::int64_t num = 0;
  std::string id;
  std::int64_t definition_id = 0;
  std::shared_ptr<const workflow::Definition> definition;
  // Events with a higher number may be consumed.
  std::int64_t start_event = 0;
  // Names the key. The key itself is opened for the length of a turn.
  std::string data_key;
  workflow::Execution execution;
  // Null when one event started the instance.
  std::shared_ptr<const Origin> origin;
  // Blind index of the person whose data the instance works on; "" when none is known.
  std::string patient;
  // 32 hexadecimal digits; "" before the first turn.
  std::string trace;
  // Binding of its roles.
  std::int64_t binding = 0;
  // Number of inputs in its journal.
  std::uint64_t turns = 0;
  std::map<std::uint64_t, OpenCall> calls;
  // Children whose end it awaits.
  std::map<std::uint64_t, workflow::StartWorkflow> children;
  std::set<std::uint64_t> timers;
  std::set<std::uint64_t> listens;
  // Events that rows took which were skipped since: a listen that wants one gets it again.
  std::vector<Json> skipped_events;
  // The first turn was made.
  bool begun = false;
  bool finished = false;
  // As the last turn leaves them in the store.
  int stored_status = 0;
  bool stored_busy = true;
  std::string stored_about;
  // The parked call that an operator must resolve next; 0 when there is none.
  std::uint64_t parked_call = 0;
  int commits_in_flight = 0;
  // Stored events could not be looked up for a new listen: the sweep does it again.
  bool look_again = false;
};

// True if a listen of the instance waits for an event that a skipped row took.
[[nodiscard]] bool wants_skipped(const ResidentInstance& instance);

}  // namespace rabt::engine
