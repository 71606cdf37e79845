#include "hub/workflow/schema.hpp"

#include <re2/re2.h>

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "hub/workflow/suggest.hpp"

namespace rabt::workflow {

struct Schema::Node {
  bool never = false;  // the schema `false`
  std::vector<std::string> types;
  std::vector<std::string> required;
  std::vector<std::pair<std::string, std::shared_ptr<const Node>>> properties;
  std::shared_ptr<const Node> items;
  std::shared_ptr<const Node> additional;  // null: anything goes
  std::vector<Json> allowed;               // enum and const
  bool limits_values = false;
  std::optional<std::int64_t> min_items, max_items, min_length, max_length;
  std::optional<Json> minimum, maximum;
  std::unique_ptr<re2::RE2> pattern;
  std::string pattern_text;
};

namespace {

constexpr std::int64_t kMaxPatternMemory = 1 << 20;  // of one compiled pattern

const std::vector<std::string>& keywords() {
  static const std::vector<std::string> list = {"type",       "required",
                                                "properties", "items",
                                                "enum",       "const",
                                                "minItems",   "maxItems",
                                                "minimum",    "maximum",
                                                "minLength",  "maxLength",
                                                "pattern",    "additionalProperties",
                                                "title",      "description",
                                                "default",    "examples",
                                                "$schema",    "$id",
                                                "$comment"};
  return list;
}

const std::vector<std::string>& type_names() {
  static const std::vector<std::string> list = {"null",   "boolean", "object", "array",
                                                "number", "string",  "integer"};
  return list;
}

bool is_integer(const Json& value) {
  if (!value.is_number()) return false;
  if (value.as_int64().has_value()) return true;
  const double number = value.as_double();
  return std::isfinite(number) && std::floor(number) == number && !value.has_digits();
}

bool has_type(const Json& value, const std::string& type) {
  switch (value.type()) {
    case Json::Type::null:
      return type == "null";
    case Json::Type::boolean:
      return type == "boolean";
    case Json::Type::string:
      return type == "string";
    case Json::Type::array:
      return type == "array";
    case Json::Type::object:
      return type == "object";
    case Json::Type::number:
      return type == "number" || (type == "integer" && is_integer(value));
  }
  return false;
}

std::int64_t code_points(std::string_view text) {
  return std::count_if(text.begin(), text.end(),
                       [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; });
}

class Compiler {
 public:
  explicit Compiler(const Schema::Report& report) : report_(report) {}
  [[nodiscard]] bool ok() const { return ok_; }

  std::shared_ptr<const Schema::Node> node(const YamlNode& yaml) {
    auto out = std::make_shared<Schema::Node>();
    if (yaml.kind == YamlNode::Kind::boolean) {
      out->never = !yaml.scalar.as_bool();
      return out;
    }
    if (yaml.kind != YamlNode::Kind::mapping) {
      wrong(yaml.line, yaml.column, "a schema is a mapping such as `type: object`");
      return out;
    }
    for (const YamlEntry& entry : yaml.entries) keyword(*out, entry);
    return out;
  }

 private:
  void wrong(int line, int column, std::string message, std::string suggestion = {},
             std::string code = "workflow.schema") {
    ok_ = false;
    report_(line, column, std::move(code), std::move(message), std::move(suggestion));
  }

  void texts(const YamlEntry& entry, std::vector<std::string>& out) {
    if (entry.value->kind != YamlNode::Kind::sequence) {
      return wrong(entry.line, entry.column, "`" + entry.key + "` is a list of names");
    }
    for (const YamlPtr& item : entry.value->items) {
      if (!item->is_text()) return wrong(item->line, item->column, "a name is expected here");
      out.push_back(item->text());
    }
  }

  void count(const YamlEntry& entry, std::optional<std::int64_t>& out) {
    out = entry.value->scalar.as_int64();
    if (!out.has_value() || *out < 0) {
      wrong(entry.value->line, entry.value->column,
            "`" + entry.key + "` is a whole number, not negative");
    }
  }

