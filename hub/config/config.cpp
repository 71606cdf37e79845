#include "hub/config/config.hpp"

#include <algorithm>

#include "hub/config/config_reader.hpp"
#include "hub/net/http_client.hpp"
#include "hub/workflow/execution.hpp"

// rabt.yaml as a whole, and its short sections.
namespace rabt::config {

namespace {

void read_roles(Reader& reader, const YamlNode& root, Config& config) {
  const YamlNode* roles = reader.section(root, "roles");
  if (roles == nullptr) return;
  for (const YamlEntry& entry : roles->entries) {
    if (entry.key == workflow::kHttpRole) {
      reader.mistake(entry.line, entry.column,
                     "the role `http` is the hub's own: workflows reach it with `call: http`; "
                     "choose another name");
      continue;
    }
    reader.text(*roles, entry.key, config.roles[entry.key]);
  }
}

void read_http(Reader& reader, const YamlNode& root, HttpEntry& http) {
  const YamlNode* node = reader.section(root, "http");
  if (node == nullptr) return;
  const YamlEntry& entry = *root.find("http");
  reader.only(*node, {"allow", "allow_private", "ca", "patient_data", "webhooks"});
  reader.texts(*node, "allow", http.allow);
  reader.flag(*node, "allow_private", http.allow_private);
  reader.path(*node, "ca", http.ca);
  if (const auto list = net::AllowList::make(http.allow); !list.ok())
    reader.mistake(entry.line, entry.column, "`http.allow`: " + list.error().message);
  reader.texts(*node, "webhooks", http.webhooks);
  if (const auto list = net::AllowList::make(http.webhooks); !list.ok())
    reader.mistake(entry.line, entry.column, "`http.webhooks`: " + list.error().message);
  reader.texts(*node, "patient_data", http.patient_data);
  for (const std::string& host : http.patient_data) {
    const auto stands_in = [&host](const std::vector<std::string>& hosts) {
      return std::find(hosts.begin(), hosts.end(), host) != hosts.end();
    };
    if (stands_in(http.allow) || stands_in(http.webhooks)) continue;
    reader.mistake(
        entry.line, entry.column,
        "`http.patient_data`: `" + host + "` is no entry of `http.allow` or `http.webhooks`");
  }
}

}  // namespace

void read_log(Reader& reader, const YamlNode& root, std::string& level, std::string& file) {
  const YamlNode* log = reader.section(root, "log");
  if (log == nullptr) return;
  reader.only(*log, {"level", "file"});
  reader.choice(*log, "level", {"debug", "info", "warn", "error"}, level);
  reader.path(*log, "file", file);
}

void read_all(Reader& reader, const YamlNode& root, Config& config) {
  if (!reader.mapping(root, "the configuration")) return;
  reader.only(
      root, {"tenant",     "server",   "data",   "plugins",        "migrations", "store",
             "workflows",  "roles",    "plugin", "sources",        "http",       "workflow_secrets",
             "workers",    "log",      "audit",  "plugin_sandbox", "privacy",    "keys",
             "retention",  "identity", "video",  "licence",        "consent",    "metering",
             "compliance", "phi",      "doors",  "webhooks",       "bus",        "hospital",
             "alerts",     "clinic",   "maps"});
  reader.text(root, "tenant", config.tenant, true);
  reader.filled(root, "tenant");
  read_audit(reader, root, config);
  read_privacy(reader, root, config);
  read_keys(reader, root, config);
  read_doors(reader, root, config);
  read_identity(reader, root, config);
  read_server(reader, root, config);
  read_log(reader, root, config.log_level, config.log_file);
  reader.path(root, "data", config.data, true);
  reader.path(root, "plugins", config.plugins, true);
  reader.path(root, "migrations", config.migrations, true);
  read_store(reader, root, config);
  reader.paths(root, "workflows", config.workflows);
  reader.path(root, "maps", config.maps);
  reader.integer(root, "workers", 1, 64, config.workers);
  read_roles(reader, root, config);
  read_plugins(reader, root, config);
  read_http(reader, root, config.http);
  reader.secrets(root, "workflow_secrets", config.workflow_secrets);
  read_sources(reader, root, config);
  read_webhooks(reader, root, config);
  read_bus(reader, root, config);
  read_video(reader, root, config);
  read_practice(reader, root, config);
  read_hospital(reader, root, config);
  read_clinic(reader, root, config);
  read_alerts(reader, root, config);
}

Result<workflow::YamlPtr> read_yaml(const std::string& path, std::string_view what,
                                    std::string_view hint) {
  const auto text = read_text(path);
  if (!text.ok())
    return invalid("config.io", std::string(what) + " " + path +
                                    " cannot be read: " + text.error().message + std::string(hint));
  auto parsed = workflow::parse_yaml(*text);
  if (parsed.root == nullptr) {
    return invalid("config.invalid", path + ":" + std::to_string(parsed.fault.line) + ":" +
                                         std::to_string(parsed.fault.column) + ": " +
                                         parsed.fault.message);
  }
  return std::move(parsed.root);
}

Status Reader::end() const {
  if (mistakes_.empty()) return ok_status();
  std::string message;
  for (const std::string& mistake : mistakes_)
    message.append(message.empty() ? "" : "\n").append(mistake);
  return invalid("config.invalid", std::move(message));
}

LogLevel log_level(std::string_view name) {
  if (name == "debug") return LogLevel::debug;
  if (name == "warn") return LogLevel::warn;
  if (name == "error") return LogLevel::error;
  return LogLevel::info;
}

Result<Config> load_config(const std::string& path) {
  RABT_TRY(root, read_yaml(path, "the configuration", kOtherFile));
  if (const YamlEntry* several = root->find("tenants"); several != nullptr) {
    std::string names;
    for (const YamlEntry& entry : several->value->entries)
      names.append(names.empty() ? "" : ", ").append(entry.key);
    return invalid("config.tenant", path +
                                        " serves several tenants; say which one is meant with "
                                        "--tenant: " +
                                        names);
  }
  Reader reader(path);
  Config config;
  config.file = path;
  read_all(reader, *root, config);
  check_ports(reader, *root, config);
  RABT_TRY_STATUS(reader.end());
  return config;
}

}  // namespace rabt::config
