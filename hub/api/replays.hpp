#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "hub/base/clock.hpp"
#include "hub/base/mutex.hpp"
#include "hub/base/random.hpp"
#include "hub/base/result.hpp"
#include "hub/http/server.hpp"
#include "hub/identity/principal.hpp"
#include "hub/keys/data_keys.hpp"
#include "hub/store/store.hpp"

namespace rabt::api {

// Calls that name an Idempotency-Key: a caller who does not know whether his call arrived sends it
// again, and gets the answer of the first. Answers are sealed, and kept for seven days. Internally
// synchronised.
class Replays {
 public:
  struct Parts {
    store::Store& store;
    keys::DataKeys& keys;
    const Clock& clock;
    Random& random;
  };
  explicit Replays(Parts parts) : parts_(parts) {}

  // Time at which the row is written: before the act begins, or within the act's own commit.
  enum class When : std::uint8_t { before, within };
  // A call that begins: what it is kept under. Empty when the call has no key.
  struct Ticket {
    std::string tenant;
    std::string key;
    std::string fingerprint;
    When when = When::before;
    // Key that seals the answer.
    std::shared_ptr<const crypto::DataKey> data_key;
    // The act's commit held the answer; the same call elsewhere was quicker.
    bool kept = false;
    bool beaten = false;
    // Body of the answer that the commit held. The call may have had more to say by its end.
    std::string kept_body;
  };
  struct Beginning {
    Ticket ticket;
    // The answer of the same call before.
    std::optional<http::Response> answer;
  };
  // Durable before the call does anything, unless the act's own commit will write it. The body has
  // arrived; digest is the one of a body that nobody holds, and empty for every other. Errors:
  // invalid idempotency.key; invalid idempotency.reused (another call had the key); conflict
  // idempotency.running; conflict idempotency.outcome_unknown (the hub ended within the first call,
  // which may have had its effect).
  [[nodiscard]] Result<Beginning> begin(const identity::Principal& who, std::string_view operation,
                                        const http::Request& request, When when = When::before,
                                        std::string_view digest = {});
  // Inside the act's job: the answer, in the same commit. Error conflict idempotency.running: the
  // same call was quicker elsewhere.
  [[nodiscard]] Status keep(store::Transaction& transaction, Ticket& ticket,
                            const http::Response& response);
  // The answer is kept, in place of the one that the act's commit held, unless the same call may
  // succeed later: then the key is free again. After
  // an answer of 500 nobody knows what happened, and the key stays taken.
  void finish(const Ticket& ticket, const http::Response& response);

 private:
  struct Row;
  [[nodiscard]] Result<http::Response> open(const Row& row, const Ticket& ticket);
  [[nodiscard]] std::string seal(const Ticket& ticket, const http::Response& response) const;

  const Parts parts_;
  Mutex mutex_;
  // Keys of calls that run in this process.
  std::set<std::string> running_ RABT_GUARDED_BY(mutex_);
};

}  // namespace rabt::api
