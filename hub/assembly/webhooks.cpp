#include "hub/assembly/webhooks.hpp"

#include "hub/api/compat/pulseone.hpp"
#include "hub/consultation/request/reference.hpp"
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

// Name of the broker among the webhooks.
constexpr std::string_view kBroker = "rabbitmq";

webhooks::Configured broker_entry(const config::BusEntry& bus) {
  webhooks::Configured out;
  out.name = kBroker;
  out.url = bus.tls ? "amqps://" : "amqp://";
  for (const std::string& host : bus.hosts) out.url += (&host == &bus.hosts[0] ? "" : ",") + host;
  out.url += "/" + bus.exchange;
  out.wants.events.clear();
  for (const webhooks::Route& key : bus.keys) out.wants.events.push_back(key.event);
  out.routes = std::make_shared<const std::vector<webhooks::Route>>(bus.keys);
  return out;
}

// The session as it is now: what is sealed of it stands in no delivery.
Result<std::string> message_of(consultation::Sessions& sessions, const std::string& tenant,
                               const webhooks::Delivery& delivery) {
  RABT_TRY(event, Json::parse(delivery.body));
  if (delivery.subject.empty())
    return api::compat::bus_message(delivery.topic, event, nullptr).dump();
  RABT_TRY(session,
           sessions.acts.membership(consultation::caller_of_hub(tenant, "bus"), delivery.subject));
  return api::compat::bus_message(delivery.topic, event, &session).dump();
}

}  // namespace

Result<bus::Options> read_bus(const config::Config& config, const config::BusEntry& from) {
  auto password = config::read_secret(from.password);
  if (!password.ok())
    return invalid(password.error().code, "bus.password: " + password.error().message);
  bus::Options options{.hosts = {},
                       .vhost = from.vhost,
                       .user = from.user,
                       .password = *std::move(password),
                       .exchange = from.exchange,
                       .tls = from.tls,
                       .ca = from.ca,
                       .tls_cert = from.tls_cert,
                       .tls_key = from.tls_key,
                       .heartbeat = from.heartbeat,
                       .mandatory = from.mandatory,
                       .name = "rabt " + config.tenant};
  for (const std::string& host : from.hosts) {
    RABT_TRY(one, config::read_broker_host(host, from.tls));
    options.hosts.push_back(std::move(one));
  }
  return options;
}

Result<std::vector<webhooks::Configured>> read_webhooks(const config::Config& config) {
  std::vector<webhooks::Configured> out;
  for (const config::WebhookEntry& entry : config.webhooks) {
    auto one = read_webhook(entry);
    if (!one.ok())
      return invalid(one.error().code, "webhook " + entry.name + ": " + one.error().message);
    out.push_back(*std::move(one));
  }
  return out;
}

Result<webhooks::Broker> make_broker(const config::Config& config, Foundation& base,
                                     consultation::Sessions& sessions) {
  if (!config.bus) return webhooks::Broker{};
  RABT_TRY(options, read_bus(config, *config.bus));
  return webhooks::Broker{
      .publisher = std::make_shared<bus::Publisher>(
          bus::Publisher::Parts{base.clock, base.random, base.log}, std::move(options)),
      .body = [&sessions, tenant = config.tenant](const webhooks::Delivery& delivery) {
        return message_of(sessions, tenant, delivery);
      }};
}

Result<std::unique_ptr<webhooks::Webhooks>> open_webhooks(const config::Config& config,
                                                          Foundation& base,
                                                          consultation::Practice& practice,
                                                          webhooks::Broker broker) {
  RABT_TRY(configured, read_webhooks(config));
  std::vector<std::string> hosts = config.http.webhooks;
  for (const webhooks::Configured& one : configured) {
    RABT_TRY(url, net::parse_url(one.url));
    hosts.push_back(url.host_port());
  }
  if (config.bus) configured.insert(configured.begin(), broker_entry(*config.bus));
  RABT_TRY(allow, net::AllowList::make(hosts, config.http.allow_private));
  RABT_TRY(patient, net::AllowList::make(config.http.patient_data, config.http.allow_private));
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
       .tls = std::move(tls),
       .broker = std::move(broker),
       .patient = std::make_shared<const net::AllowList>(std::move(patient)),
       .clinic =
           [&practice, tenant = config.tenant](std::string_view named) {
             return practice.clinics.id_of(tenant, consultation::read_reference(named));
           }},
      std::move(configured));
}

}  // namespace rabt::assembly
