#include "hub/workflow/lint/editor_schema.hpp"

#include <algorithm>
#include <iterator>
#include <string_view>

#include "hub/workflow/error_types.hpp"
#include "hub/workflow/yaml/yaml.hpp"

namespace rabt::embedded {

extern const std::string_view workflow_schema;  // workflow.schema.yaml

}  // namespace rabt::embedded

namespace rabt::workflow {

namespace {

// A manifest's schema is followed so deep.
constexpr std::size_t kMaxNesting = 64;
// The catalog is asked for this many major versions of each action.
constexpr int kMajors = 20;

Json reference(const std::string& name) {
  return Json::object({{"$ref", "#/$defs/" + name}});
}

// The schema of an action's arguments as it holds for a file: every value may be an expression
// instead. Rules that an expression would break without being wrong are left out.
class Loosened {
 public:
  // prefix: the schema's name under $defs, for its references to itself.
  explicit Loosened(std::string prefix) : prefix_(std::move(prefix)) {}

  // The value itself, or an expression.
  [[nodiscard]] Json value(const Json& schema, std::size_t depth = 0) const {
    if (!schema.is_object()) return schema;
    const bool plain_text = schema["type"] == Json("string") && schema["enum"].is_null() &&
                            schema["const"].is_null() && schema["pattern"].is_null() &&
                            schema["maxLength"].is_null() && schema["allOf"].is_null() &&
                            schema["anyOf"].is_null() && schema["oneOf"].is_null();
    Json inner = written(schema, depth);
    if (plain_text || (schema["type"].is_null() && inner.size() == 0)) return inner;
    Json out = Json::object({{"anyOf", Json::array({inner, reference("expression")})}});
    for (const char* note : {"title", "description", "default", "examples"}) {
      if (!schema[note].is_null()) out.set(note, schema[note]);
    }
    return out;
  }

  // The value as it is written out.
  [[nodiscard]] Json written(const Json& schema, std::size_t depth) const {
    if (!schema.is_object() || depth > kMaxNesting) return Json::object();
    // Notes, and rules that no expression breaks.
    constexpr std::string_view kKept[] = {"type",
                                          "enum",
                                          "const",
                                          "title",
                                          "description",
                                          "default",
                                          "examples",
                                          "required",
                                          "pattern",
                                          "minimum",
                                          "maximum",
                                          "minLength",
                                          "maxLength",
                                          "minItems",
                                          "maxItems",
                                          "format",
                                          "exclusiveMinimum",
                                          "exclusiveMaximum",
                                          "minProperties",
                                          "maxProperties"};
    Json out = Json::object();
    for (const auto& [key, member] : schema.as_object()) {
      if (std::find(std::begin(kKept), std::end(kKept), key) != std::end(kKept)) {
        out.set(key, member);
      } else if (key == "properties" || key == "patternProperties") {
        Json members = Json::object();
        if (member.is_object()) {
          for (const auto& [name, one] : member.as_object())
            members.set(name, value(one, depth + 1));
        }
        out.set(key, std::move(members));
      } else if (key == "items" || key == "additionalProperties") {
        out.set(key, member.is_object() ? value(member, depth + 1) : member);
      } else if (key == "anyOf" || key == "oneOf" || key == "allOf") {
        Json::Array members;
        for (std::size_t i = 0; i < member.size(); ++i)
          members.push_back(written(member[i], depth + 1));
        // An expression may fit two alternatives.
        out.set(key == "oneOf" ? "anyOf" : key, Json(std::move(members)));
      } else if (key == "$ref" && member.is_string()) {
        const std::string& target = member.as_string();
        if (target == "#") out.set(key, "#/$defs/" + prefix_);
        if (target.starts_with("#/$defs/"))
          out.set(key, "#/$defs/" + prefix_ + "." + target.substr(8));
      }
    }
    return out;
  }

 private:
  std::string prefix_;
};

std::string major_of(std::string_view version) {
  return std::string(version.substr(0, version.find('.')));
}

// One major version of an action that a role offers.
struct OfferedAction {
  std::string role;
  std::string name;
  ActionInfo info;

