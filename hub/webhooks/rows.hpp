#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "hub/base/json.hpp"
#include "hub/base/result.hpp"
#include "hub/base/tally.hpp"
#include "hub/store/store.hpp"
#include "hub/webhooks/signing.hpp"
#include "hub/webhooks/wants.hpp"

// The tables webhook and webhook_delivery.
namespace rabt::webhooks {

// A webhook as it is kept. Immutable once shared.
struct Endpoint {
  std::string id;
  std::string name;
  // True if the configuration names it. Otherwise an administrator made it over the API.
  bool configured = false;
  std::string url;
  Wants wants;
  // active, paused, gone, removed
  std::string state = "active";
  std::int64_t version = 1;
  std::int64_t created_ms = 0;
  std::int64_t updated_ms = 0;
  std::string data_key;
  std::string sealed;
  // The secrets of a configured webhook. Null for the others, whose secrets are in `sealed`.
  std::shared_ptr<const std::vector<SigningSecret>> secrets;
  // Routes of events to the broker of the configuration. Null for a webhook over HTTP.
  std::shared_ptr<const std::vector<Route>> routes;

  [[nodiscard]] bool active() const { return state == "active"; }
};

struct Delivery {
  std::string id;
  std::string webhook;
  std::string event;
  std::string type;
  std::string body;
  // The routing key, and the session, whose deliveries wait for each other. Both are empty over
  // HTTP.
  std::string topic{};
  std::string subject{};
  // The trace of what caused the event. May be empty.
  std::string trace{};
  // open, done, dead
  std::string state;
  std::int64_t attempts = 0;
  std::int64_t created_ms = 0;
  std::optional<std::int64_t> tried_ms;
  std::int64_t status = 0;
  std::string code;
};

// Outcome of one attempt.
struct Attempt {
  std::string id;
  std::string state;
  std::int64_t attempts = 0;
  std::int64_t due_ms = 0;
  std::int64_t tried_ms = 0;
  std::int64_t status = 0;
  std::string code;
};

// Selection of deliveries to send again. One of the three is set.
struct Again {
  std::string delivery;
  std::optional<std::int64_t> since_ms;
  bool dead = false;
};

struct Counts {
  std::int64_t open = 0;
  std::int64_t dead = 0;
  // Unset when none is open.
  std::optional<std::int64_t> oldest_ms;
};

// Deliveries of a webhook that were given up, by its name, and its state.
struct GivenUp {
  Tally events;
  std::string state;
};
[[nodiscard]] Result<std::vector<GivenUp>> dead_deliveries(store::Store& store,
                                                           std::string_view tenant);
// Deliveries that each webhook with events has not got yet. Takes the same time for any number.
struct Untold {
  std::string name;
  // At most 1000.
  std::int64_t dead = 0;
  // Unset when nothing is open.
  std::optional<std::int64_t> oldest_ms;
};
[[nodiscard]] Result<std::vector<Untold>> untold(store::Store& store, std::string_view tenant);
[[nodiscard]] Result<std::vector<Endpoint>> read_endpoints(store::Store& store,
                                                           std::string_view tenant);
// Error conflict webhook.name_taken.
[[nodiscard]] Status insert_endpoint(store::Transaction& transaction, std::string_view tenant,
                                     const Endpoint& endpoint);
// Error conflict precondition.failed: it is not at the version before `endpoint.version` any more;
// conflict webhook.name_taken.
[[nodiscard]] Status update_endpoint(store::Transaction& transaction, std::string_view tenant,
                                     const Endpoint& endpoint);
// With its deliveries.
[[nodiscard]] Status delete_endpoint(store::Transaction& transaction, std::string_view tenant,
                                     std::string_view id);

// Does nothing when the webhook has the event already.
[[nodiscard]] Status insert_delivery(store::Transaction& transaction, std::string_view tenant,
                                     const Delivery& delivery);
// Deliveries that are due, in the order of the outbox.
[[nodiscard]] Result<std::vector<Delivery>> due_deliveries(store::Store& store,
                                                           std::string_view tenant,
                                                           std::string_view webhook,
                                                           std::int64_t now_ms, std::size_t limit);
[[nodiscard]] Status write_attempt(store::Transaction& transaction, std::string_view tenant,
                                   const Attempt& attempt);
// All that are open become dead.
[[nodiscard]] Status kill_open(store::Transaction& transaction, std::string_view tenant,
                               std::string_view webhook, std::string_view code);
// Gives how many.
[[nodiscard]] Result<std::int64_t> open_again(store::Transaction& transaction,
                                              std::string_view tenant, std::string_view webhook,
                                              const Again& again, std::int64_t now_ms);
// One that is dead, or all of them if `delivery` is empty, needs nobody any more. Gives how many.
[[nodiscard]] Result<std::int64_t> discard_dead(store::Transaction& transaction,
                                                std::string_view tenant, std::string_view webhook,
                                                std::string_view delivery);
// Newest first. Empty texts stand for no filter, and for the beginning.
[[nodiscard]] Result<std::vector<Delivery>> list_deliveries(
    store::Store& store, std::string_view tenant, std::string_view webhook, std::string_view state,
    std::string_view before, std::size_t limit);
[[nodiscard]] Result<std::optional<Delivery>> find_delivery(store::Store& store,
                                                            std::string_view tenant,
                                                            std::string_view webhook,
                                                            std::string_view id);
// Open ones that were opened before `dead_before` become dead; done and dead ones that were opened
// before their time are removed.
[[nodiscard]] Status sweep(store::Transaction& transaction, std::string_view tenant,
                           std::int64_t dead_before, std::int64_t done_before,
                           std::int64_t gone_before);
[[nodiscard]] Result<Counts> count_deliveries(store::Store& store, std::string_view tenant,
                                              std::string_view webhook);

}  // namespace rabt::webhooks
