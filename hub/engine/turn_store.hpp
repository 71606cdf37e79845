#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "hub/engine/events.hpp"
#include "hub/engine/schedules.hpp"
#include "hub/engine/turn.hpp"

// A turn on its way into the store: sealed by prepare_turn, written by store_turn.
namespace rabt::engine {

struct PreparedListen {
  std::uint64_t id = 0;
  // Blind indexes.
  std::vector<std::string> keys;
};

// Step::first
using FirstInCommit = std::function<Status(store::Transaction&)>;

struct PreparedTurn {
  Turn turn;
  // May be unset.
  FirstInCommit first;
  // The instance, as the turn found it.
  std::int64_t num = 0;
  std::int64_t definition = 0;
  std::string patient;
  std::int64_t start_event = 0;
  std::shared_ptr<const Origin> origin;
  // Data to store.
  std::string journal;
  audit::Prepared audit_entry;
  // An entry for each call that leaves the hub.
  std::vector<audit::Prepared> disclosures;
  std::vector<PreparedListen> listens;
  std::vector<PreparedEvent> events;
  std::vector<PreparedStart> starts;
  // Filled by store_turn.
  AfterCommit after;
};

// Parts that prepare and store a turn.
struct TurnTools {
  Context& context;
  const Definitions& definitions;
  const Starts& starts;
  const Events& events;
  WantedTypes& wanted;
};

// Makes the turn ready for storing. Error when a key is damaged: the instance is ahead of the
// journal then, and is to be read again.
[[nodiscard]] Result<std::shared_ptr<PreparedTurn>> prepare_turn(
    const TurnTools& tools, const ResidentInstance& instance, Turn turn, const crypto::DataKey& key,
    const std::shared_ptr<const KeyLease>& lease, std::vector<audit::Prepared> disclosures);

// Writes the turn. Inside a job of the instance's lane; starts from an empty `after` when it runs
// again.
Status store_turn(store::Transaction& transaction, const TurnTools& tools, PreparedTurn& turn);

}  // namespace rabt::engine
