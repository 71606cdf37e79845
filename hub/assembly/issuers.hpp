#pragma once

#include "hub/base/clock.hpp"
#include "hub/base/result.hpp"
#include "hub/config/config.hpp"
#include "hub/identity/issuers.hpp"

namespace rabt::assembly {

// The issuers of a configuration, with their secrets and keys read. Errors name the issuer and say
// what to do: config.missing_secret, config.io, identity.secret, identity.issuer, crypto.jwk.
[[nodiscard]] Result<identity::Issuers> read_issuers(const config::Config& config,
                                                     const Clock& clock);

}  // namespace rabt::assembly
