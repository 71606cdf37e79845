#pragma once

#include <memory>
#include <string>

#include "hub/audit/audit_log.hpp"
#include "hub/base/clock.hpp"
#include "hub/base/ids.hpp"
#include "hub/base/random.hpp"
#include "hub/crypto/keyring.hpp"
#include "hub/keys/data_keys.hpp"
#include "hub/store/store.hpp"
#include "tests/must.hpp"

namespace rabt::test {

// The audit log of the tenant t1, as a hub opens it: checkpoints lie in the folder, and keys of the
// keyring sign them.
inline std::unique_ptr<audit::AuditLog> open_audit_log(store::Store& store, const Clock& clock,
                                                       const crypto::Keyring& keyring,
                                                       const std::string& folder) {
  return must(audit::AuditLog::open(
      store, clock, must(audit::LogOptions::of(keyring, "t1", folder, "rabt.example/test"))));
}

// Data keys under the keyring, with the retention that the hub has without a configuration.
inline std::unique_ptr<keys::DataKeys> open_data_keys(crypto::Keyring& keyring, store::Store& store,
                                                      const Clock& clock, Random& random,
                                                      UlidSource& ids) {
  return std::make_unique<keys::DataKeys>(keys::DataKeys::Parts{keyring, store, clock, random, ids},
                                          keys::RetentionPolicy{});
}

}  // namespace rabt::test
