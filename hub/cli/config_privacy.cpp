#include "hub/cli/config_reader.hpp"

// The key `privacy` of the configuration: what may leave on which channel (hub/phi/policy.hpp).
namespace rabt::cli {

namespace {

std::string known_classes() {
  std::string list;
  for (std::size_t i = 0; i < phi::kClasses; ++i)
    list.append(list.empty() ? "" : ", ").append(to_string(static_cast<phi::Class>(i)));
  return list;
}

void read_allowed(Reader& reader, const YamlNode& node, phi::ChannelRules& rules) {
  rules.allow.clear();  // what is written here is all there is
  for (const YamlEntry& entry : node.entries) {
    std::set<phi::Class> classes;
    std::vector<std::string> names;
    reader.texts(node, entry.key, names);
    for (const std::string& name : names) {
      if (const auto kind = phi::parse_class(name); kind) {
        classes.insert(*kind);
      } else {
        reader.mistake(entry.line, entry.column,
                       "`" + entry.key + "` lists an unknown class of patient data; known are: " +
                           known_classes());
      }
    }
    rules.allow.emplace(entry.key, std::move(classes));
  }
}

void read_channel(Reader& reader, const YamlNode& node, phi::Channel channel,
                  phi::ChannelRules& rules) {
  if (!reader.mapping(node, "a channel")) return;
  if (channel == phi::Channel::error) {
    reader.only(node, {"action"});
  } else {
    reader.only(node, {"action", "allow"});
  }
  std::string action;
  reader.text(node, "action", action);
  if (action == "mask" || action == "block") {
    rules.action = action == "mask" ? phi::Action::mask : phi::Action::block;
  } else if (!action.empty()) {
    reader.mistake(node.line, node.column, "`action` must be mask or block");
  }
  const YamlEntry* allow = node.find("allow");
  if (allow != nullptr && channel != phi::Channel::error &&
      reader.mapping(*allow->value, "`allow`"))
    read_allowed(reader, *allow->value, rules);
}

}  // namespace

void read_privacy(Reader& reader, const YamlNode& root, Config& config) {
  const YamlEntry* privacy = root.find("privacy");
  if (privacy == nullptr || !reader.mapping(*privacy->value, "`privacy`")) return;
  reader.only(*privacy->value, {"channels"});
  const YamlEntry* channels = privacy->value->find("channels");
  if (channels == nullptr || !reader.mapping(*channels->value, "`channels`")) return;
  reader.only(*channels->value, {"log", "error", "event", "notify"});
  for (const YamlEntry& entry : channels->value->entries) {
    if (const auto channel = phi::parse_channel(entry.key); channel)
      read_channel(reader, *entry.value, *channel, config.privacy.of(*channel));
  }
}

}  // namespace rabt::cli
