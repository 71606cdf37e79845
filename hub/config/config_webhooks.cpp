#include <algorithm>

#include "hub/config/config_reader.hpp"
#include "hub/net/url.hpp"
#include "hub/webhooks/wants.hpp"

// The section `webhooks`.
namespace rabt::config {

namespace {

WebhookEntry read_webhook(Reader& reader, const YamlNode& node) {
  WebhookEntry out;
  if (!reader.mapping(node, "a webhook")) return out;
  reader.only(node, {"name", "url", "events", "types", "clinics", "secrets"});
  reader.text(node, "name", out.name, true);
  reader.text(node, "url", out.url, true);
  reader.texts(node, "events", out.events);
  reader.texts(node, "types", out.types);
  reader.texts(node, "clinics", out.clinics);
  if (const auto url = net::parse_url(out.url); !out.url.empty() && !url.ok())
    reader.mistake(node.line, node.column, "webhook `" + out.name + "`: " + url.error().message);
  webhooks::Wants wants{.events = out.events, .types = out.types, .clinics = out.clinics};
  if (wants.events.empty()) wants.events = webhooks::Wants{}.events;
  if (const Status good = webhooks::check(wants); !good.ok())
    reader.mistake(node.line, node.column, "webhook `" + out.name + "`: " + good.error().message);
  out.events = std::move(wants.events);
  const YamlEntry* const secrets = node.find("secrets");
  if (secrets == nullptr || secrets->value->kind != YamlNode::Kind::sequence ||
      secrets->value->items.empty()) {
    reader.mistake(
        node.line, node.column,
        "webhook `" + out.name +
            "` needs `secrets`, a list with at least one entry; the first is the newest");
    return out;
  }
  for (const auto& item : secrets->value->items) out.secrets.push_back(reader.secret(*item));
  return out;
}

}  // namespace

void read_webhooks(Reader& reader, const YamlNode& root, Config& config) {
  const YamlEntry* const entry = root.find("webhooks");
  if (entry == nullptr) return;
  if (entry->value->kind != YamlNode::Kind::sequence) {
    reader.mistake(entry->line, entry->column, "`webhooks` must be a list");
    return;
  }
  for (const auto& item : entry->value->items) {
    WebhookEntry webhook_entry = read_webhook(reader, *item);
    const bool twice =
        std::any_of(config.webhooks.begin(), config.webhooks.end(),
                    [&](const WebhookEntry& other) { return other.name == webhook_entry.name; });
    if (twice && !webhook_entry.name.empty())
      reader.mistake(item->line, item->column,
                     "there are two webhooks called `" + webhook_entry.name + "`");
    config.webhooks.push_back(std::move(webhook_entry));
  }
}

}  // namespace rabt::config
