#include "hub/workflow/lint/editor_schema.hpp"

#include <algorithm>
#include <array>
#include <string_view>

#include "hub/workflow/error_types.hpp"
#include "hub/workflow/yaml/yaml.hpp"

namespace rabt::workflow {

// The part that no catalog changes, as YAML: editor_schema_text.cpp.
[[nodiscard]] std::string_view editor_schema_text();

namespace {

constexpr std::size_t kMaxNesting = 64;  // of a schema in a manifest
constexpr int kMajors = 20;              // major versions that are asked for

Json expression() {
  return Json::object({{"$ref", "#/$defs/expression"}});
}

// The schema of an action's arguments as it holds for a file: every value may be an expression
// instead. Rules that an expression would break without being wrong are left out. prefix: where
// the schema stands, for its references.
class Loosened {
 public:
  explicit Loosened(std::string prefix) : prefix_(std::move(prefix)) {}

  // The value itself, or an expression.
  [[nodiscard]] Json value(const Json& schema, std::size_t depth = 0) const {
    if (!schema.is_object()) return schema;
    const bool plain_text = schema["type"] == Json("string") && schema["enum"].is_null() &&
                            schema["const"].is_null() && schema["pattern"].is_null() &&
                            schema["maxLength"].is_null() && schema["allOf"].is_null() &&
                            schema["anyOf"].is_null() && schema["oneOf"].is_null();
    const Json inner = written(schema, depth);
    if (plain_text || (schema["type"].is_null() && inner.size() == 0)) return inner;
    Json out = Json::object({{"anyOf", Json::array({inner, expression()})}});
    for (const char* note : {"title", "description", "default", "examples"}) {
      if (!schema[note].is_null()) out.set(note, schema[note]);
    }
    return out;
  }

  // The value as it is written out.
  [[nodiscard]] Json written(const Json& schema, std::size_t depth) const {
    if (!schema.is_object() || depth > kMaxNesting) return Json::object();
    constexpr std::array<std::string_view, 20> kKept = {"type",
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
      if (std::find(kKept.begin(), kKept.end(), key) != kKept.end()) {
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
        // An expression may fit two of them.
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

void add_actions(Json& schema, const ActionCatalog& catalog) {
  Json defs = schema["$defs"];
  Json::Array choices;
  Json::Array rules;
  Json role_properties = Json::object();
  std::vector<std::string> roles = catalog.roles();
  std::sort(roles.begin(), roles.end());
  for (const std::string& role : roles) {
    role_properties.set(role, Json::object({{"$ref", "#/$defs/catalog"}}));
    std::vector<std::string> actions = catalog.actions(role);
    std::sort(actions.begin(), actions.end());
    actions.erase(std::unique(actions.begin(), actions.end()), actions.end());
    for (const std::string& action : actions) {
      for (int major = 0; major < kMajors; ++major) {
        const auto info = catalog.find(role, action, std::to_string(major) + ".0.0");
        if (!info.has_value() || major_of(info->version) != std::to_string(major)) {
          continue;
        }
        const std::string call = action + ":" + info->version + "@" + role;
        const std::string title = info->title.empty() ? call : info->title;
        const std::string safety =
            info->idempotency == "none"
                ? "The plugin cannot tell a repeat from a new call: do not retry it."
                : "Safe to repeat (" + info->idempotency + ").";
        choices.push_back(Json::object(
            {{"const", call}, {"title", title}, {"description", title + ". " + safety}}));
        const std::string name = "action." + role + "." + action + "." + std::to_string(major);
        const Loosened loosened(name);
        const Json& input = info->input_schema;
        Json arguments = input.is_object() ? loosened.value(input) : Json::object();
        if (input.is_object()) {
          arguments.set("title", "Arguments of " + action);
          arguments.set("description", title);
        }
        defs.set(name, arguments);
        if (input["$defs"].is_object()) {
          for (const auto& [key, one] : input["$defs"].as_object())
            defs.set(name + "." + key, loosened.value(one));
        }
        Json then =
            Json::object({{"properties",
                           Json::object({{"with", Json::object({{"$ref", "#/$defs/" + name}})}})}});
        if (input["required"].size() > 0) then.set("required", Json::array({"with"}));
        const std::string pattern =
            "^" + action + ":" + std::to_string(major) + "\\.[0-9]+\\.[0-9]+@" + role + "$";
        rules.push_back(Json::object(
            {{"if", Json::object({{"properties",
                                   Json::object({{"call", Json::object({{"type", "string"},
                                                                        {"pattern", pattern}})}})},
                                  {"required", Json::array({"call"})}})},
             {"then", std::move(then)}}));
      }
    }
  }
  Json task = defs["task"];
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
  defs.set("task", std::move(task));
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
  const YamlOutcome text = parse_yaml(editor_schema_text());
  if (text.root == nullptr) return {};  // a test reads it
  Json schema = to_json(*text.root);
  add_error_types(schema);
  if (catalog != nullptr) add_actions(schema, *catalog);
  return schema;
}

}  // namespace rabt::workflow
