#include <chrono>

#include "hub/base/limits.hpp"
#include "hub/config/config_reader.hpp"
#include "hub/keys/retention.hpp"

// The sections `keys` and `retention`.
namespace rabt::config {

namespace {

void read_root(Reader& reader, const YamlEntry& root, KeysConfig& out) {
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
    const YamlEntry* found = from.find(key);
    if (found == nullptr) {
      reader.mistake(from.line, from.column, "`" + std::string(key) + "` is required");
      return SecretSource{};
    }
    return reader.secret(*found->value);
  };
  if (entry.key == "file") {
    reader.path(node, "file", out.file, true);
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
    reader.url(*entry.value, "url", out.url, true);
    reader.text(*entry.value, "mount", out.mount);
    reader.text(*entry.value, "key", out.key, true);
    reader.text(*entry.value, "namespace", out.name_space);
    reader.path(*entry.value, "ca", out.ca);
    out.vault_token = secret(*entry.value, "token");
  }
}

void read_retention(Reader& reader, const YamlNode& retention, RetentionConfig& out) {
  reader.only(retention, {"consultation", "delivery", "event", "plugin", "recording", "person",
                          "audit_detail", "shred"});
  const YamlEntry* delivery = nullptr;
  keys::Period event{.days = 7};
  for (const YamlEntry& entry : retention.entries) {
    std::string text;
    reader.text(retention, entry.key, text);
    if (text.empty()) continue;
    if (entry.key == "shred") {
      out.automatic_shred = text == "automatic";
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
      reader.mistake(
          entry.line, entry.column,
          "`retention.event` must be at least 7 days, because a listen also takes events "
          "that came up to 7 days before it");
    }
    if (entry.key == "delivery") {
      delivery = &entry;
      if (period.ok()) out.delivery = *period;
      continue;
    }
    if (entry.key == keys::kEvent && period.ok()) event = *period;
    out.classes.emplace(entry.key, text);
  }
  const keys::Period least = keys::least_delivery_period(event);
  if (keys::after({0}, out.delivery) >= keys::after({0}, least)) return;
  if (delivery != nullptr) {
    reader.mistake(delivery->line, delivery->column,
                   "`retention.delivery` must be at least 31 days longer than `retention.event` (" +
                       keys::to_string(event) +
                       "), because a repeat would count twice in a set of events that waits");
  }
  out.delivery = least;
}

}  // namespace

void read_keys(Reader& reader, const YamlNode& root, Config& config) {
  if (const YamlNode* keys = reader.section(root, "keys"); keys != nullptr) {
    const YamlEntry& entry = *root.find("keys");
    reader.only(*keys, {"root", "development"});
    reader.flag(*keys, "development", config.keys.development);
    if (const YamlEntry* key_root = keys->find("root"); key_root != nullptr)
      read_root(reader, *key_root, config.keys);
    if (config.keys.kind == "env" && !config.keys.development) {
      reader.mistake(entry.line, entry.column,
                     "a root in the environment is for development only: every process of the user "
                     "can read it, and it cannot be rotated; use `file`, `pkcs11` or `vault`, or "
                     "say `development: true` where there are no patients");
    }
  }
  if (const YamlNode* retention = reader.section(root, "retention"); retention != nullptr)
    read_retention(reader, *retention, config.retention);
}

}  // namespace rabt::config
