#include "hub/engine/impl.hpp"
#include "hub/net/http_client.hpp"

// What leaves the hub, for the accounting of disclosures: one entry for each call of an outside
// system, durable before the first byte goes. A repeat of the same call after an ambiguous outcome
// sends the same again and has no entry of its own; the end of the call counts the sends.
namespace rabt::engine {

namespace {

constexpr std::size_t kMaxNamedFields = 32;  // of one call; the rest is counted

}  // namespace

std::optional<audit::Entry> Worker::disclosure_of(const Live& live,
                                                  const workflow::CallAction& action) const {
  Json detail = Json::object({{"role", action.role}, {"task", action.task}});
  Json names = Json::array();
  std::int64_t others = 0;
  if (action.role == workflow::kHttpRole) {
    // As the configuration names it: a host below a wildcard may be data.
    const auto& allow = engine_.options.http.allow;
    const std::string host =
        allow == nullptr ? "*" : allow->host_as_listed(action.arguments.string_or("uri", ""));
    detail.set("recipient", host);
    detail.set("host", host);
    detail.set("capability", "http");
    // Names inside a body may themselves be data.
    for (const char* part : {"query", "headers", "body"}) {
      if (action.arguments[part].size() != 0 || action.arguments[part].is_string())
        names.push_back(part);
    }
  } else {
    const std::string target = target_of(live, action);
    const auto recipient = engine_.parts.actions.recipient(target, action.action, action.version);
    if (!recipient) return std::nullopt;
    detail.set("recipient", recipient->plugin);
    detail.set("version", recipient->version);
    detail.set("host", recipient->hosts.empty() ? "none" : recipient->hosts.front());
    if (recipient->hosts.size() > 1) {
      Json hosts = Json::array();
      for (const std::string& host : recipient->hosts) hosts.push_back(host);
      detail.set("hosts", std::move(hosts));
    }
    detail.set("capability", action.action + ":" + action.version);
    // Only names that the action's schema knows: another name could be data.
    const std::string key = target + "/" + action.action + ":" + action.version;
    auto known = fields_.find(key);
    if (known == fields_.end()) {
      std::set<std::string, std::less<>> fields;
      const auto info = engine_.parts.actions.find(target, action.action, action.version);
      if (info && info->input_schema["properties"].is_object()) {
        for (const auto& [name, schema] : info->input_schema["properties"].as_object())
          fields.insert(name);
      }
      known = fields_.emplace(key, std::move(fields)).first;
    }
    if (action.arguments.is_object()) {
      for (const auto& [name, value] : action.arguments.as_object()) {
        if (known->second.contains(name) && names.size() < kMaxNamedFields) {
          names.push_back(name);
        } else {
          ++others;
        }
      }
    }
  }
  detail.set("fields", std::move(names));
  if (others != 0) detail.set("otherFields", others);
  const auto purpose = engine_.options.purposes.find(action.role);
  return audit::Entry{.tenant = engine_.options.tenant,
                      .actor = "role:" + action.role,
                      .act = "action.sent",
                      .object = "instance:" + live.id,
                      .result = "ok",
                      .detail = std::move(detail),
                      .patient = to_hex(as_bytes(live.patient)),
                      .purpose = purpose == engine_.options.purposes.end() ? engine_.options.purpose
                                                                           : purpose->second};
}

}  // namespace rabt::engine
