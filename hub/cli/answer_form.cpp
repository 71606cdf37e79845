#include "hub/cli/answer_form.hpp"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>
#include <vector>

#include "hub/base/json_pointer.hpp"
#include "hub/base/printable.hpp"
#include "hub/workflow/yaml/yaml.hpp"

namespace rabt::cli {

namespace {

// Objects within objects that are written out; deeper ones are {}.
constexpr int kFormDepth = 6;
// References that are followed one after the other.
constexpr int kFormReferences = 8;

std::string form_type(const std::string& name) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 6> kWords{
      {{"string", "text"},
       {"integer", "whole number"},
       {"boolean", "true or false"},
       {"array", "list"},
       {"null", "null"},
       {"object", "object"}}};
  for (const auto& [type, word] : kWords) {
    if (type == name) return std::string(word);
  }
  return name;
}

// A value of the schema, such as one of its choices.
std::string form_value(const Json& value) {
  return printable(value.is_string() ? value.as_string() : value.dump());
}

// A key of YAML, quoted where a plain one would be read as something else.
std::string form_key(const std::string& name) {
  constexpr std::array<std::string_view, 4> kWords{"null", "true", "false", "~"};
  const auto letter = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-' || c == '.';
  };
  const bool plain = !name.empty() && (name[0] < '0' || name[0] > '9') && name[0] != '-' &&
                     name[0] != '.' && std::all_of(name.begin(), name.end(), letter) &&
                     std::find(kWords.begin(), kWords.end(), name) == kWords.end();
  return plain ? name : Json(name).dump();
}

class AnswerForm {
 public:
  explicit AnswerForm(const Json& root) : root_(root) {}

  std::string text() {
    const Json& schema = followed(root_);
    if (has_members(schema)) {
      add_members(schema, 0, false);
      return std::move(text_);
    }
    const std::string rules = rules_of(schema);
    return "# " + (rules.empty() ? "anything" : rules) + described(schema) + "\n" +
           (allows(schema, "object") ? "{}\n" : "");
  }

 private:
  // The schema behind references, as far as they lead within the document.
  [[nodiscard]] const Json& followed(const Json& schema) const {
    const Json* at = &schema;
    for (int i = 0; i < kFormReferences; ++i) {
      const std::string reference = at->string_or("$ref", "");
      if (!reference.starts_with("#")) break;
      const Json* const next = at_pointer(root_, std::string_view(reference).substr(1));
      if (next == nullptr) break;
      at = next;
    }
    return *at;
  }

  static bool has_members(const Json& schema) {
    return schema["properties"].size() != 0 || schema["required"].size() != 0;
  }

  static bool allows(const Json& schema, std::string_view type) {
    const Json& types = schema["type"];
    if (types.is_string()) return types.as_string() == type;
    if (!types.is_array()) return true;
    return std::any_of(types.as_array().begin(), types.as_array().end(), [&](const Json& item) {
      return item.is_string() && item.as_string() == type;
    });
  }

  static std::string described(const Json& schema) {
    const std::string text = schema.string_or("description", schema.string_or("title", ""));
    return text.empty() ? "" : ". " + printable(text);
  }

  static std::vector<std::string> names_of(const Json& schema, const Json& required) {
    std::vector<std::string> names;
    if (schema.is_object()) {
      for (const auto& [name, one] : schema.as_object()) names.emplace_back(name);
    }
    for (std::size_t i = 0; i < required.size(); ++i) {
      const std::string name = required.item(i).is_string() ? required.item(i).as_string() : "";
      if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
    }
    return names;
  }

  static bool is_needed(const Json& schema, const std::string& name) {
    const Json& required = schema["required"];
    for (std::size_t i = 0; i < required.size(); ++i) {
      if (required.item(i) == Json(name)) return true;
    }
    return false;
  }

  static std::string types_of(const Json& schema) {
    const Json& types = schema["type"];
    if (types.is_string()) return form_type(types.as_string());
    std::string out;
    for (std::size_t i = 0; i < types.size(); ++i) {
      if (!types.item(i).is_string()) continue;
      out += (out.empty() ? "" : " or ") + form_type(types.item(i).as_string());
    }
    return out;
  }

