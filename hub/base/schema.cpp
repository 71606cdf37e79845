#include "hub/base/schema.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <map>
#include <utility>
#include <vector>

#include <re2/re2.h>

namespace rabt {

namespace {

constexpr int kMaxSchemaDepth = 64;        // nested schemas in one document
constexpr int kMaxCheckDepth = 256;        // nested checks: ends a $ref that leads back to itself
constexpr std::size_t kMaxNodes = 20'000;  // schemas in one document

using Index = std::int32_t;
constexpr Index kNone = -1;

enum TypeBit : unsigned {
  kNull = 1,
  kBoolean = 2,
  kInteger = 4,
  kNumber = 8,
  kString = 16,
  kArray = 32,
  kObject = 64,
};
struct TypeName {
  std::string_view name;
  unsigned bit;
};
constexpr std::array<TypeName, 7> kTypes{{{"null", kNull},
                                          {"boolean", kBoolean},
                                          {"integer", kInteger},
                                          {"number", kNumber | kInteger},
                                          {"string", kString},
                                          {"array", kArray},
                                          {"object", kObject}}};

struct Node {
  std::string path;  // JSON pointer into the schema
  bool never = false;
  unsigned types = 0;  // 0: any
  std::optional<Json> constant;
  std::vector<Json> choices;
  bool has_choices = false;
  std::vector<std::string> required;
  std::map<std::string, Index, std::less<>> properties;
  Index additional = kNone;
  Index items = kNone;
  Index negated = kNone;
  Index reference = kNone;
  std::vector<Index> all_of;
  std::vector<Index> any_of;
  std::vector<Index> one_of;
  std::optional<double> minimum, maximum, above, below;
  std::optional<std::size_t> min_length, max_length, min_items, max_items, min_properties,
      max_properties;
  bool unique = false;
  std::shared_ptr<const re2::RE2> pattern;
};

std::string escape(std::string_view token) {
  std::string out;
  for (const char c : token) {
    if (c == '~') {
      out += "~0";
    } else if (c == '/') {
      out += "~1";
    } else {
      out.push_back(c);
    }
  }
  return out;
}

std::size_t code_points(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xc0U) != 0x80U;
  }));
}

bool integral(const Json& value) {
  if (value.as_int64()) return true;
  if (value.has_digits()) {
    const std::string text = value.number_text();
    if (text.find_first_of(".eE") == std::string::npos) return true;
  }
  const double real = value.as_double();
  return std::isfinite(real) && std::floor(real) == real;
}

unsigned type_of(const Json& value) {
  switch (value.type()) {
    case Json::Type::null:
      return kNull;
    case Json::Type::boolean:
      return kBoolean;
    case Json::Type::number:
      return integral(value) ? kInteger : kNumber;
    case Json::Type::string:
      return kString;
    case Json::Type::array:
      return kArray;
    case Json::Type::object:
      return kObject;
  }
  return 0;
}

std::string type_list(unsigned types) {
  std::string out;
  for (const auto& [name, bit] : kTypes) {
    const bool listed = name == "integer"  ? (types & (kInteger | kNumber)) == kInteger
                        : name == "number" ? (types & kNumber) != 0
                                           : (types & bit) != 0;
    if (!listed) continue;
    if (!out.empty()) out += " or ";
    out += name;
  }
  return out;
}

bool is_annotation(std::string_view key) {
  static constexpr std::array<std::string_view, 11> kAnnotations{
      "title",   "description", "default",    "examples", "format",   "$comment",
      "$schema", "$id",         "deprecated", "readOnly", "writeOnly"};
  return key.starts_with("x-") ||
         std::find(kAnnotations.begin(), kAnnotations.end(), key) != kAnnotations.end();
}

}  // namespace

struct Schema::Model {
  std::vector<Node> nodes;
  std::set<std::string> phi;
};

namespace {

class Compiler {
 public:
  explicit Compiler(Schema::Model& model) : model_(model) {}

