#include "hub/config/config_reader.hpp"

// The section `server`.
namespace rabt::config {

namespace {

bool is_loopback(std::string_view address) {
  return address.starts_with("127.") || address == "::1";
}

void read_tls(Reader& reader, const YamlNode& tls, Config& config) {
  reader.only(tls, {"cert", "key", "min"});
  reader.path(tls, "cert", config.tls_certificates, true);
  reader.path(tls, "key", config.tls_key, true);
  std::string min = "1.2";
  reader.choice(tls, "min", {"1.2", "1.3"}, min);
  config.tls_only_1_3 = min == "1.3";
}

}  // namespace

void read_server(Reader& reader, const YamlNode& root, Config& config) {
  const YamlNode* server = reader.section(root, "server");
  if (server == nullptr) return;
  reader.only(*server, {"address", "port", "public_url", "tls", "plain"});
  reader.text(*server, "address", config.address);
  reader.integer(*server, "port", 0, 65535, config.port);
  reader.text(*server, "public_url", config.public_url);
  std::string plain;
  reader.choice(*server, "plain", {"behind-proxy"}, plain);
  if (const YamlNode* tls = reader.section(*server, "tls")) {
    read_tls(reader, *tls, config);
    if (!plain.empty()) {
      const YamlEntry& entry = *server->find("plain");
      reader.mistake(entry.line, entry.column,
                     "`server.plain` and `server.tls` exclude each other");
    }
  } else if (plain.empty() && !is_loopback(config.address)) {
    const YamlEntry& entry = *server->find("address");
    reader.mistake(entry.line, entry.column,
                   "without `server.tls` the hub speaks plain HTTP, which is for this machine "
                   "alone; add `tls: {cert: FILE, key: FILE}`, or `plain: behind-proxy` when a "
                   "proxy in front speaks TLS");
  }
}

}  // namespace rabt::config
