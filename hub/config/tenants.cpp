#include "hub/config/tenants.hpp"

#include <algorithm>
#include <filesystem>
#include <map>
#include <utility>

#include "hub/config/config_reader.hpp"
#include "hub/net/url.hpp"

namespace rabt::config {

namespace {

namespace fs = std::filesystem;

// A tenant's name is a part of the paths of its deliveries.
bool good_name(std::string_view name) {
  return !name.empty() && name.size() <= 64 && name.front() != '.' &&
         std::all_of(name.begin(), name.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  c == '-' || c == '_' || c == '.';
         });
}

void read_hosts(Reader& reader, const YamlNode& node, std::vector<std::string>& out) {
  std::vector<std::string> given;
  reader.texts(node, "hosts", given);
  for (const std::string& host : given) {
    std::string name = host_of(host);
    if (name.empty() || host.find(':') != std::string::npos) {
      const YamlEntry& entry = *node.find("hosts");
      reader.mistake(entry.line, entry.column,
                     "`" + host +
                         "` is no host name; write such as hub.hospital.example, without "
                         "scheme, port and *");
      continue;
    }
    out.push_back(std::move(name));
  }
}

TenantEntry read_entry(Reader& reader, const YamlEntry& from) {
  TenantEntry out{.name = from.key, .file = {}, .hosts = {}, .tls_certificates = {}, .tls_key = {}};
  const YamlNode& node = *from.value;
  if (!good_name(from.key)) {
    reader.mistake(from.line, from.column,
                   "`" + from.key + "` must be a name of letters, digits, `-`, `_` and `.`");
  }
  if (!reader.mapping(node, "`" + from.key + "`")) return out;
  reader.only(node, {"config", "hosts", "tls"});
  reader.path(node, "config", out.file, true);
  read_hosts(reader, node, out.hosts);
  if (out.hosts.empty()) {
    reader.mistake(from.line, from.column,
                   "`" + from.key +
                       "` needs `hosts`: by its host name the hub knows whose a "
                       "request is");
  }
  if (const YamlNode* tls = reader.section(node, "tls")) {
    reader.only(*tls, {"cert", "key"});
    reader.path(*tls, "cert", out.tls_certificates, true);
    reader.path(*tls, "key", out.tls_key, true);
  }
  return out;
}

void read_tenants(Reader& reader, const YamlEntry& tenants, Tenants& out) {
  if (!reader.mapping(*tenants.value, "`tenants`")) return;
  if (tenants.value->entries.empty())
    reader.mistake(tenants.line, tenants.column, "`tenants` names no tenant");
  std::map<std::string, std::string> owners;
  for (const YamlEntry& entry : tenants.value->entries) {
    TenantEntry tenant_entry = read_entry(reader, entry);
    for (const std::string& host : tenant_entry.hosts) {
      const auto [owner, is_new] = owners.emplace(host, tenant_entry.name);
      if (is_new) continue;
      reader.mistake(entry.line, entry.column,
                     "the host `" + host + "` is that of `" + owner->second + "` already");
    }
    if (!tenant_entry.tls_certificates.empty() && out.server.tls_certificates.empty()) {
      reader.mistake(entry.line, entry.column,
                     "`tls` of a tenant needs `server.tls`: the certificate of those who name no "
                     "host");
    }
    out.entries.push_back(std::move(tenant_entry));
  }
}

// Refuses settings that one of several tenants must not make.
void check_shared(Reader& reader, const YamlNode& root, const Tenants& tenants,
                  const TenantEntry& entry, const Config& config) {
  const auto place = [&](std::string_view key) {
    const YamlEntry* found = root.find(key);
    return found == nullptr ? std::pair{root.line, root.column}
                            : std::pair{found->line, found->column};
  };
  if (config.tenant != entry.name) {
    const auto [line, column] = place("tenant");
    reader.mistake(
        line, column,
        "`tenant` must be `" + entry.name + "`, as " + tenants.file + " calls this tenant");
  }
  if (const YamlNode* server = reader.section(root, "server")) {
    for (const YamlEntry& yaml_entry : server->entries) {
      if (yaml_entry.key == "public_url" || yaml_entry.key == "rates" || yaml_entry.key == "cors")
        continue;
      reader.mistake(
          yaml_entry.line, yaml_entry.column,
          "`server." + yaml_entry.key + "` is set once for all tenants, in " + tenants.file);
    }
  }
  if (!config.public_url.empty()) {
    const auto url = net::parse_url(config.public_url);
    const auto& hosts = entry.hosts;
    if (!url.ok() || std::find(hosts.begin(), hosts.end(), url->host) == hosts.end()) {
      const auto [line, column] = place("server");
      reader.mistake(line, column,
                     "`server.public_url` must be at one of the hosts that " + tenants.file +
                         " gives this tenant");
    }
  }
  for (const auto& [id, plugin] : config.plugin) {
    if (!plugin.in_process) continue;
    const auto [line, column] = place("plugin");
    reader.mistake(line, column,
                   "plugin " + id +
                       ": `isolation: inline` would mix the memory of several tenants; "
                       "leave it out");
  }
}

std::string real(const std::string& path) {
  std::error_code failure;
  const fs::path found = fs::weakly_canonical(path, failure);
  return failure ? path : found.string();
}

// True if one folder is the other, or lies in it.
bool within(const std::string& text, const std::string& other) {
  const std::string inner = real(text) + "/";
  return inner.starts_with(real(other) + "/");
}

std::vector<std::string> folders_of(const Config& config) {
  std::vector<std::string> out{config.data, config.plugins};
  for (const AuditAnchor& anchor : config.audit.anchors) {
    if (!anchor.folder.empty()) out.push_back(anchor.folder);
  }
  for (const auto& [id, plugin] : config.plugin) {
    if (!plugin.record.empty()) out.push_back(plugin.record);
  }
  return out;
}

// Which key this is: equal for two configurations with the same root.
std::string root_of(const Config& config) {
  const KeysConfig& keys = config.keys;
  if (keys.kind == "env") return "env " + keys.env;
  if (keys.kind == "pkcs11") return "pkcs11 " + keys.token + " " + keys.key;
  if (keys.kind == "vault")
    return "vault " + keys.url + " " + keys.name_space + " " + keys.mount + " " + keys.key;
  return "file " + real(keys.file.empty() ? config.data + "/root.key" : keys.file);
}

}  // namespace