  Result<Index> compile(const Json& schema, const std::string& path, int depth) {
    if (depth > kMaxSchemaDepth) return wrong(path, "is nested too deeply");
    if (model_.nodes.size() >= kMaxNodes) return wrong(path, "makes the schema too large");
    const auto index = static_cast<Index>(model_.nodes.size());
    by_path_[path] = index;
    model_.nodes.emplace_back();
    Node node;
    node.path = path;
    if (schema.is_bool()) {
      node.never = !schema.as_bool();
    } else if (schema.is_object()) {
      for (const auto& [key, value] : schema.as_object()) {
        RABT_TRY_STATUS(keyword(node, key, value, path, depth));
      }
    } else {
      return wrong(path, "must be an object or a boolean");
    }
    model_.nodes[static_cast<std::size_t>(index)] = std::move(node);
    return index;
  }

  // JSON pointer to the keyword that the last error is about.
  [[nodiscard]] const std::string& place() const { return place_; }

  // After the whole document is read: $ref may point forward.
  Status resolve() {
    for (const auto& [from, target] : references_) {
      const auto found = by_path_.find(target);
      if (found == by_path_.end()) return wrong(from + "/$ref", "points to nothing in $defs");
      model_.nodes[static_cast<std::size_t>(by_path_.at(from))].reference = found->second;
    }
    return ok_status();
  }

 private:
  Error wrong(const std::string& path, std::string_view what) {
    place_ = path;
    return invalid("schema.invalid", "schema at \"" + path + "\" " + std::string(what));
  }

  Status keyword(Node& node, const std::string& key, const Json& value, const std::string& path,
                 int depth) {
    const std::string here = path + "/" + escape(key);
    if (key == "type") return type(node, value, here);
    if (key == "enum") {
      if (!value.is_array()) return wrong(here, "must be an array");
      node.choices = value.as_array();
      node.has_choices = true;
      return ok_status();
    }
    if (key == "const") {
      node.constant = value;
      return ok_status();
    }
    if (key == "required") {
      if (!value.is_array()) return wrong(here, "must be an array of names");
      for (const Json& name : value.as_array()) {
        if (!name.is_string()) return wrong(here, "must be an array of names");
        node.required.push_back(name.as_string());
      }
      return ok_status();
    }
    if (key == "properties" || key == "$defs") {
      if (!value.is_object()) return wrong(here, "must be an object of schemas");
      for (const auto& [name, schema] : value.as_object()) {
        RABT_TRY(child, compile(schema, here + "/" + escape(name), depth + 1));
        if (key == "properties") {
          node.properties.emplace(name, child);
          if (schema.is_object() && schema.bool_or("x-phi", false)) model_.phi.insert(name);
        }
      }
      return ok_status();
    }
    if (key == "additionalProperties") return one(node.additional, value, here, depth);
    if (key == "items") return one(node.items, value, here, depth);
    if (key == "not") return one(node.negated, value, here, depth);
    if (key == "allOf") return several(node.all_of, value, here, depth);
    if (key == "anyOf") return several(node.any_of, value, here, depth);
    if (key == "oneOf") return several(node.one_of, value, here, depth);
    if (key == "$ref") {
      if (!value.is_string()) return wrong(here, "must be a text");
      const std::string& target = value.as_string();
      if (target != "#" && !target.starts_with("#/$defs/")) {
        place_ = here;
        return invalid(
            "schema.unsupported",
            "schema at \"" + here + "\": only \"#\" and \"#/$defs/<name>\" can be referred to");
      }
      references_.emplace_back(path, target.substr(1));
      return ok_status();
    }
    if (key == "minimum") return number(node.minimum, value, here);
    if (key == "maximum") return number(node.maximum, value, here);
    if (key == "exclusiveMinimum") return number(node.above, value, here);
    if (key == "exclusiveMaximum") return number(node.below, value, here);
    if (key == "minLength") return count(node.min_length, value, here);
    if (key == "maxLength") return count(node.max_length, value, here);
    if (key == "minItems") return count(node.min_items, value, here);
    if (key == "maxItems") return count(node.max_items, value, here);
    if (key == "minProperties") return count(node.min_properties, value, here);
    if (key == "maxProperties") return count(node.max_properties, value, here);
    if (key == "uniqueItems") {
      if (!value.is_bool()) return wrong(here, "must be true or false");
      node.unique = value.as_bool();
      return ok_status();
    }
    if (key == "pattern") return pattern(node, value, here);
    if (is_annotation(key)) return ok_status();
    place_ = here;
    return invalid("schema.unsupported",
                   "schema at \"" + path + "\": the keyword \"" + key +
                       "\" is not supported; say it in the supported subset, or prefix it with x- "
                       "when it is an annotation");
  }

