#include "hub/config/config_reader.hpp"
#include "hub/net/url.hpp"

// The ports of all listeners, each of which one listener can have.
namespace rabt::config {

namespace {

// 0.0.0.0 stands for every IPv4 address, and :: for all.
bool covers(const net::IpAddress& all, const net::IpAddress& address) {
  return all == net::IpAddress{.v6 = all.v6, .bytes = {}} && (all.v6 || !address.v6);
}

std::vector<Listening> listeners_of(const ServerEntry& server) {
  std::vector<Listening> out{{.section = "server",
                              .name = "port",
                              .setting = "server.port",
                              .address = server.address,
                              .port = server.port}};
  if (server.mtls) {
    out.push_back({.section = "server",
                   .name = "mtls",
                   .setting = "server.mtls.port",
                   .address = server.mtls->address,
                   .port = server.mtls->port});
  }
  return out;
}

std::string both(const Listening& listening, const Listening& other) {
  return "`" + listening.setting + "` and `" + other.setting + "` are both " +
         std::to_string(listening.port) + "; give each a port of its own";
}

}  // namespace

std::vector<Listening> listeners_of(const Config& config) {
  std::vector<Listening> out;
  for (const auto& [name, door] : config.doors) {
    if (!door.enabled || !door.listen) continue;
    out.push_back({.section = "doors",
                   .name = name,
                   .setting = "doors." + name + ".listen",
                   .address = config.server.address,
                   .port = *door.listen});
  }
  for (const SourceEntry& source : config.sources) {
    if (!source.listen) continue;
    out.push_back({.section = "sources",
                   .name = source.name,
                   .setting = "sources." + source.name + ".listen.port",
                   .address = source.listen->address,
                   .port = source.listen->port});
  }
  return out;
}

bool clash(const Listening& listening, const Listening& other) {
  if (listening.port != other.port || listening.port == 0) return false;
  if (listening.address == other.address) return true;
  const auto first = net::parse_ip(listening.address);
  const auto second = net::parse_ip(other.address);
  // An address with a zone is no other's.
  if (!first || !second) return false;
  return *first == *second || covers(*first, *second) || covers(*second, *first);
}

void check_ports(Reader& reader, const YamlNode& root, const Config& config) {
  // A port that is wrong has been left at its default.
  if (!reader.end().ok()) return;
  std::vector<Listening> before = listeners_of(config.server);
  for (const Listening& listening : listeners_of(config)) {
    const YamlEntry& entry = *root.find(listening.section)->value->find(listening.name);
    for (const Listening& other : before) {
      if (clash(listening, other)) reader.mistake(entry.line, entry.column, both(listening, other));
    }
    before.push_back(listening);
  }
}

void check_ports(Reader& reader, const YamlNode& server, const ServerEntry& entry) {
  const std::vector<Listening> all = listeners_of(entry);
  if (all.size() < 2 || !clash(all.front(), all.back())) return;
  const YamlEntry& place = *server.find(all.back().name);
  reader.mistake(place.line, place.column, both(all.back(), all.front()));
}

}  // namespace rabt::config
