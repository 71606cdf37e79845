#include "hub/config/config_reader.hpp"

#include <algorithm>

#include "hub/base/clock.hpp"
#include "hub/base/span.hpp"
#include "hub/base/suggest.hpp"
#include "hub/net/url.hpp"

namespace rabt::config {

namespace {

std::string quoted(std::string_view key) {
  return "`" + std::string(key) + "`";
}

// Relative where the folder of this process is gone.
std::filesystem::path folder_of(const std::string& file) {
  std::error_code gone;
  const auto path = std::filesystem::absolute(file, gone);
  return (gone ? std::filesystem::path(file) : path).parent_path();
}

}  // namespace

Reader::Reader(std::string file) : file_(std::move(file)), folder_(folder_of(file_)) {}

std::string Reader::absolute(const std::string& path) const {
  return (folder_ / path).lexically_normal();
}

void Reader::mistake(int line, int column, const std::string& what) {
  mistakes_.push_back(file_ + ":" + std::to_string(line) + ":" + std::to_string(column) + ": " +
                      what);
}

bool Reader::mapping(const YamlNode& node, std::string_view what) {
  if (node.kind == YamlNode::Kind::mapping) return true;
  mistake(node.line, node.column, std::string(what) + " must be a mapping of keys to values");
  return false;
}

const YamlNode* Reader::section(const YamlNode& node, std::string_view key) {
  const YamlEntry* entry = node.find(key);
  return entry != nullptr && mapping(*entry->value, quoted(key)) ? entry->value.get() : nullptr;
}

void Reader::only(const YamlNode& node, std::initializer_list<std::string_view> keys) {
  only(node, std::span(keys.begin(), keys.end()));
}

void Reader::only(const YamlNode& node, std::span<const std::string_view> keys) {
  const std::vector<std::string> names(keys.begin(), keys.end());
  for (const YamlEntry& entry : node.entries) {
    if (std::find(names.begin(), names.end(), entry.key) != names.end()) continue;
    const std::string near = nearest(entry.key, names);
    mistake(
        entry.line, entry.column,
        "unknown key `" + entry.key + "`" +
            (near.empty() ? "; known here: " + listed(names) : "; did you mean `" + near + "`?"));
  }
}

void Reader::text(const YamlNode& node, std::string_view key, std::string& out, bool required) {
  const YamlEntry* entry = node.find(key);
  if (entry == nullptr) {
    if (required)
      mistake(node.line, node.column,
              quoted(key) + " is missing; docs/configuration.md says what it is");
  } else if (!entry->value->is_text()) {
    const bool one = entry->value->kind != YamlNode::Kind::mapping &&
                     entry->value->kind != YamlNode::Kind::sequence;
    mistake(entry->line, entry->column,
            quoted(key) + (one ? " must be text; put it in quotes"
                               : " must be one text, no list and no mapping"));
  } else {
    out = entry->value->text();
  }
}

void Reader::filled(const YamlNode& node, std::string_view key) {
  const YamlEntry* const entry = node.find(key);
  if (entry != nullptr && entry->value->is_text() && entry->value->text().empty())
    mistake(entry->line, entry->column, quoted(key) + " must not be empty");
}

void Reader::address(const YamlNode& node, std::string_view key, std::string& out) {
  text(node, key, out);
  const YamlEntry* entry = node.find(key);
  // An address of a link names its zone behind it.
  if (entry == nullptr || !entry->value->is_text() || net::parse_ip(out.substr(0, out.find('%'))))
    return;
  mistake(entry->line, entry->column,
          quoted(key) + " must be an IP address; write 127.0.0.1, 0.0.0.0 or ::1");
}

bool Reader::url(const YamlNode& node, std::string_view key, std::string& out, bool required) {
  text(node, key, out, required);
  const YamlEntry* entry = node.find(key);
  if (entry == nullptr || !entry->value->is_text() || (out.empty() && !required)) return false;
  const auto url = net::parse_url(out);
  if (!url.ok()) {
    mistake(entry->line, entry->column,
            quoted(key) +
                " must be an address such as https://rabt.example.sa: " + url.error().message);
  }
  return url.ok();
}

void Reader::choice(const YamlNode& node, std::string_view key,
                    std::initializer_list<std::string_view> choices, std::string& out) {
  choice(node, key, std::span(choices.begin(), choices.size()), out);
}

void Reader::choice(const YamlNode& node, std::string_view key,
                    std::span<const std::string_view> choices, std::string& out) {
  std::string given = out;
  text(node, key, given);
  const YamlEntry* entry = node.find(key);
  if (entry == nullptr || std::find(choices.begin(), choices.end(), given) != choices.end()) {
    out = given;
    return;
  }
  std::string list;
  for (auto one = choices.begin(); one != choices.end(); ++one) {
    if (one != choices.begin()) list += one + 1 == choices.end() ? " or " : ", ";
    list += *one;
  }
  mistake(entry->line, entry->column, quoted(key) + " must be " + list);
}

void Reader::path(const YamlNode& node, std::string_view key, std::string& out, bool required) {
  text(node, key, out, required);
  if (required) filled(node, key);
  if (node.find(key) != nullptr && !out.empty()) out = absolute(out);
}

void Reader::integer(const YamlNode& node, std::string_view key, int low, int high, int& out) {
  const YamlEntry* entry = node.find(key);
  if (entry == nullptr) return;
  const auto value = entry->value->scalar.as_int64();
  if (!value || *value < low || *value > high) {
    mistake(entry->line, entry->column,
            quoted(key) + " must be a whole number from " + std::to_string(low) + " to " +
                std::to_string(high));
    return;
  }
  out = static_cast<int>(*value);
}

void Reader::span(const YamlNode& node, std::string_view key, std::int64_t longest_ms,
                  std::int64_t& out) {
  const YamlEntry* entry = node.find(key);
  if (entry == nullptr) return;
  std::string given;
  text(node, key, given);
  const auto span = parse_span_ms(given);
  if (span && *span > 0 && *span <= longest_ms) {
    out = *span;
    return;
  }
  mistake(entry->line, entry->column,
          quoted(key) + " must be a number and s, m, h or d, such as `15m`, of at most " +
              std::to_string(longest_ms / kMinuteMs) + " minutes");
}

void Reader::flag(const YamlNode& node, std::string_view key, bool& out) {
  const YamlEntry* entry = node.find(key);
  if (entry == nullptr) return;
  if (entry->value->kind != YamlNode::Kind::boolean) {
    mistake(entry->line, entry->column, quoted(key) + " must be true or false");
    return;
  }
  out = entry->value->scalar.as_bool();
}

void Reader::texts(const YamlNode& node, std::string_view key, std::vector<std::string>& out) {
  const YamlEntry* entry = node.find(key);
  if (entry == nullptr) return;
  if (entry->value->kind != YamlNode::Kind::sequence) {
    mistake(entry->line, entry->column, quoted(key) + " must be a list");
    return;
  }
  for (const auto& item : entry->value->items) {
    if (item->is_text()) {
      out.push_back(item->text());
    } else {
      mistake(item->line, item->column, "every entry of " + quoted(key) + " must be text");
    }
  }
}

void Reader::origins(const YamlNode& node, std::string_view key, std::vector<std::string>& out) {
  texts(node, key, out);
  for (const std::string& origin : out) {
    std::string_view host = origin;
    for (const std::string_view scheme : {"https://", "http://"})
      if (host.starts_with(scheme)) host.remove_prefix(scheme.size());
    const bool good = host.size() != origin.size() && !host.empty() &&
                      host.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789.-:[]") ==
                          std::string_view::npos;
    if (good && net::parse_url(origin).ok()) continue;
    const YamlEntry& entry = *node.find(key);
    mistake(entry.line, entry.column,
            quoted(key) +
                " takes origins as browsers write them, such as https://app.example.sa; \"" +
                origin + "\" is none");
  }
}

void Reader::paths(const YamlNode& node, std::string_view key, std::vector<std::string>& out) {
  std::vector<std::string> given;
  texts(node, key, given);
  for (const std::string& path : given) out.push_back(absolute(path));
}

SecretSource Reader::secret(const YamlNode& node) {
  SecretSource source;
  if (node.kind != YamlNode::Kind::mapping) {
    mistake(node.line, node.column,
            "a secret is never written into the configuration; say where it is: {file: PATH} or "
            "{env: NAME}");
    return source;
  }
  only(node, {"file", "env"});
  path(node, "file", source.file);
  text(node, "env", source.env);
  if (source.file.empty() == source.env.empty())
    mistake(node.line, node.column, "a secret needs either `file` or `env`");
  return source;
}

void Reader::secrets(const YamlNode& node, std::string_view key,
                     std::map<std::string, SecretSource>& out) {
  const YamlNode* all = section(node, key);
  if (all == nullptr) return;
  for (const YamlEntry& entry : all->entries) out.emplace(entry.key, secret(*entry.value));
}

bool is_loopback(std::string_view address) {
  return address.starts_with("127.") || address == "::1";
}

}  // namespace rabt::config
