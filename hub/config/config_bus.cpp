#include <algorithm>

#include "hub/base/number.hpp"
#include "hub/config/config_reader.hpp"
#include "hub/net/url.hpp"

// The section `bus`: RabbitMQ.
namespace rabt::config {

namespace {

constexpr int kPort = 5672;
constexpr int kTlsPort = 5671;
constexpr int kLongestHeartbeat = 600;
constexpr std::size_t kMostHosts = 16;
// Limit of AMQP for names, in bytes.
constexpr std::size_t kLongestName = 127;

bool is_this_machine(const std::string& host) {
  const auto address = net::parse_ip(host);
  return host == "localhost" || (address && net::is_loopback(*address));
}

void read_hosts(Reader& reader, const YamlNode& node, const Config& config, BusEntry& bus) {
  reader.texts(node, "hosts", bus.hosts);
  if (bus.hosts.empty() || bus.hosts.size() > kMostHosts) {
    reader.mistake(node.line, node.column,
                   "`bus` needs `hosts`, a list of the brokers of one cluster, such as "
                   "[rabbit1.example.sa, rabbit2.example.sa:5671]");
  }
  for (const std::string& text : bus.hosts) {
    const auto host = read_broker_host(text, bus.tls);
    if (!host.ok()) {
      reader.mistake(node.line, node.column, host.error().message);
    } else if (!bus.tls && !config.http.allow_private && !is_this_machine(host->name)) {
      reader.mistake(node.line, node.column,
                     "`bus.tls: false` sends ids of patients and the password in the clear to `" +
                         host->name +
                         "`: leave it out and name the broker's TLS port (5671), or set "
                         "`http.allow_private` when the network between them is yours alone");
    }
  }
}

void read_keys(Reader& reader, const YamlNode& node, BusEntry& bus) {
  const YamlEntry* const keys = node.find("keys");
  if (keys == nullptr) return;
  bus.keys.clear();
  if (keys->value->kind != YamlNode::Kind::sequence) {
    reader.mistake(keys->line, keys->column,
                   "`bus.keys` must be a list of {event, key, appointment}");
    return;
  }
  for (const auto& item : keys->value->items) {
    if (!reader.mapping(*item, "an entry of `bus.keys`")) continue;
    webhooks::Route route;
    reader.only(*item, {"event", "key", "appointment"});
    reader.text(*item, "event", route.event, true);
    reader.text(*item, "key", route.key, true);
    reader.flag(*item, "appointment", route.appointment);
    bus.keys.push_back(std::move(route));
  }
  if (const Status good = webhooks::check_routes(bus.keys); !good.ok())
    reader.mistake(keys->line, keys->column, "`bus.keys`: " + good.error().message);
}

}  // namespace

Result<bus::Host> read_broker_host(const std::string& text, bool tls) {
  // The host and the port of a URL, by the parser of URLs.
  const std::string mistake = "`bus.hosts`: `" + text + "` is no host, and no host:port";
  if (text.find_first_of("/?#@") != std::string::npos) return invalid("config.invalid", mistake);
  const auto url = net::parse_url("https://" + text + "/");
  if (!url.ok()) return invalid("config.invalid", mistake);
  const auto bracket = text.rfind(']');
  const bool named =
      text.find(':', bracket == std::string::npos ? 0 : bracket) != std::string::npos;
  const int usual = tls ? kTlsPort : kPort;
  return bus::Host{.name = url->host, .port = named ? url->port : usual};
}

void read_bus(Reader& reader, const YamlNode& root, Config& config) {
  const YamlNode* const node = reader.section(root, "bus");
  if (node == nullptr) return;
  BusEntry bus;
  reader.only(*node, {"hosts", "vhost", "user", "password", "exchange", "tls", "ca", "tls_cert",
                      "tls_key", "heartbeat", "mandatory", "keys"});
  reader.flag(*node, "tls", bus.tls);
  reader.text(*node, "vhost", bus.vhost);
  reader.text(*node, "user", bus.user, true);
  reader.text(*node, "exchange", bus.exchange);
  if (bus.exchange.empty() || bus.exchange.size() > kLongestName ||
      bus.exchange.starts_with("amq."))
    reader.mistake(node->line, node->column,
                   "`bus.exchange` must be the name of a topic exchange of at most 127 bytes; "
                   "those that begin with `amq.` are the broker's own");
  reader.path(*node, "ca", bus.ca);
  reader.path(*node, "tls_cert", bus.tls_cert);
  reader.path(*node, "tls_key", bus.tls_key);
  if (bus.tls_cert.empty() != bus.tls_key.empty())
    reader.mistake(node->line, node->column,
                   "`bus.tls_cert` and `bus.tls_key` belong together: name both, or none");
  reader.integer(*node, "heartbeat", 1, kLongestHeartbeat, bus.heartbeat);
  reader.flag(*node, "mandatory", bus.mandatory);
  read_hosts(reader, *node, config, bus);
  read_keys(reader, *node, bus);
  if (const YamlEntry* const password = node->find("password")) {
    bus.password = reader.secret(*password->value);
  } else {
    reader.mistake(node->line, node->column,
                   "`bus` needs `password`: {file: PATH} or {env: NAME}, where the password of "
                   "`bus.user` is");
  }
  const bool taken = std::any_of(
      config.webhooks.begin(), config.webhooks.end(),
      [](const WebhookEntry& webhook_entry) { return webhook_entry.name == "rabbitmq"; });
  if (taken)
    reader.mistake(node->line, node->column,
                   "a webhook is called `rabbitmq`, as the broker of `bus` is in the list of "
                   "webhooks; give the webhook another name");
  config.bus = std::move(bus);
}

}  // namespace rabt::config
