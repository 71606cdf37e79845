#include <algorithm>
#include <set>

#include "hub/base/json_pointer.hpp"
#include "hub/plugin/package_trust.hpp"

// What a person must know before a package is added.
namespace rabt::plugin {

namespace {

constexpr std::size_t kMaxPlaces = 10'000;  // of one schema; then it is all of it
constexpr std::size_t kMaxSteps = 200'000;  // ends schemas that refer to themselves in many ways
constexpr std::string_view kPhi = "x-phi";

// Walks a schema that compiled, along everything that describes parts of the value.
class Places {
 public:
  explicit Places(const Json& root) : root_(root) {}

  std::set<std::string> find() {
    walk(root_, "");
    return std::move(found_);
  }

 private:
  void walk(const Json& node, const std::string& at) {
    if (!node.is_object() || ++steps_ > kMaxSteps || found_.size() >= kMaxPlaces) return;
    if (node.bool_or(kPhi, false)) {
      found_.insert(at.empty() ? "/" : at);
      return;  // with all that is below it
    }
    if (std::find(open_.begin(), open_.end(), &node) != open_.end()) return;
    open_.push_back(&node);
    if (const Json* const ref = node.find("$ref"); ref != nullptr && ref->is_string()) {
      const std::string& text = ref->as_string();
      if (text == "#") walk(root_, at);
      if (text.starts_with("#/")) {
        if (const Json* const target = at_pointer(root_, std::string_view(text).substr(1)))
          walk(*target, at);
      }
    }
    for (const char* const same : {"allOf", "anyOf", "oneOf"}) each(node[same], at, false);
    for (const char* const same : {"if", "then", "else"}) walk(node[same], at);
    members(node["dependentSchemas"], at, false);
    members(node["properties"], at, true);
    for (const char* const any : {"additionalProperties", "unevaluatedProperties", "items",
                                  "unevaluatedItems", "contains"}) {
      walk(node[any], at + "/*");
    }
    each(node["prefixItems"], at, true);
    if (node["patternProperties"].is_object()) {
      for (const auto& [pattern, inner] : node["patternProperties"].as_object())
        walk(inner, at + "/*");
    }
    open_.pop_back();
  }
  void each(const Json& list, const std::string& at, bool below) {
    if (!list.is_array()) return;
    for (std::size_t i = 0; i < list.size(); ++i)
      walk(list.as_array()[i], below ? at + "/" + std::to_string(i) : at);
  }
  void members(const Json& map, const std::string& at, bool below) {
    if (!map.is_object()) return;
    for (const auto& [name, inner] : map.as_object()) {
      std::string place = at;
      if (below) {
        place += '/';
        for (const char c : name) {
          if (c == '~') {
            place += "~0";
          } else if (c == '/') {
            place += "~1";
          } else {
            place += c;
          }
        }
      }
      walk(inner, place);
    }
  }

  const Json& root_;
  std::set<std::string> found_;
  std::vector<const Json*> open_;
  std::size_t steps_ = 0;
};

Json places(const Json& schema) {
  Json out = Json::array();
  for (const std::string& place : Places(schema).find()) out.push_back(place);
  return out;
}

}  // namespace

Json describe(const Package& package) {
  const Manifest& manifest = package.manifest;
  Json hosts = Json::array();
  for (const std::string& host : manifest.hosts) hosts.push_back(host);
  Json secrets = Json::array();
  for (const SecretSpec& secret : package.secrets) {
    Json one = Json::object({{"name", secret.name}, {"required", secret.required}});
    if (!secret.description.empty()) one.set("description", secret.description);
    secrets.push_back(std::move(one));
  }
  Json actions = Json::array();
  for (const ActionSpec& action : manifest.actions) {
    actions.push_back(Json::object({{"name", action.name},
                                    {"version", action.version},
                                    {"input", places(action.input_schema)},
                                    {"output", places(action.output_schema)}}));
  }
  Json events = Json::array();
  for (const workflow::EventInfo& event : manifest.events) {
    events.push_back(Json::object({{"type", event.type}, {"data", places(event.data_schema)}}));
  }
  return Json::object({{"id", manifest.id},
                       {"version", manifest.version},
                       {"vendor", manifest.vendor},
                       {"license", package.license},
                       {"hosts", std::move(hosts)},
                       {"secrets", std::move(secrets)},
                       {"secretsRaw", manifest.secrets_raw},
                       {"kvBytes", package.kv_bytes},
                       {"blob", manifest.blob},
                       {"isolation", package.inline_allowed ? "inline-ok" : "process"},
                       {"patientData", Json::object({{"config", places(manifest.config_schema)},
                                                     {"actions", std::move(actions)},
                                                     {"events", std::move(events)}})}});
}

}  // namespace rabt::plugin
