#include "hub/assembly/webhooks.hpp"

#include "hub/net/url.hpp"

namespace rabt::assembly {

namespace {

Result<webhooks::Configured> read_webhook(const config::WebhookEntry& entry) {
  auto secrets = std::make_shared<std::vector<webhooks::SigningSecret>>();
  for (const config::SecretSource& from : entry.secrets) {
    RABT_TRY(text, config::read_secret(from));
    RABT_TRY(secret, webhooks::SigningSecret::parse(text->expose_text()));
    secrets->push_back(std::move(secret));
  }
  return webhooks::Configured{
      .name = entry.name,
      .url = entry.url,
      .wants = {.events = entry.events, .types = entry.types, .clinics = entry.clinics},
      .secrets = std::move(secrets)};
}

}  // namespace

Result<std::unique_ptr<webhooks::Webhooks>> open_webhooks(const config::Config& config,
                                                          Foundation& base) {
  std::vector<webhooks::Configured> configured;
  std::vector<std::string> hosts = config.http.webhooks;
  for (const config::WebhookEntry& entry : config.webhooks) {
    auto one = read_webhook(entry);
    if (!one.ok())
      return invalid(one.error().code, "webhook " + entry.name + ": " + one.error().message);
    RABT_TRY(url, net::parse_url(entry.url));
    hosts.push_back(url.host_port());
    configured.push_back(*std::move(one));
  }
  RABT_TRY(allow, net::AllowList::make(hosts, config.http.allow_private));
  std::shared_ptr<const net::TlsOptions> tls;
  if (!config.http.ca.empty())
    tls = std::make_shared<const net::TlsOptions>(net::TlsOptions{.ca_file = config.http.ca});
  return webhooks::Webhooks::open(
      {.store = *base.store,
       .audit = *base.audit,
       .keys = *base.keys,
       .http = *base.http,
       .clock = base.clock,
       .random = base.random,
       .ids = base.ids,
       .log = base.log,
       .tenant = config.tenant,
       .allow = std::make_shared<const net::AllowList>(std::move(allow)),
       .tls = std::move(tls)},
      std::move(configured));
}

}  // namespace rabt::assembly
