#include <chrono>

#include "hub/base/limits.hpp"
#include "hub/config/config_reader.hpp"
#include "hub/keys/retention.hpp"

// The keys `keys` and `retention` of the configuration.
namespace rabt::config {

namespace {

void read_root(Reader& reader, const YamlEntry& root, const std::filesystem::path& base,
               KeysConfig& out) {
  const YamlNode& node = *root.value;
  if (!reader.mapping(node, "`keys.root`")) return;
  reader.only(node, {"file", "env", "pkcs11", "vault"});
  if (node.entries.size() != 1) {
    reader.mistake(root.line, root.column,
                   "`keys.root` names one of `file`, `env`, `pkcs11` and `vault`");
    return;
  }
  const YamlEntry& entry = node.entries.front();
  out.kind = entry.key;
  const auto secret = [&](const YamlNode& from, const char* key) {
    SecretSource source;
    const YamlEntry* found = from.find(key);
    if (found == nullptr) {
      reader.mistake(from.line, from.column, "`" + std::string(key) + "` is required");
      return source;
    }
    source = reader.secret(*found->value);
    if (!source.file.empty()) source.file = (base / source.file).lexically_normal();
    return source;
  };
  if (entry.key == "file") {
    reader.text(node, "file", out.file, true);
    if (!out.file.empty()) out.file = (base / out.file).lexically_normal();
  } else if (entry.key == "env") {
    reader.text(node, "env", out.env, true);
  } else if (entry.key == "pkcs11" && reader.mapping(*entry.value, "`pkcs11`")) {
    reader.only(*entry.value, {"module", "token", "key", "pin"});
    reader.text(*entry.value, "module", out.module, true);
    reader.text(*entry.value, "token", out.token, true);
    reader.text(*entry.value, "key", out.key, true);
    out.pin = secret(*entry.value, "pin");
  } else if (entry.key == "vault" && reader.mapping(*entry.value, "`vault`")) {
    reader.only(*entry.value, {"url", "mount", "key", "namespace", "token", "ca"});
    reader.text(*entry.value, "url", out.url, true);
    reader.text(*entry.value, "mount", out.mount);
    reader.text(*entry.value, "key", out.key, true);
    reader.text(*entry.value, "namespace", out.name_space);
    reader.text(*entry.value, "ca", out.ca);
    if (!out.ca.empty()) out.ca = (base / out.ca).lexically_normal();
    out.vault_token = secret(*entry.value, "token");
  }
}

}  // namespace

void read_keys(Reader& reader, const YamlNode& root, const std::filesystem::path& base,
               Config& config) {
  if (const YamlEntry* keys = root.find("keys");
      keys != nullptr && reader.mapping(*keys->value, "`keys`")) {
    reader.only(*keys->value, {"root", "development"});
    reader.flag(*keys->value, "development", config.keys.development);
    if (const YamlEntry* entry = keys->value->find("root"); entry != nullptr)
      read_root(reader, *entry, base, config.keys);
    if (config.keys.kind == "env" && !config.keys.development) {
      reader.mistake(keys->line, keys->column,
                     "a root in the environment is for development only: every process of the user "
                     "can read it, and it cannot be rotated; use `file`, `pkcs11` or `vault`, or "
                     "say `development: true` where there are no patients");
    }
  }
  const YamlEntry* retention = root.find("retention");
  if (retention == nullptr || !reader.mapping(*retention->value, "`retention`")) return;
  reader.only(*retention->value,
              {"consultation", "event", "plugin", "recording", "audit_detail", "shred"});
  for (const YamlEntry& entry : retention->value->entries) {
    std::string text;
    reader.text(*retention->value, entry.key, text);
    if (text.empty()) continue;
    if (entry.key == "shred") {
      config.retention.automatic_shred = text == "automatic";
      if (text != "automatic" && text != "manual")
        reader.mistake(entry.line, entry.column, "`shred` must be automatic or manual");
      continue;
    }
    const auto period = keys::parse_period(text);
    if (!period.ok()) {
      reader.mistake(entry.line, entry.column,
                     "`retention." + entry.key + "`: " + period.error().message);
    } else if (entry.key == keys::kEvent &&
               keys::after({0}, *period).ms <
                   std::chrono::milliseconds(limits::kEventRetention).count()) {
      reader.mistake(entry.line, entry.column,
                     "`retention.event` must be at least 7 days: so long a listen looks for events "
                     "that came before it");
    }
    config.retention.classes.emplace(entry.key, text);
  }
}

}  // namespace rabt::config