  Status type(Node& node, const Json& value, const std::string& here) {
    const auto add = [&node](const Json& name) {
      if (!name.is_string()) return false;
      const auto found = std::find_if(kTypes.begin(), kTypes.end(), [&](const TypeName& t) {
        return t.name == name.as_string();
      });
      if (found == kTypes.end()) return false;
      node.types |= found->bit;
      return true;
    };
    bool ok = value.is_array() ? value.size() > 0 : add(value);
    if (value.is_array()) {
      for (const Json& name : value.as_array()) ok = ok && add(name);
    }
    if (!ok)
      return wrong(
          here,
          "must be null, boolean, integer, number, string, array, object or an array of these");
    return ok_status();
  }

  Status pattern(Node& node, const Json& value, const std::string& here) {
    if (!value.is_string()) return wrong(here, "must be a text");
    re2::RE2::Options options;
    options.set_log_errors(false);
    auto compiled = std::make_shared<const re2::RE2>(value.as_string(), options);
    if (!compiled->ok()) return wrong(here, "is no pattern that RE2 knows: " + compiled->error());
    node.pattern = std::move(compiled);
    return ok_status();
  }

  Status one(Index& slot, const Json& value, const std::string& here, int depth) {
    RABT_TRY(child, compile(value, here, depth + 1));
    slot = child;
    return ok_status();
  }
  Status several(std::vector<Index>& slot, const Json& value, const std::string& here, int depth) {
    if (!value.is_array() || value.size() == 0)
      return wrong(here, "must be a non-empty array of schemas");
    for (std::size_t i = 0; i < value.size(); ++i) {
      RABT_TRY(child, compile(value[i], here + "/" + std::to_string(i), depth + 1));
      slot.push_back(child);
    }
    return ok_status();
  }
  Status number(std::optional<double>& slot, const Json& value, const std::string& here) {
    if (!value.is_number()) return wrong(here, "must be a number");
    slot = value.as_double();
    return ok_status();
  }
  Status count(std::optional<std::size_t>& slot, const Json& value, const std::string& here) {
    const auto size = value.as_int64();
    if (!size || *size < 0) return wrong(here, "must be a whole number, 0 or more");
    slot = static_cast<std::size_t>(*size);
    return ok_status();
  }

  Schema::Model& model_;
  std::string place_;
  std::map<std::string, Index> by_path_;
  std::vector<std::pair<std::string, std::string>> references_;
};

class Checker {
 public:
  explicit Checker(const Schema::Model& model) : model_(model) {}

