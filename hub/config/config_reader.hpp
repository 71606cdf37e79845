#pragma once

#include <algorithm>
#include <filesystem>
#include <initializer_list>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "hub/base/suggest.hpp"
#include "hub/config/config.hpp"
#include "hub/workflow/yaml/yaml.hpp"

// Internal to the reading of the configuration: each of its top-level keys may be read in a file of
// its own.
namespace rabt::config {

using workflow::YamlEntry;
using workflow::YamlNode;

// Reads one mapping key by key and remembers what is wrong with it.
class Reader {
 public:
  Reader(std::string file, std::vector<std::string>& mistakes)
      : file_(std::move(file)), mistakes_(mistakes) {}

  void mistake(int line, int column, const std::string& what) {
    mistakes_.push_back(file_ + ":" + std::to_string(line) + ":" + std::to_string(column) + ": " +
                        what);
  }
  bool mapping(const YamlNode& node, std::string_view what) {
    if (node.kind == YamlNode::Kind::mapping) return true;
    mistake(node.line, node.column, std::string(what) + " must be a mapping of keys to values");
    return false;
  }
  void only(const YamlNode& node, std::initializer_list<std::string_view> known) {
    const std::vector<std::string> names(known.begin(), known.end());
    for (const YamlEntry& entry : node.entries) {
      if (std::find(names.begin(), names.end(), entry.key) != names.end()) continue;
      const std::string near = nearest(entry.key, names);
      mistake(entry.line, entry.column,
              "unknown key `" + entry.key + "`" +
                  (near.empty() ? "" : "; did you mean `" + near + "`?"));
    }
  }
  void text(const YamlNode& node, std::string_view key, std::string& out, bool required = false) {
    const YamlEntry* entry = node.find(key);
    if (entry == nullptr) {
      if (required) mistake(node.line, node.column, "`" + std::string(key) + "` is missing");
    } else if (!entry->value->is_text()) {
      mistake(entry->line, entry->column,
              "`" + std::string(key) + "` must be text; put it in quotes");
    } else {
      out = entry->value->text();
    }
  }
  void integer(const YamlNode& node, std::string_view key, int low, int high, int& out) {
    const YamlEntry* entry = node.find(key);
    if (entry == nullptr) return;
    const auto value = entry->value->scalar.as_int64();
    if (!value || *value < low || *value > high) {
      mistake(entry->line, entry->column,
              "`" + std::string(key) + "` must be a whole number from " + std::to_string(low) +
                  " to " + std::to_string(high));
      return;
    }
    out = static_cast<int>(*value);
  }
  void flag(const YamlNode& node, std::string_view key, bool& out) {
    const YamlEntry* entry = node.find(key);
    if (entry == nullptr) return;
    if (entry->value->kind != YamlNode::Kind::boolean) {
      mistake(entry->line, entry->column, "`" + std::string(key) + "` must be true or false");
      return;
    }
    out = entry->value->scalar.as_bool();
  }
  void texts(const YamlNode& node, std::string_view key, std::vector<std::string>& out) {
    const YamlEntry* entry = node.find(key);
    if (entry == nullptr) return;
    if (entry->value->kind != YamlNode::Kind::sequence) {
      mistake(entry->line, entry->column, "`" + std::string(key) + "` must be a list");
      return;
    }
    for (const auto& item : entry->value->items) {
      if (item->is_text()) {
        out.push_back(item->text());
      } else {
        mistake(item->line, item->column, "every entry of `" + std::string(key) + "` must be text");
      }
    }
  }
  SecretSource secret(const YamlNode& node) {
    SecretSource source;
    if (node.kind != YamlNode::Kind::mapping) {
      mistake(node.line, node.column,
              "a secret is never written into the configuration; say where it is: {file: PATH} or "
              "{env: NAME}");
      return source;
    }
    only(node, {"file", "env"});
    text(node, "file", source.file);
    text(node, "env", source.env);
    if (source.file.empty() == source.env.empty())
      mistake(node.line, node.column, "a secret needs either `file` or `env`");
    return source;
  }

 private:
  std::string file_;
  std::vector<std::string>& mistakes_;
};

// A mapping of names to where each secret is.
inline void read_secrets(Reader& reader, const YamlNode& node, const std::string& key,
                         const std::filesystem::path& base,
                         std::map<std::string, SecretSource>& out) {
  const YamlEntry* secrets = node.find(key);
  if (secrets == nullptr || !reader.mapping(*secrets->value, "`" + key + "`")) return;
  for (const YamlEntry& entry : secrets->value->entries) {
    SecretSource source = reader.secret(*entry.value);
    if (!source.file.empty()) source.file = (base / source.file).lexically_normal();
    out.emplace(entry.key, std::move(source));
  }
}

// In a file of its own, config_<key>.cpp. `tenant` was read before.
void read_privacy(Reader& reader, const YamlNode& root, Config& config);
void read_audit(Reader& reader, const YamlNode& root, const std::filesystem::path& base,
                Config& config);
void read_sandbox(Reader& reader, const YamlNode& root, Config& config);
// Of one plugin's entry.
void read_isolation(Reader& reader, const YamlNode& node, PluginEntry& plugin);
void read_keys(Reader& reader, const YamlNode& root, const std::filesystem::path& base,
               Config& config);

}  // namespace rabt::config