  [[nodiscard]] std::string call() const { return name + ":" + info.version + "@" + role; }
  [[nodiscard]] std::string title() const { return info.title.empty() ? call() : info.title; }
  // The name of the arguments' schema under $defs.
  [[nodiscard]] std::string arguments() const {
    return "action." + role + "." + name + "." + major_of(info.version);
  }
};

std::vector<OfferedAction> offered(const ActionCatalog& catalog,
                                   const std::vector<std::string>& roles) {
  std::vector<OfferedAction> out;
  for (const std::string& role : roles) {
    std::vector<std::string> actions = catalog.actions(role);
    std::sort(actions.begin(), actions.end());
    actions.erase(std::unique(actions.begin(), actions.end()), actions.end());
    for (const std::string& action : actions) {
      for (int major = 0; major < kMajors; ++major) {
        auto info = catalog.find(role, action, std::to_string(major) + ".0.0");
        if (!info.has_value() || major_of(info->version) != std::to_string(major)) continue;
        out.push_back({role, action, std::move(*info)});
      }
    }
  }
  return out;
}

// Returns the entry that an editor offers for `call`.
Json choice(const OfferedAction& action) {
  const std::string& idempotency = action.info.idempotency;
  const std::string safety =
      idempotency == "none" ? "The plugin cannot tell a repeat from a new call: do not retry it."
                            : "Safe to repeat (" + idempotency + ").";
  return Json::object({{"const", action.call()},
                       {"title", action.title()},
                       {"description", action.title() + ". " + safety}});
}

void add_arguments(Json& defs, const OfferedAction& action) {
  const std::string name = action.arguments();
  const Loosened loosened(name);
  const Json& input = action.info.input_schema;
  Json arguments = input.is_object() ? loosened.value(input) : Json::object();
  if (input.is_object()) {
    arguments.set("title", "Arguments of " + action.name);
    arguments.set("description", action.title());
  }
  defs.set(name, std::move(arguments));
  if (!input["$defs"].is_object()) return;
  for (const auto& [key, one] : input["$defs"].as_object())
    defs.set(name + "." + key, loosened.value(one));
}

// A task that calls the action, in any version of this major, has its arguments under `with`.
Json rule(const OfferedAction& action) {
  const std::string pattern = "^" + action.name + ":" + major_of(action.info.version) +
                              "\\.[0-9]+\\.[0-9]+@" + action.role + "$";
  const Json call = Json::object({{"type", "string"}, {"pattern", pattern}});
  const Json calls_it = Json::object(
      {{"properties", Json::object({{"call", call}})}, {"required", Json::array({"call"})}});
  Json then =
      Json::object({{"properties", Json::object({{"with", reference(action.arguments())}})}});
  if (action.info.input_schema["required"].size() > 0) then.set("required", Json::array({"with"}));
  return Json::object({{"if", calls_it}, {"then", std::move(then)}});
}

// `task` with the choices before its own for `call`, and the rules behind its own.
Json with_actions(Json task, const Json::Array& choices, const Json::Array& rules) {
  Json properties = task["properties"];
  Json call = properties["call"];
  Json::Array any = call["anyOf"].as_array();
  any.insert(any.begin(), choices.begin(), choices.end());
  call.set("anyOf", Json(std::move(any)));
  properties.set("call", std::move(call));
  task.set("properties", std::move(properties));
  Json::Array all = task["allOf"].as_array();
  all.insert(all.end(), rules.begin(), rules.end());
  task.set("allOf", Json(std::move(all)));
  return task;
}

void add_actions(Json& schema, const ActionCatalog& catalog) {
  Json defs = schema["$defs"];
  std::vector<std::string> roles = catalog.roles();
  std::sort(roles.begin(), roles.end());
  Json::Array choices;
  Json::Array rules;
  for (const OfferedAction& action : offered(catalog, roles)) {
    choices.push_back(choice(action));
    add_arguments(defs, action);
    rules.push_back(rule(action));
  }
  defs.set("task", with_actions(defs["task"], choices, rules));
  Json role_properties = Json::object();
  for (const std::string& role : roles) role_properties.set(role, reference("catalog"));
  Json catalogs = defs["catalogs"];
  catalogs.set("properties", std::move(role_properties));
  defs.set("catalogs", std::move(catalogs));
  schema.set("$defs", std::move(defs));
}

void add_error_types(Json& schema) {
  Json::Array choices;
  for (const std::string& name : standard_error_names())
    choices.push_back(Json::object({{"const", error_type(name)}, {"title", name}}));
  choices.push_back(Json::object({{"type", "string"}}));
  Json defs = schema["$defs"];
  Json type = defs["errorType"];
  type.set("anyOf", Json(std::move(choices)));
  defs.set("errorType", std::move(type));
  schema.set("$defs", std::move(defs));
}

}  // namespace

Json editor_schema(const ActionCatalog* catalog) {
  const YamlOutcome text = parse_yaml(embedded::workflow_schema);
  if (text.root == nullptr) return {};  // a test proves that the text can be read
  Json schema = to_json(*text.root);
  add_error_types(schema);
  if (catalog != nullptr) add_actions(schema, *catalog);
  return schema;
}

}  // namespace rabt::workflow
