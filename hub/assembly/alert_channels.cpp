#include "hub/assembly/alert_channels.hpp"

#include "hub/base/plugin_address.hpp"
#include "hub/plugin/plugin_host.hpp"

namespace rabt::assembly {

namespace {

constexpr const char* kNotify = "notify";

}  // namespace

Result<std::optional<alerts::MailOptions>> read_alert_mail(const config::Config& config) {
  const config::AlertsEntry& entry = config.alerts;
  if (!entry.mail) return std::optional<alerts::MailOptions>();
  alerts::MailOptions mail{.url = entry.mail->url,
                           .from = entry.mail->from,
                           .to = entry.mail->to,
                           .user = entry.mail->user,
                           .tenant = config.tenant,
                           .languages = entry.languages};
  if (!entry.mail->user.empty()) {
    auto password = config::read_secret(entry.mail->password);
    if (!password.ok())
      return invalid(password.error().code, "alerts.mail.password: " + password.error().message);
    mail.password = *std::move(password);
  }
  if (!entry.mail->ca.empty())
    mail.tls = std::make_shared<const net::TlsOptions>(net::TlsOptions{.ca_file = entry.mail->ca});
  // The relay stands in the hospital's own network.
  RABT_TRY(allow, net::AllowList::make({mail.url}, true));
  mail.allow = std::make_shared<const net::AllowList>(std::move(allow));
  return std::optional<alerts::MailOptions>(std::move(mail));
}

Result<alerts::Channels> make_channels(const config::Config& config, net::HttpClient& http,
                                       plugin::PluginHost& plugins, webhooks::Webhooks& webhooks,
                                       const Clock& clock) {
  const config::AlertsEntry& entry = config.alerts;
  alerts::Channels out;
  const auto at = [&](alerts::Way way) -> std::unique_ptr<alerts::Channel>& {
    return out.at(static_cast<std::size_t>(way));
  };
  at(alerts::Way::webhook) =
      alerts::make_webhook([&webhooks](const Json& event) { return webhooks.accept(event); });
  if (!entry.sms.empty()) {
    at(alerts::Way::sms) = alerts::make_sms(
        plugins, clock,
        {.to = entry.sms, .tenant = config.tenant, .language = entry.languages.back()});
  }
  RABT_TRY(mail, read_alert_mail(config));
  if (mail) at(alerts::Way::mail) = alerts::make_mail(http, *std::move(mail));
  return out;
}

alerts::Settings alert_settings(const config::Config& config) {
  alerts::Settings out = config.alerts.settings;
  const auto notify = config.roles.find(kNotify);
  if (notify != config.roles.end()) out.notify = plugin_at(notify->second);
  return out;
}

}  // namespace rabt::assembly
