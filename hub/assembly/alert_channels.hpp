#pragma once

#include <optional>

#include "hub/alerts/alerts.hpp"
#include "hub/config/config.hpp"
#include "hub/plugin/plugin_host.hpp"
#include "hub/webhooks/webhooks.hpp"

namespace rabt::assembly {

// The relay and the addresses of `alerts.mail`, with the password; unset without one. Errors: those
// of read_secret and of the allow-list.
[[nodiscard]] Result<std::optional<alerts::MailOptions>> read_alert_mail(
    const config::Config& config);
// The channels of the configuration. Errors as above.
[[nodiscard]] Result<alerts::Channels> make_channels(const config::Config& config,
                                                     net::HttpClient& http,
                                                     plugin::PluginHost& plugins,
                                                     webhooks::Webhooks& webhooks,
                                                     const Clock& clock);
// Rules and ways of the configuration.
[[nodiscard]] alerts::Settings alert_settings(const config::Config& config);

}  // namespace rabt::assembly
