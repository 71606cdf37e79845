#include <algorithm>
#include <optional>

#include "hub/base/ascii.hpp"
#include "hub/base/suggest.hpp"
#include "hub/workflow/parse/parser.hpp"

// Arguments of a call against the JSON Schema of the action. What is written out is checked fully;
// an expression is only known to be there.
namespace rabt::workflow {

namespace {

// So many steps through $ref and nested schemas, which may be recursive.
constexpr std::size_t kMaxSchemaSteps = 64;

bool has_expression(const YamlNode& node) {
  if (node.is_text()) return enclosed(node.text()).kind != Enclosed::Kind::literal;
  return std::any_of(node.items.begin(), node.items.end(),
                     [](const YamlPtr& item) { return has_expression(*item); }) ||
         std::any_of(node.entries.begin(), node.entries.end(),
                     [](const YamlEntry& entry) { return has_expression(*entry.value); });
}

std::string_view type_of(const YamlNode& node) {
  switch (node.kind) {
    case YamlNode::Kind::null:
      return "null";
    case YamlNode::Kind::boolean:
      return "boolean";
    case YamlNode::Kind::number:
      return node.scalar.as_int64().has_value() ? "integer" : "number";
    case YamlNode::Kind::string:
      return "string";
    case YamlNode::Kind::sequence:
      return "array";
    case YamlNode::Kind::mapping:
      return "object";
  }
  return "";
}

// The schema's own words for its types: "string", "string or null".
std::string wanted_types(const Json& type, std::string_view given, bool& fits) {
  const auto accepts = [&](const Json& node) {
    return node.is_string() &&
           (node.as_string() == given || (node.as_string() == "number" && given == "integer"));
  };
  std::string out;
  fits = false;
  if (type.is_string()) {
    fits = accepts(type);
    return type.as_string();
  }
  if (!type.is_array()) {
    fits = true;
    return out;
  }
  for (const Json& item : type.as_array()) {
    fits = fits || accepts(item);
    if (item.is_string()) out += (out.empty() ? "" : " or ") + item.as_string();
  }
  return out;
}

std::string_view article(std::string_view type) {
  return type.starts_with("a") || type.starts_with("i") || type.starts_with("o") ? "an " : "a ";
}

}  // namespace

std::string boolean_hint(const YamlNode& node) {
  if (!node.is_text()) return {};
  const std::string text = lower(node.text());
  if (text == "yes" || text == "on" || text == "true") return "write true";
  if (text == "no" || text == "off" || text == "false") return "write false";
  return {};
}

class Parser::Arguments {
 public:
  Arguments(Parser& parser, const Json& root, std::string subject)
      : parser_(parser), root_(root), subject_(std::move(subject)) {}

  // at: where a missing argument is reported. path: the argument's name, empty for all arguments.
  void check(const YamlNode& node, const Json& given, int line, int column, const std::string& path,
             std::size_t steps = 0) {
    const Json& schema = resolved(given);
    if (!schema.is_object() || steps > kMaxSchemaSteps) return;
    if (node.is_text() && enclosed(node.text()).kind != Enclosed::Kind::literal) return;
    const std::size_t before = parser_.diagnostics_.size();
    bool fits = true;
    const std::string wanted = wanted_types(schema["type"], type_of(node), fits);
    if (!schema["type"].is_null() && !fits) {
      wrong_type(node, wanted, path);
      return;
    }
    if (schema["enum"].is_array() && !has_expression(node)) {
      const auto& allowed = schema["enum"].as_array();
      if (std::find(allowed.begin(), allowed.end(), to_json(node)) == allowed.end()) {
        wrong_choice(node, allowed, path);
        return;
      }
    }
    if (node.kind == YamlNode::Kind::mapping) members(node, schema, line, column, path, steps);
    if (node.kind == YamlNode::Kind::sequence && schema["items"].is_object()) {
      for (const YamlPtr& item : node.items)
        check(*item, schema["items"], item->line, item->column, path + "[]", steps + 1);
    }
    if (schema["allOf"].is_array()) {
      for (const Json& member_value : schema["allOf"].as_array())
        check(node, member_value, line, column, path, steps + 1);
    }
    if (parser_.diagnostics_.size() == before && !has_expression(node)) whole(node, schema, path);
  }

 private:
  const Json& resolved(const Json& schema) const {
    const Json* found = &schema;
    for (std::size_t i = 0; i < kMaxSchemaSteps; ++i) {
      const Json& ref = (*found)["$ref"];
      if (!ref.is_string()) return *found;
      const std::string& text = ref.as_string();
      if (text == "#") {
        found = &root_;
      } else if (text.starts_with("#/$defs/")) {
        found = &root_["$defs"][text.substr(8)];
      } else {
        break;
      }
    }
    return *found;
  }

  [[nodiscard]] std::string named(const std::string& path) const {
    return path.empty() ? "the arguments of `" + subject_ + "`" : "`" + path + "`";
  }

