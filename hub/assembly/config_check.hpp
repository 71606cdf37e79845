#pragma once

#include <string>
#include <vector>

#include "hub/assembly/plugins.hpp"
#include "hub/base/clock.hpp"
#include "hub/config/config.hpp"
#include "hub/crypto/tls_server.hpp"

// Why a hub would not start with a configuration, found by the functions that start it. Nothing is
// made or changed, no plugin runs, and nobody outside is asked: what stands in the database, ports
// that others use, and what a plugin itself says when it starts are not looked at.
namespace rabt::assembly {

// One text for each mistake, as an operator reads it. The listeners that all tenants share are not
// among them.
[[nodiscard]] std::vector<std::string> mistakes_of(const config::Config& config, const Clock& clock,
                                                   Unsigned unsigned_ones);
// Those of where a process listens. named: certificates_of several tenants.
[[nodiscard]] std::vector<std::string> mistakes_of(const config::ServerEntry& server,
                                                   const std::vector<crypto::TlsNamed>& named,
                                                   const Clock& clock);

}  // namespace rabt::assembly
