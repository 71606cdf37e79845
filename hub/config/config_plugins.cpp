#include <algorithm>
#include <array>
#include <cstdlib>

#include "hub/base/number.hpp"
#include "hub/base/semver.hpp"
#include "hub/config/config_reader.hpp"
#include "hub/worker/sandbox.hpp"

// The sections `plugin` and `plugin_sandbox`.
namespace rabt::config {

namespace {

// Gives the bytes of a size such as "512MiB", or 0 if the text is no size.
std::uint64_t parse_size(std::string_view text) {
  constexpr std::array<std::pair<std::string_view, unsigned>, 3> kUnits{
      {{"KiB", 10}, {"MiB", 20}, {"GiB", 30}}};
  for (const auto& [unit, shift] : kUnits) {
    if (!text.ends_with(unit)) continue;
    const std::string_view digits = text.substr(0, text.size() - unit.size());
    const auto count = read_number<std::uint64_t>(digits);
    return count && *count <= 1'000'000 ? *count << shift : 0;
  }
  return 0;
}

// Bounds of `limits.storage`; the upper one is that of a package's kv_bytes.
constexpr std::int64_t kMinStorage = 1LL << 20U;
constexpr std::int64_t kMaxStorage = 1LL << 40U;

// Reads the isolation of a plugin, and the limits of its process.
void read_isolation(Reader& reader, const YamlNode& node, PluginEntry& plugin) {
  std::string isolation = "worker";
  reader.text(node, "isolation", isolation);
  if (isolation != "worker" && isolation != "inline")
    reader.mistake(node.line, node.column, "`isolation` must be worker or inline");
  plugin.in_process = isolation == "inline";
  const YamlNode* limits = reader.section(node, "limits");
  if (limits == nullptr) return;
  reader.only(*limits, {"memory", "threads", "storage"});
  std::string memory;
  reader.text(*limits, "memory", memory);
  if (!memory.empty()) {
    plugin.memory = parse_size(memory);
    if (plugin.memory < worker::kMinMemory || plugin.memory > worker::kMaxMemory) {
      const YamlEntry& entry = *node.find("limits");
      reader.mistake(entry.line, entry.column,
                     "`limits.memory` must be a size from 32MiB to 64GiB, such as 512MiB");
    }
  }
  reader.integer(*limits, "threads", 1, 1024, plugin.threads);
  std::string storage;
  reader.text(*limits, "storage", storage);
  if (storage.empty()) return;
  plugin.storage = static_cast<std::int64_t>(parse_size(storage));
  if (plugin.storage < kMinStorage || plugin.storage > kMaxStorage) {
    const YamlEntry& entry = *node.find("limits");
    reader.mistake(entry.line, entry.column,
                   "`limits.storage` must be a size from 1MiB to 1024GiB, such as 1GiB");
  }
}

// A text of `config` may stand in the environment: {env: NAME}. Where the variable is not set, the
// member stays as it is, and is told of when the plugin is loaded: other commands read the file
// without it.
void take_environment(Json& config) {
  if (!config.is_object()) return;
  const Json given = config;
  for (const auto& [name, member] : given.as_object()) {
    if (!member.is_object() || member.size() != 1 || !member["env"].is_string()) continue;
    const std::string& variable = member["env"].as_string();
    // No thread changes the environment. NOLINTNEXTLINE(concurrency-mt-unsafe)
    const char* const value = std::getenv(variable.c_str());
    if (value != nullptr && *value != '\0') config.set(name, value);
  }
}

// Names of entries and ids of plugins: lower-case letters, digits and single hyphens.
bool is_plugin_name(std::string_view text) {
  const auto good = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
  };
  return !text.empty() && text.size() <= 64 && text.front() >= 'a' && text.front() <= 'z' &&
         std::all_of(text.begin(), text.end(), good) && text.find("--") == std::string_view::npos;
}

// The plugin of an entry with a name of its own, and its mapping file.
void read_use(Reader& reader, const YamlEntry& named, PluginEntry& plugin) {
  const YamlNode& node = *named.value;
  reader.text(node, "use", plugin.use);
  reader.path(node, "source", plugin.source);
  if (const YamlEntry* use = node.find("use"); use != nullptr) {
    if (!is_plugin_name(plugin.use))
      reader.mistake(use->line, use->column, "`use` must be the id of a plugin, such as mapped");
    if (!is_plugin_name(named.key))
      reader.mistake(named.line, named.column,
                     "an entry with `use` needs a name of lower-case letters, digits and single "
                     "hyphens, a letter first, at most 64");
  }
  const YamlEntry* source = node.find("source");
  if (source != nullptr && node.find("config") != nullptr)
    reader.mistake(source->line, source->column,
                   "an entry has `source` or `config`: the mapping file is the configuration");
}

PluginEntry read_plugin(Reader& reader, const YamlEntry& named) {
  const YamlNode& node = *named.value;
  PluginEntry plugin;
  if (!reader.mapping(node, "a plugin's entry")) return plugin;
  read_use(reader, named, plugin);
  reader.only(node,
              {"use", "source", "config", "config_version", "secrets", "hosts", "patient_data",
               "record", "allow_private_addresses", "tls", "isolation", "limits", "folders"});
  read_isolation(reader, node, plugin);
  if (const YamlEntry* config = node.find("config"); config != nullptr)
    take_environment(plugin.config = workflow::to_json(*config->value));
  reader.text(node, "config_version", plugin.config_version);
  if (const YamlEntry* entry = node.find("config_version");
      entry != nullptr && !is_semver(plugin.config_version)) {
    reader.mistake(entry->line, entry->column,
                   "`config_version` must be a version of the plugin, such as \"1.4.0\"");
  }
  reader.secrets(node, "secrets", plugin.secrets);
  reader.texts(node, "hosts", plugin.hosts);
  if (node.find("patient_data") != nullptr)
    reader.texts(node, "patient_data", plugin.patient_data.emplace());
  reader.path(node, "record", plugin.record);
  reader.flag(node, "allow_private_addresses", plugin.allow_private);
  reader.paths(node, "folders", plugin.folders);
  if (const YamlNode* tls = reader.section(node, "tls"); tls != nullptr) {
    reader.only(*tls, {"ca", "client_cert", "client_key"});
    reader.path(*tls, "ca", plugin.tls_ca);
    reader.path(*tls, "client_cert", plugin.tls_cert);
    reader.path(*tls, "client_key", plugin.tls_key);
  }
  return plugin;
}

}  // namespace

void read_plugins(Reader& reader, const YamlNode& root, Config& config) {
  std::string sandbox = "required";
  reader.choice(root, "plugin_sandbox", {"required", "best-effort"}, sandbox);
  config.sandbox_required = sandbox != "best-effort";
  const YamlNode* plugins = reader.section(root, "plugin");
  if (plugins == nullptr) return;
  for (const YamlEntry& entry : plugins->entries)
    config.plugin.emplace(entry.key, read_plugin(reader, entry));
}

}  // namespace rabt::config
