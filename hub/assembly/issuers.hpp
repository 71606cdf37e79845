#pragma once

#include <vector>

#include "hub/base/clock.hpp"
#include "hub/base/result.hpp"
#include "hub/config/config.hpp"
#include "hub/identity/accounts.hpp"
#include "hub/identity/issuers.hpp"
#include "hub/identity/oidc.hpp"
#include "hub/net/http_client.hpp"

namespace rabt::assembly {

// The issuers of a configuration, with their secrets and keys read. Errors name the issuer and say
// what to do: config.missing_secret, config.io, identity.secret, identity.issuer, crypto.jwk.
[[nodiscard]] Result<identity::Issuers> read_issuers(const config::Config& config,
                                                     const Clock& clock, net::HttpClient& http);

// Options of an issuer, with its secret or its keys read. Errors: config.missing_secret, config.io.
[[nodiscard]] Result<identity::IssuerOptions> issuer_options(const config::IssuerEntry& entry);

// Reaches these origins and nothing else, by the settings of `http`.
[[nodiscard]] Result<identity::Exchange> exchange_with(const std::vector<std::string>& origins,
                                                       const config::Config& config,
                                                       net::HttpClient& http);

// Those at which browsers sign in. Errors: config.missing_secret, config.public_url.
[[nodiscard]] Result<std::vector<identity::OidcOptions>> read_oidc(const config::Config& config);

// Reaches the hosts of the issuers, and those that they name in `hosts`; nothing else.
[[nodiscard]] Result<identity::Exchange> issuer_exchange(const config::Config& config,
                                                         net::HttpClient& http);

// Systems whose numbers name people who sign in: of issuers of tokens and of OpenID Connect.
[[nodiscard]] std::vector<std::string> sign_in_systems(const config::Config& config);
// Accounts, with the host and the origins of passkeys: unless the configuration names others, those
// of server.public_url. Errors: config.passkeys (an origin is none that a browser would take, or
// there is none for the host), config.io.
[[nodiscard]] Result<identity::AccountOptions> account_options(const config::Config& config);

}  // namespace rabt::assembly