  // Limits as "at least 1 characters", in the words of the hub's refusals.
  static void add_limits(const Json& schema, std::string& out) {
    struct Limit {
      const char* keyword;
      const char* before;
      const char* unit;
    };
    constexpr std::array<Limit, 10> kLimits{{{"minimum", "at least ", ""},
                                             {"maximum", "at most ", ""},
                                             {"exclusiveMinimum", "more than ", ""},
                                             {"exclusiveMaximum", "less than ", ""},
                                             {"multipleOf", "a multiple of ", ""},
                                             {"minLength", "at least ", " characters"},
                                             {"maxLength", "at most ", " characters"},
                                             {"minItems", "at least ", " items"},
                                             {"maxItems", "at most ", " items"},
                                             {"pattern", "matches ", ""}}};
    for (const Limit& limit : kLimits) {
      if (const Json* const value = schema.find(limit.keyword); value != nullptr)
        add_rule(out, limit.before + form_value(*value) + limit.unit);
    }
    if (const std::string format = schema.string_or("format", ""); !format.empty())
      add_rule(out, "format " + printable(format));
  }

  static void add_rule(std::string& out, const std::string& rule) {
    out += (out.empty() || rule.empty() ? "" : "; ") + rule;
  }

  // Type and rules of a value; empty if it may be anything.
  [[nodiscard]] std::string rules_of(const Json& schema, int depth = 0) const {
    std::string out;
    if (const Json* const only = schema.find("const"); only != nullptr) {
      out = "always " + form_value(*only);
    } else if (const Json& choices = schema["enum"]; choices.size() != 0) {
      for (std::size_t i = 0; i < choices.size(); ++i)
        out += (i == 0 ? "one of " : ", ") + form_value(choices.item(i));
    } else {
      out = types_of(schema);
    }
    add_limits(schema, out);
    if (schema["items"].is_object() && depth < 2) add_rule(out, "each " + item_of(schema, depth));
    if (schema.bool_or("x-phi", false)) add_rule(out, "patient data");
    for (const char* more : {"allOf", "anyOf", "oneOf", "not", "if"}) {
      if (schema.find(more) == nullptr) continue;
      add_rule(out, "more rules, which the hub checks");
      break;
    }
    return out;
  }

  // An item of a list in one line.
  [[nodiscard]] std::string item_of(const Json& list, int depth) const {
    const Json& item = followed(list["items"]);
    const std::string rules = rules_of(item, depth + 1);
    std::string out = rules.empty() ? "anything" : rules;
    std::string members;
    for (const std::string& name : names_of(item["properties"], item["required"])) {
      std::string of = rules_of(followed(item["properties"][name]), depth + 1);
      if (is_needed(item, name)) add_rule(of, "required");
      members += (members.empty() ? " {" : ", ") + form_key(name);
      if (!of.empty()) members += " (" + of + ")";
    }
    return out + members + (members.empty() ? "" : "}");
  }

  // out: the members stand behind "#".
  void add_members(const Json& schema, int depth, bool out) {
    const std::string indent(static_cast<std::size_t>(depth) * 2, ' ');
    for (const std::string& name : names_of(schema["properties"], schema["required"])) {
      const Json& item = followed(schema["properties"][name]);
      const bool needed = is_needed(schema, name);
      const bool hidden = out || !needed;
      std::string rules = rules_of(item);
      add_rule(rules, needed ? "required" : "may be left out");
      text_ += (hidden ? "#" : "") + indent + "# " + printable(name) + ": " + rules +
               described(item) + "\n";
      const bool object = has_members(item) && allows(item, "object") && depth < kFormDepth;
      text_ += (hidden ? "#" : "") + indent + form_key(name) + ":" +
               (object ? "" : value_of(item)) + "\n";
      if (object) add_members(item, depth + 1, hidden);
    }
  }

  // Value of a member that has but one, or that begins empty; "" for one that has to be filled in.
  static std::string value_of(const Json& schema) {
    if (const Json* const only = schema.find("const"); only != nullptr) return " " + only->dump();
    const std::string type = schema["type"].is_string() ? schema["type"].as_string() : "";
    return type == "array" ? " []" : type == "object" ? " {}" : "";
  }

  const Json& root_;
  std::string text_;
};

}  // namespace

std::string answer_form(const Json& schema) {
  return AnswerForm(schema).text();
}

Result<Json> read_answer(const std::string& name, const std::string& text) {
  const workflow::YamlOutcome outcome = workflow::parse_yaml(text);
  if (outcome.root == nullptr) {
    const workflow::YamlFault& fault = outcome.fault;
    return invalid("cli.output", name + ":" + std::to_string(fault.line) + ":" +
                                     std::to_string(fault.column) + ": " + fault.message +
                                     (fault.suggestion.empty() ? "" : "; " + fault.suggestion));
  }
  Json value = workflow::to_json(*outcome.root);
  return value.is_null() ? Json::object() : value;
}

}  // namespace rabt::cli
