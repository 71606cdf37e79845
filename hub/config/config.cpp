#include "hub/config/config.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "hub/base/semver.hpp"
#include "hub/config/config_reader.hpp"
#include "hub/net/http_client.hpp"
#include "hub/workflow/execution.hpp"

namespace rabt::config {

namespace {

namespace fs = std::filesystem;
PluginEntry read_plugin(Reader& reader, const YamlNode& node, const fs::path& base) {
  PluginEntry plugin;
  if (!reader.mapping(node, "a plugin's entry")) return plugin;
  reader.only(node, {"config", "config_version", "secrets", "hosts", "patient_data", "record",
                     "allow_private_addresses", "tls", "isolation", "limits"});
  read_isolation(reader, node, plugin);
  if (const YamlEntry* config = node.find("config"); config != nullptr)
    plugin.config = workflow::to_json(*config->value);
  reader.text(node, "config_version", plugin.config_version);
  if (const YamlEntry* entry = node.find("config_version");
      entry != nullptr && !is_semver(plugin.config_version)) {
    reader.mistake(entry->line, entry->column,
                   "`config_version` must be a version of the plugin, such as \"1.4.0\"");
  }
  read_secrets(reader, node, "secrets", base, plugin.secrets);
  reader.texts(node, "hosts", plugin.hosts);
  if (node.find("patient_data") != nullptr)
    reader.texts(node, "patient_data", plugin.patient_data.emplace());
  reader.text(node, "record", plugin.record);
  if (!plugin.record.empty()) plugin.record = (base / plugin.record).lexically_normal();
  reader.flag(node, "allow_private_addresses", plugin.allow_private);
  if (const YamlEntry* tls = node.find("tls");
      tls != nullptr && reader.mapping(*tls->value, "`tls`")) {
    reader.only(*tls->value, {"ca", "client_cert", "client_key"});
    reader.text(*tls->value, "ca", plugin.tls_ca);
    reader.text(*tls->value, "client_cert", plugin.tls_cert);
    reader.text(*tls->value, "client_key", plugin.tls_key);
    for (std::string* path : {&plugin.tls_ca, &plugin.tls_cert, &plugin.tls_key}) {
      if (!path->empty()) *path = (base / *path).lexically_normal();
    }
  }
  return plugin;
}

SourceEntry read_source(Reader& reader, const YamlEntry& named, const fs::path& base) {
  const YamlNode& node = *named.value;
  SourceEntry source;
  source.name = named.key;
  if (!reader.mapping(node, "a source")) return source;
  reader.only(node, {"scheme", "secrets", "header", "plugin"});
  reader.text(node, "scheme", source.scheme, true);
  reader.text(node, "header", source.header);
  reader.text(node, "plugin", source.plugin, true);
  if (source.scheme != "standard-webhooks" && source.scheme != "twilio" &&
      source.scheme != "static-token" && !source.scheme.empty()) {
    reader.mistake(
        node.line, node.column,
        "unknown scheme `" + source.scheme + "`; use standard-webhooks, twilio or static-token");
  }
  const YamlEntry* secrets = node.find("secrets");
  if (secrets == nullptr || secrets->value->kind != YamlNode::Kind::sequence ||
      secrets->value->items.empty()) {
    reader.mistake(named.line, named.column,
                   "source `" + named.key + "` needs `secrets`, a list with at least one entry");
    return source;
  }
  for (const auto& item : secrets->value->items) {
    SecretSource secret = reader.secret(*item);
    if (!secret.file.empty()) secret.file = (base / secret.file).lexically_normal();
    source.secrets.push_back(std::move(secret));
  }
  return source;
}

}  // namespace

Result<std::string> read_text(const std::string& path) {
  std::error_code failure;
  if (fs::is_directory(path, failure))
    return invalid("config.io", std::strerror(EISDIR));  // the stream would throw while reading
  std::ifstream in(path, std::ios::binary);
  if (!in) return invalid("config.io", std::strerror(errno));
  std::string text((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
  if (in.bad()) return invalid("config.io", "it ends in a read error");
  return text;
}

Result<std::shared_ptr<SecretBytes>> read_secret(const SecretSource& source) {
  if (!source.env.empty()) {
    const char* value =
        std::getenv(source.env.c_str());  // NOLINT(concurrency-mt-unsafe): before any thread starts
    if (value == nullptr || *value == '\0') {
      return invalid("config.missing_secret",
                     "the environment variable " + source.env + " is not set");
    }
    return std::make_shared<SecretBytes>(std::string_view(value));
  }
  struct stat info {};
  if (::stat(source.file.c_str(), &info) != 0) {
    return invalid("config.missing_secret",
                   "the secret file " + source.file + " cannot be read: " + std::strerror(errno));
  }
  if ((info.st_mode & 077U) != 0) {
    return invalid(
        "config.missing_secret",
        "the secret file " + source.file + " is readable by others; run: chmod 600 " + source.file);
  }
  auto content = read_text(source.file);
  if (!content.ok()) {
    return invalid("config.missing_secret", "the secret file " + source.file +
                                                " cannot be read: " + content.error().message);
  }
  std::string& text = *content;
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.pop_back();
  if (text.empty())
    return invalid("config.missing_secret", "the secret file " + source.file + " is empty");
  auto secret = std::make_shared<SecretBytes>(std::string_view(text));
  std::fill(text.begin(), text.end(), '\0');
  return secret;
}

Result<Config> load_config(const std::string& path) {
  const auto text = read_text(path);
  if (!text.ok())
    return invalid("config.io",
                   "the configuration " + path + " cannot be read: " + text.error().message);
  const auto parsed = workflow::parse_yaml(*text);
  if (parsed.root == nullptr) {
    return invalid("config.invalid", path + ":" + std::to_string(parsed.fault.line) + ":" +
                                         std::to_string(parsed.fault.column) + ": " +
                                         parsed.fault.message);
  }
  const YamlNode& root = *parsed.root;
  std::vector<std::string> mistakes;
  Reader reader(path, mistakes);
  Config config;
  config.file = path;
  const fs::path base = fs::absolute(path).parent_path();
  if (reader.mapping(root, "the configuration")) {
    reader.only(root, {"tenant", "server", "data", "plugins", "migrations", "workflows", "roles",
                       "plugin", "sources", "http", "workflow_secrets", "workers", "log", "audit",
                       "plugin_sandbox", "privacy", "keys", "retention"});
    reader.text(root, "tenant", config.tenant, true);
    read_audit(reader, root, base, config);
    read_privacy(reader, root, config);
    read_keys(reader, root, base, config);
    if (const YamlEntry* server = root.find("server");
        server != nullptr && reader.mapping(*server->value, "`server`")) {
      reader.only(*server->value, {"address", "port", "public_url"});
      reader.text(*server->value, "address", config.address);
      reader.integer(*server->value, "port", 0, 65535, config.port);
      reader.text(*server->value, "public_url", config.public_url);
    }
    if (const YamlEntry* log = root.find("log");
        log != nullptr && reader.mapping(*log->value, "`log`")) {
      reader.only(*log->value, {"level", "file"});
      reader.text(*log->value, "level", config.log_level);
      reader.text(*log->value, "file", config.log_file);
    }
    reader.text(root, "data", config.data, true);
    reader.text(root, "plugins", config.plugins, true);
    reader.text(root, "migrations", config.migrations, true);
    reader.texts(root, "workflows", config.workflows);
    reader.integer(root, "workers", 1, 64, config.workers);
    if (const YamlEntry* roles = root.find("roles");
        roles != nullptr && reader.mapping(*roles->value, "`roles`")) {
      for (const YamlEntry& entry : roles->value->entries) {
        if (entry.key == workflow::kHttpRole) {
          reader.mistake(entry.line, entry.column,
                         "the role `http` is the hub's own: workflows reach it with `call: http`; "
                         "choose another name");
          continue;
        }
        reader.text(*roles->value, entry.key, config.roles[entry.key]);
      }
    }
    read_sandbox(reader, root, config);
    if (const YamlEntry* plugins = root.find("plugin");
        plugins != nullptr && reader.mapping(*plugins->value, "`plugin`")) {
      for (const YamlEntry& entry : plugins->value->entries) {
        config.plugin.emplace(entry.key, read_plugin(reader, *entry.value, base));
      }
    }
    if (const YamlEntry* http = root.find("http");
        http != nullptr && reader.mapping(*http->value, "`http`")) {
      reader.only(*http->value, {"allow", "allow_private", "ca", "patient_data"});
      reader.texts(*http->value, "allow", config.http.allow);
      reader.flag(*http->value, "allow_private", config.http.allow_private);
      reader.text(*http->value, "ca", config.http.ca);
      if (!config.http.ca.empty()) config.http.ca = (base / config.http.ca).lexically_normal();
      if (const auto list = net::AllowList::make(config.http.allow); !list.ok())
        reader.mistake(http->line, http->column, "`http.allow`: " + list.error().message);
      reader.texts(*http->value, "patient_data", config.http.patient_data);
      for (const std::string& host : config.http.patient_data) {
        if (std::find(config.http.allow.begin(), config.http.allow.end(), host) !=
            config.http.allow.end())
          continue;
        reader.mistake(http->line, http->column,
                       "`http.patient_data`: `" + host + "` is no entry of `http.allow`");
      }
    }
    read_secrets(reader, root, "workflow_secrets", base, config.workflow_secrets);
    if (const YamlEntry* sources = root.find("sources");
        sources != nullptr && reader.mapping(*sources->value, "`sources`")) {
      for (const YamlEntry& entry : sources->value->entries) {
        config.sources.push_back(read_source(reader, entry, base));
        if (!config.sources.back().plugin.empty() &&
            !config.plugin.contains(config.sources.back().plugin)) {
          reader.mistake(entry.line, entry.column,
                         "source `" + entry.key + "` names the plugin `" +
                             config.sources.back().plugin + "`, which is not under `plugin`");
        }
      }
    }
  }
  if (!mistakes.empty()) {
    std::string message;
    for (const std::string& mistake : mistakes)
      message.append(message.empty() ? "" : "\n").append(mistake);
    return invalid("config.invalid", std::move(message));
  }
  for (std::string* folder : {&config.data, &config.plugins, &config.migrations}) {
    *folder = (base / *folder).lexically_normal();
  }
  if (!config.log_file.empty()) config.log_file = (base / config.log_file).lexically_normal();
  for (std::string& workflow : config.workflows) workflow = (base / workflow).lexically_normal();
  return config;
}

}  // namespace rabt::config