  void keyword(Schema::Node& out, const YamlEntry& entry) {
    const std::string& key = entry.key;
    const YamlNode& value = *entry.value;
    if (key == "type") {
      if (value.is_text()) {
        out.types.push_back(value.text());
      } else {
        texts(entry, out.types);
      }
      for (const std::string& type : out.types) {
        if (std::find(type_names().begin(), type_names().end(), type) == type_names().end()) {
          wrong(value.line, value.column, "`" + type + "` is no JSON type",
                did_you_mean(type, type_names()));
        }
      }
    } else if (key == "required") {
      texts(entry, out.required);
    } else if (key == "properties") {
      if (value.kind != YamlNode::Kind::mapping) {
        return wrong(value.line, value.column, "`properties` maps names to schemas");
      }
      for (const YamlEntry& property : value.entries) {
        out.properties.emplace_back(property.key, node(*property.value));
      }
    } else if (key == "items") {
      out.items = node(value);
    } else if (key == "additionalProperties") {
      out.additional = node(value);
    } else if (key == "enum") {
      if (value.kind != YamlNode::Kind::sequence || value.items.empty()) {
        return wrong(value.line, value.column, "`enum` is a list of at least one value");
      }
      out.limits_values = true;
      for (const YamlPtr& item : value.items) out.allowed.push_back(to_json(*item));
    } else if (key == "const") {
      out.limits_values = true;
      out.allowed.push_back(to_json(value));
    } else if (key == "minItems") {
      count(entry, out.min_items);
    } else if (key == "maxItems") {
      count(entry, out.max_items);
    } else if (key == "minLength") {
      count(entry, out.min_length);
    } else if (key == "maxLength") {
      count(entry, out.max_length);
    } else if (key == "minimum" || key == "maximum") {
      if (value.kind != YamlNode::Kind::number) {
        return wrong(value.line, value.column, "`" + key + "` is a number");
      }
      (key == "minimum" ? out.minimum : out.maximum) = value.scalar;
    } else if (key == "pattern") {
      if (!value.is_text())
        return wrong(value.line, value.column, "`pattern` is a regular expression");
      re2::RE2::Options options;
      options.set_log_errors(false);
      options.set_max_mem(kMaxPatternMemory);
      out.pattern_text = value.text();
      out.pattern = std::make_unique<re2::RE2>(out.pattern_text, options);
      if (!out.pattern->ok()) {
        wrong(value.line, value.column,
              "not a regular expression (RE2 syntax): " + out.pattern->error());
      }
    } else if (key.starts_with("x-") ||
               std::find(keywords().begin(), keywords().end(), key) != keywords().end()) {
      // an annotation
    } else {
      wrong(entry.line, entry.column, "schema keyword `" + key + "` is not supported yet",
            did_you_mean(key, keywords()), "workflow.not_supported");
    }
  }

  const Schema::Report& report_;
  bool ok_ = true;
};

// Recursion follows the schema, whose depth the YAML reader limits.
std::string check(const Schema::Node& schema, const Json& value, const std::string& path) {
  const auto at = [&](const std::string& what) {
    return (path.empty() ? "the value" : path) + " " + what;
  };
  if (schema.never) return at("is not allowed");
  if (!schema.types.empty() &&
      std::none_of(schema.types.begin(), schema.types.end(),
                   [&](const std::string& type) { return has_type(value, type); })) {
    std::string names;
    for (const std::string& type : schema.types) names += (names.empty() ? "" : " or ") + type;
    return at("must be " + names);
  }
  if (schema.limits_values &&
      std::find(schema.allowed.begin(), schema.allowed.end(), value) == schema.allowed.end()) {
    return at("is none of the allowed values");
  }
  if (value.is_number()) {
    if (schema.minimum && Json::compare(value, *schema.minimum) < 0) {
      return at("must be at least " + schema.minimum->number_text());
    }
    if (schema.maximum && Json::compare(value, *schema.maximum) > 0) {
      return at("must be at most " + schema.maximum->number_text());
    }
  }
  if (value.is_string()) {
    const std::string& text = value.as_string();
    if (schema.min_length && code_points(text) < *schema.min_length) {
      return at("must have at least " + std::to_string(*schema.min_length) + " characters");
    }
    if (schema.max_length && code_points(text) > *schema.max_length) {
      return at("must have at most " + std::to_string(*schema.max_length) + " characters");
    }
    if (schema.pattern && !re2::RE2::PartialMatch(text, *schema.pattern)) {
      return at("must match the pattern " + schema.pattern_text);
    }
  }
  if (value.is_array()) {
    const auto size = static_cast<std::int64_t>(value.size());
    if (schema.min_items && size < *schema.min_items) {
      return at("must have at least " + std::to_string(*schema.min_items) + " items");
    }
    if (schema.max_items && size > *schema.max_items) {
      return at("must have at most " + std::to_string(*schema.max_items) + " items");
    }
    if (schema.items) {
      std::size_t index = 0;
      for (const Json& item : value.as_array()) {
        std::string found = check(*schema.items, item, path + "/" + std::to_string(index++));
        if (!found.empty()) return found;
      }
    }
  }
  if (value.is_object()) {
    for (const std::string& name : schema.required) {
      if (value.find(name) == nullptr) return at("must have the property `" + name + "`");
    }
    for (const auto& [name, property] : schema.properties) {
      if (const Json* member = value.find(name)) {
        std::string found = check(*property, *member, path + "/" + name);
        if (!found.empty()) return found;
      }
    }
    if (schema.additional) {
      for (const auto& [name, member] : value.as_object()) {
        const bool known =
            std::any_of(schema.properties.begin(), schema.properties.end(),
                        [&key = name](const auto& entry) { return entry.first == key; });
        if (known) continue;
        // A name that the schema does not know may itself be data, so it is not repeated here.
        if (schema.additional->never) return at("has a property that the schema does not know");
        std::string found = check(*schema.additional, member, path + "/*");
        if (!found.empty()) return found;
      }
    }
  }
  return {};
}

}  // namespace

std::optional<Schema> Schema::compile(const YamlNode& node, const Report& report) {
  Compiler compiler(report);
  Schema schema;
  schema.root_ = compiler.node(node);
  if (!compiler.ok()) return std::nullopt;
  return schema;
}

std::string Schema::validate(const Json& value) const {
  return check(*root_, value, {});
}

}  // namespace rabt::workflow
