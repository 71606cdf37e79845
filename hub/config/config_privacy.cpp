#include "hub/access/access_control.hpp"
#include "hub/config/config_reader.hpp"

// The section `privacy`: who may read patient data
// (hub/access/access_control.hpp), what may leave on which channel (hub/phi/policy.hpp).
namespace rabt::config {

namespace {

std::string known_classes() {
  std::string list;
  for (std::size_t i = 0; i < phi::kClasses; ++i)
    list.append(list.empty() ? "" : ", ").append(to_string(static_cast<phi::Class>(i)));
  return list;
}

void read_allowed(Reader& reader, const YamlNode& node, phi::ChannelRules& rules) {
  // A list in the configuration replaces the defaults.
  rules.allow.clear();
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

void read_channels(Reader& reader, const YamlNode& node, phi::PolicyRules& rules) {
  const YamlEntry* channels = node.find("channels");
  if (channels == nullptr || !reader.mapping(*channels->value, "`channels`")) return;
  reader.only(*channels->value, {"log", "error", "event", "notify"});
  for (const YamlEntry& entry : channels->value->entries) {
    if (const auto channel = phi::parse_channel(entry.key); channel)
      read_channel(reader, *entry.value, *channel, rules.of(*channel));
  }
}

void read_detector(Reader& reader, const YamlNode& node, phi::DetectorOptions& options) {
  const YamlEntry* patterns = node.find("mrn_patterns");
  if (patterns == nullptr) return;
  reader.texts(node, "mrn_patterns", options.mrn_patterns);
  if (const auto detector = phi::Detector::make(options); !detector.ok())
    reader.mistake(patterns->line, patterns->column, "`mrn_patterns`: " + detector.error().message);
}

}  // namespace

void read_privacy(Reader& reader, const YamlNode& root, Config& config) {
  const YamlEntry* privacy = root.find("privacy");
  if (privacy == nullptr || !reader.mapping(*privacy->value, "`privacy`")) return;
  reader.only(*privacy->value,
              {"patient_data", "treats_before_hours", "purposes", "channels", "mrn_patterns"});
  std::string policy = "reason";
  reader.text(*privacy->value, "patient_data", policy);
  config.privacy.break_glass = policy == "break_glass";
  if (policy != "reason" && policy != "break_glass") {
    const YamlEntry* entry = privacy->value->find("patient_data");
    reader.mistake(entry->line, entry->column, "`patient_data` must be reason or break_glass");
  }
  reader.integer(*privacy->value, "treats_before_hours", 1, 8'760,
                 config.privacy.treats_before_hours);
  read_detector(reader, *privacy->value, config.privacy.detector);
  read_channels(reader, *privacy->value, config.privacy.channels);
  const YamlEntry* purposes = privacy->value->find("purposes");
  if (purposes == nullptr || !reader.mapping(*purposes->value, "`purposes`")) return;
  for (const YamlEntry& entry : purposes->value->entries) {
    std::string& code = config.privacy.purposes[entry.key];
    reader.text(*purposes->value, entry.key, code);
    if (!code.empty() && !access::is_purpose(code)) {
      reader.mistake(entry.line, entry.column,
                     "`" + code +
                         "` is no code of HL7 v3 PurposeOfUse, such as TREAT, HPAYMT, HOPERAT or "
                         "PUBHLTH");
    }
  }
}

}  // namespace rabt::config
