#pragma once

#include <memory>

#include "hub/audit/audit_log.hpp"
#include "hub/base/clock.hpp"
#include "hub/base/log.hpp"
#include "hub/base/random.hpp"
#include "hub/base/result.hpp"
#include "hub/cli/config.hpp"
#include "hub/crypto/keyring.hpp"
#include "hub/keys/retention.hpp"
#include "hub/net/http_client.hpp"
#include "hub/store/store.hpp"

namespace rabt::cli {

// The keyring of a data folder under the configured root, with keys of the configured tenant. Both
// are made when the folder has neither keyring nor database. Errors: cli.keyring_missing,
// config.missing_secret, and those of the keyring and the root. All outlive the keyring.
[[nodiscard]] Result<std::unique_ptr<crypto::Keyring>> open_keyring(const Config& config,
                                                                    net::HttpClient& http,
                                                                    const Clock& clock,
                                                                    Random& random);
// The audit log of a data folder, with its folder anchors. log outlives it.
[[nodiscard]] Result<std::unique_ptr<audit::AuditLog>> open_audit(store::Store& store,
                                                                  const crypto::Keyring& keyring,
                                                                  const Config& config,
                                                                  const Clock& clock, Logger& log);
[[nodiscard]] keys::RetentionPolicy retention_of(const Config& config);

}  // namespace rabt::cli