  // Returns false and fills fault() on the first fault.
  bool check(Index index, const Json& value, int depth) {
    const Node& node = model_.nodes[static_cast<std::size_t>(index)];
    if (depth > kMaxCheckDepth)
      return fail(node, "", "the value or the schema is nested too deeply");
    if (node.never) return fail(node, "", "nothing is allowed here");
    if (node.reference != kNone && !check(node.reference, value, depth + 1)) return false;
    const unsigned type = type_of(value);
    if (node.types != 0 && (type & node.types) == 0 &&
        !((type & kInteger) != 0 && (node.types & kNumber) != 0)) {
      return fail(node, "type", "must be " + type_list(node.types) + ", is " + type_list(type));
    }
    if (node.constant && !(*node.constant == value))
      return fail(node, "const", "must be the one value of the schema");
    if (node.has_choices &&
        std::find(node.choices.begin(), node.choices.end(), value) == node.choices.end()) {
      return fail(
          node, "enum",
          "must be one of the " + std::to_string(node.choices.size()) + " values of the schema");
    }
    switch (value.type()) {
      case Json::Type::number:
        if (!number(node, value)) return false;
        break;
      case Json::Type::string:
        if (!text(node, value.as_string())) return false;
        break;
      case Json::Type::array:
        if (!array(node, value, depth)) return false;
        break;
      case Json::Type::object:
        if (!object(node, value.as_object(), depth)) return false;
        break;
      case Json::Type::null:
      case Json::Type::boolean:
        break;
    }
    return combine(node, value, depth);
  }

  [[nodiscard]] SchemaFault fault() && { return std::move(fault_); }

 private:
  bool fail(const Node& node, std::string_view keyword, std::string message) {
    fault_.instance_path.clear();
    for (const std::string& token : path_) fault_.instance_path += "/" + token;
    fault_.schema_path = keyword.empty() ? node.path : node.path + "/" + std::string(keyword);
    fault_.message = std::move(message);
    return false;
  }

  bool number(const Node& node, const Json& value) {
    const double real = value.as_double();
    if (node.minimum && real < *node.minimum) return fail(node, "minimum", "is below the minimum");
    if (node.maximum && real > *node.maximum) return fail(node, "maximum", "is above the maximum");
    if (node.above && real <= *node.above)
      return fail(node, "exclusiveMinimum", "is not above the exclusive minimum");
    if (node.below && real >= *node.below)
      return fail(node, "exclusiveMaximum", "is not below the exclusive maximum");
    return true;
  }

  bool text(const Node& node, const std::string& value) {
    if (node.min_length || node.max_length) {
      const std::size_t length = code_points(value);
      if (node.min_length && length < *node.min_length) {
        return fail(node, "minLength",
                    "must have at least " + std::to_string(*node.min_length) + " characters");
      }
      if (node.max_length && length > *node.max_length) {
        return fail(node, "maxLength",
                    "must have at most " + std::to_string(*node.max_length) + " characters");
      }
    }
    if (node.pattern && !re2::RE2::PartialMatch(value, *node.pattern)) {
      return fail(node, "pattern", "does not match the pattern");
    }
    return true;
  }

  bool array(const Node& node, const Json& value, int depth) {
    const Json::Array& items = value.as_array();
    if (node.min_items && items.size() < *node.min_items) {
      return fail(node, "minItems",
                  "must have at least " + std::to_string(*node.min_items) + " items");
    }
    if (node.max_items && items.size() > *node.max_items) {
      return fail(node, "maxItems",
                  "must have at most " + std::to_string(*node.max_items) + " items");
    }
    if (node.unique && items.size() > 1) {
      std::vector<const Json*> sorted;
      for (const Json& item : items) sorted.push_back(&item);
      std::sort(sorted.begin(), sorted.end(),
                [](const Json* a, const Json* b) { return Json::compare(*a, *b) < 0; });
      if (std::adjacent_find(sorted.begin(), sorted.end(), [](const Json* a, const Json* b) {
            return *a == *b;
          }) != sorted.end()) {
        return fail(node, "uniqueItems", "must not hold the same item twice");
      }
    }
    if (node.items == kNone) return true;
    for (std::size_t i = 0; i < items.size(); ++i) {
      path_.push_back(std::to_string(i));
      if (!check(node.items, items[i], depth + 1)) return false;
      path_.pop_back();
    }
    return true;
  }

