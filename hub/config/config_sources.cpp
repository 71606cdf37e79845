#include "hub/config/config_reader.hpp"

// The section `sources`.
namespace rabt::config {

namespace {

SourceEntry read_source(Reader& reader, const YamlEntry& named) {
  const YamlNode& node = *named.value;
  SourceEntry source;
  source.name = named.key;
  if (source.name == "hub") {
    reader.mistake(named.line, named.column,
                   "a source cannot be called `hub`: what the hub itself tells comes under this "
                   "name; choose another one");
  }
  if (!reader.mapping(node, "a source")) return source;
  reader.only(node, {"scheme", "secrets", "header", "plugin", "topics", "endpoint"});
  reader.text(node, "scheme", source.scheme, true);
  reader.text(node, "header", source.header);
  reader.text(node, "plugin", source.plugin, true);
  if (source.scheme != "standard-webhooks" && source.scheme != "twilio" &&
      source.scheme != "static-token" && source.scheme != "sns" && !source.scheme.empty()) {
    reader.mistake(node.line, node.column,
                   "unknown scheme `" + source.scheme +
                       "`; use standard-webhooks, twilio, static-token or sns");
  }
  if (source.scheme == "sns") {
    // What SNS sends is signed with a key of its own.
    reader.texts(node, "topics", source.topics);
    reader.text(node, "endpoint", source.endpoint);
    if (source.topics.empty())
      reader.mistake(named.line, named.column,
                     "source `" + named.key + "` needs `topics`, the ARNs that it listens to");
    if (node.find("secrets") != nullptr)
      reader.mistake(named.line, named.column,
                     "source `" + named.key + "` has the scheme sns, which needs no `secrets`");
    return source;
  }
  const YamlEntry* secrets = node.find("secrets");
  if (secrets == nullptr || secrets->value->kind != YamlNode::Kind::sequence ||
      secrets->value->items.empty()) {
    reader.mistake(named.line, named.column,
                   "source `" + named.key + "` needs `secrets`, a list with at least one entry");
    return source;
  }
  for (const auto& item : secrets->value->items) source.secrets.push_back(reader.secret(*item));
  return source;
}

}  // namespace

void read_sources(Reader& reader, const YamlNode& root, Config& config) {
  const YamlNode* sources = reader.section(root, "sources");
  if (sources == nullptr) return;
  for (const YamlEntry& entry : sources->entries) {
    const SourceEntry& source = config.sources.emplace_back(read_source(reader, entry));
    if (source.plugin.empty() || config.plugin.contains(source.plugin)) continue;
    reader.mistake(entry.line, entry.column,
                   "source `" + entry.key + "` names the plugin `" + source.plugin +
                       "`, which is not under `plugin`");
  }
}

}  // namespace rabt::config
