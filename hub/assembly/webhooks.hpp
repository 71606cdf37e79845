#pragma once

#include <memory>

#include "hub/assembly/foundation.hpp"
#include "hub/config/config.hpp"
#include "hub/webhooks/webhooks.hpp"

namespace rabt::assembly {

// The webhooks of the configuration and of the API. They may reach the hosts of `http.webhooks`,
// and those that the configuration itself names. Errors: those of Webhooks::open, of their secrets
// and of the allow-list.
[[nodiscard]] Result<std::unique_ptr<webhooks::Webhooks>> open_webhooks(
    const config::Config& config, Foundation& base);

}  // namespace rabt::assembly
