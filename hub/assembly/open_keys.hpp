#pragma once

#include <memory>

#include "hub/base/clock.hpp"
#include "hub/base/random.hpp"
#include "hub/base/result.hpp"
#include "hub/config/config.hpp"
#include "hub/crypto/keyring.hpp"
#include "hub/keys/retention.hpp"
#include "hub/net/http_client.hpp"

namespace rabt::assembly {

// The keyring of a data folder under the configured root, with keys of the configured tenant. Both
// are made when the folder has neither keyring nor database. Errors: cli.keyring_missing,
// config.missing_secret, and those of the keyring and the root. All outlive the keyring.
[[nodiscard]] Result<std::unique_ptr<crypto::Keyring>> open_keyring(const config::Config& config,
                                                                    net::HttpClient& http,
                                                                    const Clock& clock,
                                                                    Random& random);
[[nodiscard]] keys::RetentionPolicy retention_of(const config::Config& config);

}  // namespace rabt::assembly
