#pragma once

#include <memory>

#include "hub/assembly/foundation.hpp"
#include "hub/bus/connection.hpp"
#include "hub/config/config.hpp"
#include "hub/consultation/practice/practice.hpp"
#include "hub/consultation/sessions/sessions.hpp"
#include "hub/webhooks/webhooks.hpp"

namespace rabt::assembly {

// Options of the broker from the key `bus`, with its password. Error config.missing_secret.
[[nodiscard]] Result<bus::Options> read_bus(const config::Config& config,
                                            const config::BusEntry& bus);
// The webhooks of the configuration, with their secrets. Errors name the webhook: those of
// read_secret and of SigningSecret::parse.
[[nodiscard]] Result<std::vector<webhooks::Configured>> read_webhooks(const config::Config& config);

// The broker of `bus`; without one when the configuration has none. Error config.missing_secret.
[[nodiscard]] Result<webhooks::Broker> make_broker(const config::Config& config, Foundation& base,
                                                   consultation::Sessions& sessions);

// The webhooks of the configuration and of the API, and the broker. Webhooks may reach the hosts of
// `http.webhooks`, and those that the configuration itself names. Errors: those of Webhooks::open,
// of their secrets and of the allow-list.
[[nodiscard]] Result<std::unique_ptr<webhooks::Webhooks>> open_webhooks(
    const config::Config& config, Foundation& base, consultation::Practice& practice,
    webhooks::Broker broker);

}  // namespace rabt::assembly
