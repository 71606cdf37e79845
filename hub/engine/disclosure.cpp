#include "hub/engine/worker.hpp"

// Data that leaves the hub, for the accounting of disclosures: one entry for each call of an
// outside system, durable before the first byte goes. A repeat of the same call after an ambiguous
// outcome sends the same again without an entry; the end of the call counts the sends.
namespace rabt::engine {

namespace {

// Names of arguments in one entry; the rest is counted.
constexpr std::size_t kMaxNamedFields = 32;

// Describes the data that an HTTP request sends, and the recipient.
void describe_request(const HttpCallOptions& http, const workflow::CallAction& action,
                      Json& detail) {
  // As the configuration names it: a host below a wildcard may be data.
  const std::string host = http.allow == nullptr
                               ? "*"
                               : http.allow->host_as_listed(action.arguments.string_or("uri", ""));
  detail.set("recipient", host);
  detail.set("host", host);
  detail.set("capability", "http");
  // Names inside a body may themselves be data.
  Json names = Json::array();
  for (const char* part : {"query", "headers", "body"}) {
    if (action.arguments[part].size() != 0 || action.arguments[part].is_string())
      names.push_back(part);
  }
  detail.set("fields", std::move(names));
}

void describe_recipient(const plugin::Recipient& recipient, Json& detail) {
  detail.set("recipient", recipient.plugin);
  detail.set("version", recipient.version);
  detail.set("host", recipient.hosts.empty() ? "none" : recipient.hosts.front());
  // Manifest and configuration may name the same host.
  std::set<std::string_view> named;
  Json others = Json::array();
  for (const std::string& host : recipient.hosts) {
    if (named.insert(host).second && named.size() > 1) others.push_back(host);
  }
  if (others.size() != 0) detail.set("otherHosts", std::move(others));
}

// Only names that the action's schema knows: another name could be data.
void describe_arguments(const Json& arguments, const std::set<std::string, std::less<>>& fields,
                        Json& detail) {
  Json names = Json::array();
  std::int64_t others = 0;
  if (arguments.is_object()) {
    for (const auto& [name, value] : arguments.as_object()) {
      if (fields.contains(name) && names.size() < kMaxNamedFields) {
        names.push_back(name);
      } else {
        ++others;
      }
    }
  }
  detail.set("fields", std::move(names));
  if (others != 0) detail.set("otherFields", others);
}

}  // namespace

const std::set<std::string, std::less<>>& Worker::schema_fields(const OpenCall& call) const {
  const workflow::CallAction& action = call.action;
  std::string key = call.target + "/" + action.action + ":" + action.version;
  const auto field = fields_.find(key);
  if (field != fields_.end()) return field->second;
  std::set<std::string, std::less<>> fields;
  const auto info = context_.parts.actions.find(call.target, action.action, action.version);
  if (info && info->input_schema["properties"].is_object()) {
    for (const auto& [name, schema] : info->input_schema["properties"].as_object())
      fields.insert(name);
  }
  return fields_.emplace(std::move(key), std::move(fields)).first->second;
}

std::optional<audit::Entry> Worker::disclosure_of(const ResidentInstance& instance,
                                                  const OpenCall& call) const {
  const workflow::CallAction& action = call.action;
  const EngineOptions& options = context_.options;
  Json detail = Json::object({{"role", action.role}, {"task", action.task}});
  if (action.role == workflow::kHttpRole) {
    describe_request(options.http, action, detail);
  } else {
    const auto recipient =
        context_.parts.actions.recipient(call.target, action.action, action.version);
    if (!recipient) return std::nullopt;
    describe_recipient(*recipient, detail);
    detail.set("capability", action.action + ":" + action.version);
    describe_arguments(action.arguments, schema_fields(call), detail);
  }
  const auto purpose = options.purposes.find(action.role);
  return audit::Entry{
      .tenant = options.tenant,
      .actor = "node:engine",
      .act = "action.sent",
      .object = "instance:" + instance.id,
      .result = "ok",
      .detail = std::move(detail),
      .patient = to_hex(as_bytes(instance.patient)),
      .purpose = purpose == options.purposes.end() ? options.purpose : purpose->second};
}

}  // namespace rabt::engine