  void wrong_type(const YamlNode& node, const std::string& wanted, const std::string& path) {
    std::string hint;
    if ((node.kind == YamlNode::Kind::number || node.kind == YamlNode::Kind::boolean) &&
        wanted.find("string") != std::string::npos) {
      hint = "put it in quotes";
    } else if (node.is_text() && wanted == "boolean") {
      hint = boolean_hint(node);
    } else if (node.is_text() && node.quoted && (wanted == "integer" || wanted == "number")) {
      hint = "leave the quotes out";
    } else if (node.is_text() && (node.text().starts_with('.') || node.text().starts_with('$'))) {
      hint = "write ${ " + node.text() + " }";
    }
    parser_.error(node, "workflow.argument_type",
                  named(path) + " must be " + std::string(article(wanted)) + wanted + ", not " +
                      std::string(article(type_of(node))) + std::string(type_of(node)),
                  std::move(hint));
  }

  void wrong_choice(const YamlNode& node, const Json::Array& allowed, const std::string& path) {
    constexpr std::size_t kShown = 12;
    std::vector<std::string> names;
    std::string all;
    for (const Json& item : allowed) {
      names.push_back(item.is_string() ? item.as_string() : item.dump());
      if (names.size() <= kShown) all += (all.empty() ? "" : ", ") + names.back();
    }
    if (names.size() > kShown) all += ", ...";
    std::string near = node.is_text() ? did_you_mean(node.text(), names) : std::string();
    parser_.error(node, "workflow.argument_value", named(path) + " must be one of " + all,
                  std::move(near));
  }

  void members(const YamlNode& node, const Json& schema, int line, int column,
               const std::string& path, std::size_t steps) {
    std::vector<std::string> names;
    if (schema["properties"].is_object()) {
      for (const auto& [key, value] : schema["properties"].as_object()) names.push_back(key);
    }
    std::vector<std::string> misspelt;
    const auto below = [&](const std::string& key) {
      return path.empty() ? key : path + "." + key;
    };
    const Json& rest = schema["additionalProperties"];
    const bool closed =
        (rest.is_bool() && !rest.as_bool()) ||
        (schema["unevaluatedProperties"].is_bool() && !schema["unevaluatedProperties"].as_bool() &&
         schema["allOf"].is_null() && schema["anyOf"].is_null() && schema["oneOf"].is_null() &&
         schema["if"].is_null());
    for (const YamlEntry& entry : node.entries) {
      if (std::find(names.begin(), names.end(), entry.key) != names.end()) {
        check(*entry.value, schema["properties"][entry.key], entry.line, entry.column,
              below(entry.key), steps + 1);
        continue;
      }
      if (schema["patternProperties"].is_object()) continue;  // left to the whole value's check
      if (closed) {
        const std::string near = nearest(entry.key, names);
        if (!near.empty()) misspelt.push_back(near);
        parser_.error(entry, "workflow.argument_unknown",
                      (path.empty() ? "`" + subject_ + "` has no argument `"
                                    : "`" + path + "` of `" + subject_ + "` has no member `") +
                          entry.key + "`",
                      near.empty() ? std::string() : "did you mean `" + near + "`?");
      } else if (rest.is_object()) {
        check(*entry.value, rest, entry.line, entry.column, below(entry.key), steps + 1);
      }
    }
    const Json& required = schema["required"];
    for (std::size_t i = 0; i < required.size(); ++i) {
      if (!required[i].is_string()) continue;
      const std::string& name = required[i].as_string();
      if (node.find(name) != nullptr ||
          std::find(misspelt.begin(), misspelt.end(), name) != misspelt.end())
        continue;
      parser_.error(line, column, "workflow.argument_missing",
                    path.empty() ? "`" + subject_ + "` needs the argument `" + name + "`"
                                 : "`" + path + "` of `" + subject_ + "` needs `" + name + "`");
    }
  }

  // The rest of the schema, by the validator that the hub itself uses.
  void whole(const YamlNode& node, const Json& schema, const std::string& path) {
    Json standalone = schema;
    if (!root_["$defs"].is_null()) standalone.set("$defs", root_["$defs"]);
    const auto compiled = Schema::compile(standalone);
    if (!compiled.ok()) return;  // the manifest's reader has said so
    const auto fault = compiled->check(to_json(node));
    if (!fault) return;
    parser_.error(*yaml_at(node, fault->instance_path).node, "workflow.argument_value",
                  named(path) + " " + fault->message);
  }

  Parser& parser_;
  const Json& root_;
  std::string subject_;
};

void Parser::check_arguments(const std::string& subject, const Json& schema, const YamlEntry& call,
                             const YamlEntry* with) {
  if (!schema.is_object()) return;
  Arguments arguments(*this, schema, subject);
  if (with != nullptr) {
    arguments.check(*with->value, schema, with->line, with->column, "");
    return;
  }
  YamlNode none;
  none.kind = YamlNode::Kind::mapping;
  none.line = call.line;
  none.column = call.column;
  arguments.check(none, schema, call.line, call.column, "");
}

}  // namespace rabt::workflow
