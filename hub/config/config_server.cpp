#include <charconv>

#include "hub/config/config_reader.hpp"

// The section `server`.
namespace rabt::config {

namespace {

void read_tls(Reader& reader, const YamlNode& tls, ServerEntry& out) {
  reader.only(tls, {"cert", "key", "min"});
  reader.path(tls, "cert", out.tls_certificates, true);
  reader.path(tls, "key", out.tls_key, true);
  std::string min = "1.2";
  reader.choice(tls, "min", {"1.2", "1.3"}, min);
  out.tls_only_1_3 = min == "1.3";
}

// "50/s", "120/min" or "off".
bool read_limit(std::string_view text, api::Limit& limit) {
  constexpr int kMost = 1'000'000;
  if (text == "off") {
    limit.count = 0;
    return true;
  }
  int count = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, failure] = std::from_chars(text.data(), end, count);
  if (failure != std::errc() || count < 1 || count > kMost) return false;
  const std::string_view unit(stop, static_cast<std::size_t>(end - stop));
  if (unit == "/s") limit = api::per_second(limit.name, count);
  if (unit == "/min") limit = api::per_minute(limit.name, count);
  if (unit == "/h") limit = api::per_hour(limit.name, count);
  return unit == "/s" || unit == "/min" || unit == "/h";
}

void read_rates(Reader& reader, const YamlNode& rates, api::RateOptions& out) {
  reader.only(rates,
              {"sign_in", "invitation", "registration", "anonymous", "read", "write", "rare",
               "connect", "enter", "hook", "refused", "concurrent", "connections", "bodies_mib"});
  for (api::Limit* limit :
       {&out.sign_in, &out.invitation, &out.registration, &out.anonymous, &out.read, &out.write,
        &out.rare, &out.connect, &out.enter, &out.hook, &out.refused}) {
    std::string text;
    reader.text(rates, limit->name, text);
    if (text.empty() || read_limit(text, *limit)) continue;
    const YamlEntry& entry = *rates.find(limit->name);
    reader.mistake(entry.line, entry.column,
                   "`" + entry.key + "` must be a rate such as 50/s, 120/min or 60/h, or `off`");
  }
  reader.integer(rates, "concurrent", 0, 10'000, out.concurrent);
  reader.integer(rates, "connections", 0, 10'000, out.connections);
  int bodies = static_cast<int>(out.bodies >> 20U);
  reader.integer(rates, "bodies_mib", 0, 1024, bodies);
  out.bodies = static_cast<std::int64_t>(bodies) << 20U;
}

void read_proxies(Reader& reader, const YamlNode& server, api::Proxies& out) {
  std::vector<std::string> texts;
  reader.texts(server, "trusted_proxies", texts);
  auto proxies = api::Proxies::make(texts);
  if (proxies.ok()) {
    out = *std::move(proxies);
    return;
  }
  const YamlEntry& entry = *server.find("trusted_proxies");
  reader.mistake(entry.line, entry.column, "`trusted_proxies`: " + proxies.error().message);
}

void read_mtls(Reader& reader, const YamlNode& mtls, ServerEntry& out) {
  MtlsEntry& entry = out.mtls.emplace();
  entry.address = out.address;
  reader.only(mtls, {"address", "port", "ca", "crl"});
  reader.address(mtls, "address", entry.address);
  reader.integer(mtls, "port", 0, 65535, entry.port);
  reader.path(mtls, "ca", entry.authorities, true);
  reader.path(mtls, "crl", entry.revoked);
}

// Paths of the hub are put behind it.
void read_public_url(Reader& reader, const YamlNode& server, std::string& out) {
  reader.url(server, "public_url", out);
  while (out.ends_with('/')) out.pop_back();
  if (out.find('?') == std::string::npos) return;
  const YamlEntry& entry = *server.find("public_url");
  reader.mistake(entry.line, entry.column,
                 "`public_url` holds more than scheme, host, port and path");
}

}  // namespace

void read_listeners(Reader& reader, const YamlNode& server, ServerEntry& out) {
  reader.address(server, "address", out.address);
  reader.integer(server, "port", 0, 65535, out.port);
  read_proxies(reader, server, out.proxies);
  std::string plain;
  reader.choice(server, "plain", {"behind-proxy"}, plain);
  if (const YamlNode* tls = reader.section(server, "tls")) {
    read_tls(reader, *tls, out);
    if (!plain.empty()) {
      const YamlEntry& entry = *server.find("plain");
      reader.mistake(entry.line, entry.column,
                     "`server.plain` and `server.tls` exclude each other");
    }
  } else if (plain.empty() && !is_loopback(out.address)) {
    const YamlEntry& entry = *server.find("address");
    reader.mistake(entry.line, entry.column,
                   "without `server.tls` the hub speaks plain HTTP, which is for this machine "
                   "alone; add `tls: {cert: FILE, key: FILE}`, or `plain: behind-proxy` when a "
                   "proxy in front speaks TLS");
  }
  if (const YamlNode* mtls = reader.section(server, "mtls")) {
    read_mtls(reader, *mtls, out);
    if (out.tls_certificates.empty()) {
      const YamlEntry& entry = *server.find("mtls");
      reader.mistake(entry.line, entry.column,
                     "`server.mtls` needs the hub's own certificate: add `server.tls`");
    }
  }
  check_ports(reader, server, out);
}

void read_server(Reader& reader, const YamlNode& root, Config& config) {
  const YamlNode* server = reader.section(root, "server");
  if (server == nullptr) return;
  reader.only(*server, {"address", "port", "public_url", "tls", "mtls", "plain", "rates",
                        "trusted_proxies", "cors"});
  read_public_url(reader, *server, config.public_url);
  reader.origins(*server, "cors", config.cors);
  if (const YamlNode* rates = reader.section(*server, "rates"))
    read_rates(reader, *rates, config.rates);
  read_listeners(reader, *server, config.server);
}

}  // namespace rabt::config