Result<std::optional<Tenants>> load_tenants(const std::string& path) {
  RABT_TRY(root, read_yaml(path, "the configuration", kOtherFile));
  const YamlEntry* several = root->find("tenants");
  if (several == nullptr) return std::optional<Tenants>();
  Reader reader(path);
  Tenants out;
  out.file = path;
  reader.only(*root, {"tenants", "server", "log"});
  if (const YamlNode* server = reader.section(*root, "server")) {
    reader.only(*server, {"address", "port", "tls", "mtls", "plain", "trusted_proxies"});
    read_listeners(reader, *server, out.server);
  }
  read_log(reader, *root, out.log_level, out.log_file);
  read_tenants(reader, *several, out);
  RABT_TRY_STATUS(reader.end());
  return std::optional(std::move(out));
}

Result<Config> load_tenant(const Tenants& tenants, const TenantEntry& entry) {
  RABT_TRY(root, read_yaml(entry.file, "the configuration of the tenant " + entry.name));
  Reader reader(entry.file);
  Config config;
  config.file = entry.file;
  config.common = tenants.file;
  read_all(reader, *root, config);
  check_shared(reader, *root, tenants, entry, config);
  config.server = tenants.server;
  check_ports(reader, *root, config);
  RABT_TRY_STATUS(reader.end());
  config.one_of_several = true;
  return config;
}

Result<std::string> file_of(const std::string& path, std::string_view tenant) {
  RABT_TRY(several, load_tenants(path));
  if (!several) {
    return invalid("config.tenant",
                   path + " is the configuration of one tenant; leave --tenant out");
  }
  std::string names;
  for (const TenantEntry& entry : several->entries) {
    if (entry.name == tenant) return entry.file;
    names.append(names.empty() ? "" : ", ").append(entry.name);
  }
  return invalid("config.tenant",
                 path + " names no tenant `" + std::string(tenant) + "`, but: " + names);
}

Status apart(const Config& config, const Config& other) {
  const auto shared = [&](const std::string& what, const std::string& value) {
    return invalid("config.shared", config.file + " and " + other.file + " have the same " + what +
                                        ", " + value +
                                        "; tenants have nothing in common: give each its own");
  };
  for (const std::string& mine : folders_of(config)) {
    for (const std::string& theirs : folders_of(other)) {
      if (within(mine, theirs)) return shared("folder", theirs);
      if (within(theirs, mine)) return shared("folder", mine);
    }
  }
  if (!config.log_file.empty() && real(config.log_file) == real(other.log_file))
    return shared("log file", config.log_file);
  if (config.audit.origin == other.audit.origin)
    return shared("name of the audit log", config.audit.origin);
  if (root_of(config) == root_of(other)) return shared("root of all keys", root_of(config));
  for (const Listening& mine : listeners_of(config)) {
    for (const Listening& theirs : listeners_of(other)) {
      if (clash(mine, theirs))
        return shared("port", std::to_string(mine.port) + " (`" + mine.setting + "` and `" +
                                  theirs.setting + "`)");
    }
  }
  return ok_status();
}

std::string host_of(std::string_view authority) {
  const auto url = net::parse_url("http://" + std::string(authority));
  // Nothing but host and port.
  if (!url.ok() || authority.find('/') != std::string_view::npos ||
      authority.find('?') != std::string_view::npos)
    return "";
  return url->host;
}

}  // namespace rabt::config
