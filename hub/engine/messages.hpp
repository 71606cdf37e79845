#pragma once

#include <cstdint>
#include <future>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "hub/engine/instance_mark.hpp"
#include "hub/engine/resident.hpp"
#include "hub/engine/timers.hpp"
#include "hub/plugin/call.hpp"

// Messages between the threads of the engine. Every message about an instance goes to the
// worker that the instance belongs to.
namespace rabt::engine {

// An instance was stored and makes its first turn.
struct BeginInstance {
  std::int64_t num = 0;
  std::string id;
  std::int64_t definition = 0;
  std::int64_t start_event = 0;
  // Names the key; "" when the instance has to be read from the store.
  std::string data_key;
  // The event that started it; null when it has to be read from the store.
  Json envelope;
  std::shared_ptr<const Origin> origin;
  std::string patient;
};
// An event carries a key that a listen of the instance waits for. Offered twice, the listen drops
// the second.
struct EventMatch {
  std::int64_t num = 0;
  std::uint64_t listen = 0;
  std::int64_t event = 0;
  // Null when it has to be read from the store.
  Json envelope;
};
// A run.workflow call has an answer.
struct ChildEnded {
  std::int64_t num = 0;
  std::uint64_t call = 0;
  ActionOutcome outcome;
  // The child's id, for the audit log; "" when the child was refused.
  std::string child;
};
// The parent does not wait for the child any more.
struct CancelChild {
  std::int64_t num = 0;
};
struct CallEnded {
  std::int64_t num = 0;
  std::uint64_t call = 0;
  ActionOutcome outcome;
};
struct CallProbed {
  std::int64_t num = 0;
  std::uint64_t call = 0;
  plugin::ProbeAnswer answer;
};
struct TimerFired {
  std::int64_t num = 0;
  Timers::Entry entry;
};
struct PreparedTurn;
struct TurnCommitted {
  std::int64_t num = 0;
  std::shared_ptr<PreparedTurn> turn;
};
// The store refused a turn for good: memory is ahead of the journal. The instance is dropped and
// read again, at once or not before there is a reason to. While the audit log takes no entry,
// recovering at once would only send its calls again and again.
struct Reload {
  std::int64_t num = 0;
  bool at_once = true;
};
// The note that a call leaves is durable, or could not be stored.
struct DispatchRecorded {
  std::int64_t num = 0;
  std::uint64_t call = 0;
  bool durable = true;
};
// Reads the instance unless it is in memory, and settles its calls.
struct RecoverInstance {
  std::int64_t num = 0;
};
// Looks which children of the instance have ended, and answers their calls.
struct SettleChildren {
  std::int64_t num = 0;
};
struct CancelRequest {
  std::int64_t num = 0;
  std::string actor;
  std::string reason;
  Step step;
  std::shared_ptr<std::promise<Status>> answer;
};
struct ResolveRequest {
  std::int64_t num = 0;
  // Number of the call; 0 for the one that is next.
  std::uint64_t call = 0;
  // Make the call once more; `outcome` is not used then.
  bool again = false;
  ActionOutcome outcome;
  std::string actor;
  std::string reason;
  Step step;
  std::shared_ptr<std::promise<Status>> answer;
};
// A person has a faulted instance go on.
struct RetryRequest {
  std::int64_t num = 0;
  // As for Engine::retry.
  std::string version;
  std::string actor;
  std::string reason;
  Step step;
  std::shared_ptr<std::promise<Status>> answer;
};
// To every worker: takes up what its instances have lost.
struct SweepResidents {};
// To every worker: the instances of the partition leave memory. Those with a commit in flight stay
// until the partition is released once more.
struct ReleasePartition {
  int partition = 0;
  std::shared_ptr<std::promise<void>> done;
};
using Message = std::variant<BeginInstance, EventMatch, CallEnded, CallProbed, ChildEnded,
                             TimerFired, TurnCommitted, Reload, DispatchRecorded, RecoverInstance,
                             SettleChildren, CancelChild, CancelRequest, ResolveRequest,
                             RetryRequest, SweepResidents, ReleasePartition>;

// An event was stored under these keys, blind indexes.
struct StoredEvent {
  std::int64_t event = 0;
  std::vector<std::string> keys;
  Json envelope;
};
// A listen was stored that waits for these keys, blind indexes.
struct StoredListen {
  std::int64_t num = 0;
  std::uint64_t listen = 0;
  // Events with a higher number may be consumed.
  std::int64_t start_event = 0;
  std::vector<std::string> keys;
};
// Work that is left once a transaction is durable. A job that runs again starts from an empty
// one.
struct AfterCommit {
  std::vector<BeginInstance> begins;
  std::vector<ChildEnded> answers;
  std::vector<CancelChild> cancels;
  std::vector<Timers::Entry> timers;
  // Listens are looked up for the events and stored events for the listens, both after the commit:
  // whichever of the two was committed last sees the other.
  std::vector<StoredEvent> events;
  std::vector<StoredListen> listens;
  // Events of the transaction that had come before.
  std::size_t known_events = 0;
  // An event starts an instance when the one that lives has ended without having heard it.
  bool unheard = false;
};

}  // namespace rabt::engine
