#include <algorithm>

#include "hub/base/clock.hpp"
#include "hub/base/plugin_address.hpp"
#include "hub/config/config_reader.hpp"

// The sections `compliance`, with whom there are agreements and where data may be, and `phi`, what
// happens to patient data in what people write in sessions.
namespace rabt::config {

namespace {

using consultation::Agreement;
using consultation::TextRules;

bool is_date(const std::string& text) {
  return text.size() == 10 && parse_iso8601(text + "T00:00:00Z").ok();
}

void read_agreement(Reader& reader, const YamlNode& node, std::vector<Agreement>& out) {
  if (!reader.mapping(node, "an agreement")) return;
  reader.only(node, {"party", "kind", "signed_on", "valid_to", "document"});
  Agreement agreement;
  reader.text(node, "party", agreement.party, true);
  reader.choice(node, "kind", {"baa", "dpa"}, agreement.kind);
  reader.text(node, "signed_on", agreement.signed_on, true);
  reader.text(node, "valid_to", agreement.valid_to);
  reader.text(node, "document", agreement.document);
  for (const auto& [key, date] :
       {std::pair{"signed_on", &agreement.signed_on}, std::pair{"valid_to", &agreement.valid_to}}) {
    const YamlEntry* const entry = node.find(key);
    if (entry != nullptr && !is_date(*date)) {
      reader.mistake(entry->line, entry->column,
                     "`" + std::string(key) + "` must be a date such as 2026-11-22, in quotes");
    }
  }
  out.push_back(std::move(agreement));
}

void read_compliance(Reader& reader, const YamlNode& node, Config& config) {
  reader.only(node, {"require_agreement", "agreements", "allowed_regions"});
  reader.flag(node, "require_agreement", config.practice.require_agreement);
  reader.texts(node, "allowed_regions", config.video.allowed_regions);
  const YamlEntry* const agreements = node.find("agreements");
  if (agreements == nullptr) return;
  if (agreements->value->kind != YamlNode::Kind::sequence) {
    reader.mistake(agreements->line, agreements->column, "`agreements` must be a list");
    return;
  }
  for (const auto& item : agreements->value->items)
    read_agreement(reader, *item, config.practice.agreements);
}

void read_text_rules(Reader& reader, const YamlNode& node, std::string_view key, TextRules& rules) {
  const YamlNode* const section = reader.section(node, key);
  if (section == nullptr) return;
  reader.only(*section, {"among_staff", "before_others"});
  for (const auto& [name, rule] : {std::pair{"among_staff", &rules.among_staff},
                                   std::pair{"before_others", &rules.before_others}}) {
    std::string word(consultation::to_string(*rule));
    reader.choice(*section, name, {"off", "flag", "mask", "block"}, word);
    *rule = consultation::parse_text_rule(word).value_or(*rule);
  }
}

// Plugins that serve a role get patient data; the one of `video` says where it works.
void read_processors(Config& config) {
  for (const auto& [role, target] : config.roles) {
    const std::string id(plugin_at(target));
    if (id.empty()) continue;
    auto& processors = config.practice.processors;
    if (std::find(processors.begin(), processors.end(), id) == processors.end())
      processors.push_back(id);
    const auto plugin = config.plugin.find(id);
    if (role != "video" || plugin == config.plugin.end()) continue;
    const Json& of = plugin->second.config;
    config.video.region = of.string_or("media_region", of.string_or("region", ""));
  }
}

}  // namespace

void read_practice(Reader& reader, const YamlNode& root, Config& config) {
  if (const YamlNode* const compliance = reader.section(root, "compliance"); compliance != nullptr)
    read_compliance(reader, *compliance, config);
  if (const YamlNode* const phi = reader.section(root, "phi"); phi != nullptr) {
    reader.only(*phi, {"chat", "documents"});
    read_text_rules(reader, *phi, "chat", config.chat_rules);
    read_text_rules(reader, *phi, "documents", config.document_rules);
  }
  read_processors(config);
}

}  // namespace rabt::config
