#pragma once

#include <memory>
#include <string>

#include "hub/crypto/seal.hpp"
#include "hub/keys/data_keys.hpp"

namespace rabt::engine {

// The keys that one delivery or one turn needs, taken before anything else: after that it cannot
// fail for want of the root of all keys. Immutable.
struct KeyLease {
  // Error unavailable keys.root: nothing that needs a key can be done now. Not inside a job.
  [[nodiscard]] static Result<std::shared_ptr<const KeyLease>> take(keys::DataKeys& keys,
                                                                    const std::string& tenant) {
    RABT_TRY(lease, keys.lease(tenant));
    RABT_TRY(event_key, lease.shared(keys::kEvent));
    return std::make_shared<const KeyLease>(KeyLease{std::move(lease), std::move(event_key)});
  }

  keys::Lease keys;
  // Seals the events that are stored now.
  std::shared_ptr<const crypto::DataKey> event_key;
};

// Time after which work tries again when keys cannot be had, in milliseconds.
inline constexpr std::int64_t kKeyRetryMs = 500;

}  // namespace rabt::engine