  bool object(const Node& node, const JsonObject& value, int depth) {
    if (node.min_properties && value.size() < *node.min_properties) {
      return fail(node, "minProperties",
                  "must have at least " + std::to_string(*node.min_properties) + " members");
    }
    if (node.max_properties && value.size() > *node.max_properties) {
      return fail(node, "maxProperties",
                  "must have at most " + std::to_string(*node.max_properties) + " members");
    }
    for (const std::string& name : node.required) {
      if (!value.contains(name))
        return fail(node, "required", "lacks the required member \"" + name + "\"");
    }
    if (node.properties.empty() && node.additional == kNone) return true;
    for (const auto& [name, member] : value) {
      const auto declared = node.properties.find(name);
      if (declared != node.properties.end()) {
        path_.push_back(escape(name));
        if (!check(declared->second, member, depth + 1)) return false;
        path_.pop_back();
      } else if (node.additional != kNone) {
        if (model_.nodes[static_cast<std::size_t>(node.additional)].never) {
          return fail(node, "additionalProperties", undeclared(node));
        }
        // A key that the schema does not name came with the data and may itself be patient data.
        path_.emplace_back("*");
        if (!check(node.additional, member, depth + 1)) return false;
        path_.pop_back();
      }
    }
    return true;
  }

  static std::string undeclared(const Node& node) {
    std::string message = "has a member that is not declared; declared are:";
    std::size_t listed = 0;
    for (const auto& [name, index] : node.properties) {
      if (++listed > 20) {
        message += ", ...";
        break;
      }
      message += (listed == 1 ? " " : ", ") + name;
    }
    return listed == 0 ? "must have no members" : message;
  }

  bool combine(const Node& node, const Json& value, int depth) {
    for (const Index part : node.all_of) {
      if (!check(part, value, depth + 1)) return false;
    }
    if (node.negated != kNone && quietly(node.negated, value, depth)) {
      return fail(node, "not", "must not match the schema under \"not\"");
    }
    if (!node.any_of.empty()) {
      bool any = false;
      for (const Index part : node.any_of) any = any || quietly(part, value, depth);
      if (!any) {
        return fail(node, "anyOf",
                    "matches none of the " + std::to_string(node.any_of.size()) + " alternatives");
      }
    }
    if (!node.one_of.empty()) {
      std::size_t matches = 0;
      for (const Index part : node.one_of) matches += quietly(part, value, depth) ? 1 : 0;
      if (matches != 1) {
        return fail(node, "oneOf",
                    "matches " + std::to_string(matches) + " of the " +
                        std::to_string(node.one_of.size()) +
                        " alternatives, must match exactly one");
      }
    }
    return true;
  }

  // Checks without leaving a trace in path_ or fault_.
  bool quietly(Index index, const Json& value, int depth) {
    const std::size_t size = path_.size();
    const bool ok = check(index, value, depth + 1);
    path_.resize(size);
    return ok;
  }

  const Schema::Model& model_;
  std::vector<std::string> path_;
  SchemaFault fault_;
};

}  // namespace

Result<Schema> Schema::compile(const Json& document, std::string* place) {
  auto model = std::make_shared<Model>();
  Compiler compiler(*model);
  const auto root = compiler.compile(document, "", 0);
  const Status resolved = root.ok() ? compiler.resolve() : Status(root.error());
  if (!resolved.ok()) {
    if (place != nullptr) *place = compiler.place();
    return resolved.error();
  }
  Schema schema;
  schema.model_ = std::move(model);
  return schema;
}

std::optional<SchemaFault> Schema::check(const Json& value) const {
  if (model_ == nullptr) return std::nullopt;
  Checker checker(*model_);
  if (checker.check(0, value, 0)) return std::nullopt;
  return std::move(checker).fault();
}

std::set<std::string> Schema::phi_names() const {
  return model_ == nullptr ? std::set<std::string>{} : model_->phi;
}

}  // namespace rabt
