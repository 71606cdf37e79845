#include "hub/plugin/package/schema_subset.hpp"

#include <algorithm>
#include <array>
#include <span>
#include <string_view>
#include <vector>

#include "hub/base/json_pointer.hpp"
#include "hub/base/suggest.hpp"
#include "hub/schema/schema.hpp"

namespace rabt {

namespace {

constexpr int kMaxDepth = 64;         // of schemas within schemas, references included
constexpr int kMaxSteps = 200'000;    // pairs that are compared: ends what references multiply
constexpr std::size_t kMaxNames = 8;  // that a message lists

using Fault = std::optional<SubsetFault>;

// Keywords that say nothing about which values are taken. `format` is an annotation
// (docs/schemas.md).
constexpr std::array<std::string_view, 16> kAnnotations{
    "$schema",     "$id",       "$anchor",     "$comment",        "$defs",    "definitions",
    "$vocabulary", "title",     "description", "default",         "examples", "deprecated",
    "readOnly",    "writeOnly", "format",      "contentMediaType"};
constexpr std::array<std::string_view, 6> kTypes{"null",  "boolean", "object",
                                                 "array", "string",  "number"};
// The keywords that this file compares.
constexpr std::array<std::string_view, 25> kCompared{"$ref",
                                                     "type",
                                                     "enum",
                                                     "const",
                                                     "allOf",
                                                     "anyOf",
                                                     "minLength",
                                                     "maxLength",
                                                     "pattern",
                                                     "minimum",
                                                     "maximum",
                                                     "exclusiveMinimum",
                                                     "exclusiveMaximum",
                                                     "items",
                                                     "minItems",
                                                     "maxItems",
                                                     "uniqueItems",
                                                     "required",
                                                     "properties",
                                                     "additionalProperties",
                                                     "minProperties",
                                                     "maxProperties",
                                                     "multipleOf",
                                                     "patternProperties",
                                                     "oneOf"};

template <std::size_t N>
bool among(const std::array<std::string_view, N>& list, std::string_view name) {
  return std::find(list.begin(), list.end(), name) != list.end();
}
bool is_annotation(std::string_view name) {
  return among(kAnnotations, name) || name.starts_with("x-");
}
const Json& nothing() {
  static const Json kEmpty = Json::object();
  return kEmpty;
}
bool takes_all(const Json& schema) {
  if (schema.is_bool()) return schema.as_bool();
  if (!schema.is_object()) return true;
  return std::all_of(schema.as_object().begin(), schema.as_object().end(),
                     [](const auto& member) { return is_annotation(member.first); });
}
bool takes_none(const Json& schema) {
  return schema.is_bool() && !schema.as_bool();
}
std::string first_of(const std::vector<std::string>& names) {
  const std::span<const std::string> all(names);
  return all.size() > kMaxNames ? listed(all.first(kMaxNames)) + ", ..." : listed(all);
}
// A copy without one keyword.
Json without(const Json& schema, std::string_view key) {
  Json out = Json::object();
  for (const auto& [name, value] : schema.as_object()) {
    if (name != key) out.set(name, value);
  }
  return out;
}
// One schema that says what both say. nullopt if one object of keywords cannot say it.
std::optional<Json> together(const Json& a, const Json& b) {
  if (!b.is_object()) return b.is_bool() && b.as_bool() ? std::optional(a) : std::nullopt;
  Json out = a;
  for (const auto& [name, value] : b.as_object()) {
    if (is_annotation(name)) continue;
    const Json* const other = a.find(name);
    if (other != nullptr && Json::compare(*other, value) != 0) return std::nullopt;
    out.set(name, value);
  }
  return out;
}

// The local target of a reference; null if none can be followed.
const Json* target(const Json& root, const Json& schema) {
  const std::string ref = schema.string_or("$ref", "");
  if (ref == "#") return &root;
  if (!ref.starts_with("#/")) return nullptr;
  return at_pointer(root, std::string_view(ref).substr(1));
}

class Comparison {
 public:
  Comparison(const Json& narrow, const Json& wide) : narrow_root_(narrow), wide_root_(wide) {}

  // `narrow` and `wide` are parts of the two documents.
  Fault compare(const Json& narrow, const Json& wide, const std::string& at, int depth) {
    if (takes_all(wide) || takes_none(narrow)) return std::nullopt;
    if (depth > kMaxDepth || ++steps_ > kMaxSteps)
      return unsure(at, "the schemas are nested too deeply, or refer to themselves");
    if (takes_none(wide)) return fault(at, "no value is allowed here");
    if (Fault unknown = all_known(narrow, wide, at)) return unknown;
    const Json& left = narrow.is_object() ? narrow : nothing();

    if (wide.find("$ref") != nullptr) {
      const Json* const meant = target(wide_root_, wide);
      if (meant == nullptr) return unsure(at, "the $ref of the wider schema cannot be followed");
      if (Fault found = compare(left, *meant, at, depth + 1)) return found;
      return compare(left, without(wide, "$ref"), at, depth + 1);
    }
    if (left.find("$ref") != nullptr) {
      const Json* const meant = target(narrow_root_, left);
      if (meant == nullptr) return unsure(at, "the $ref of the narrower schema cannot be followed");
      const auto both = together(without(left, "$ref"), *meant);
      return compare(both ? *both : *meant, wide, at, depth + 1);
    }
    if (const Json* const values = left.find("enum"))
      return finite(values->as_array(), left, wide, at);
    if (const Json* const value = left.find("const")) return finite({*value}, left, wide, at);
    if (const Json* const all = wide.find("allOf")) {
      for (const Json& member : all->as_array()) {
        if (Fault found = compare(left, member, at, depth + 1)) return found;
      }
      return compare(left, without(wide, "allOf"), at, depth + 1);
    }
    for (const char* const key : {"anyOf", "oneOf"}) {
      const Json* const members = left.find(key);
      if (members == nullptr) continue;
      const Json rest = without(left, key);
      // Some alternative is taken; what is asked of all of them may be enough.
      if (!compare(rest, wide, at, depth + 1)) return std::nullopt;
      for (const Json& member : members->as_array()) {
        const auto both = together(rest, member);
        if (Fault found = compare(both ? *both : member, wide, at, depth + 1)) return found;
      }
      return std::nullopt;
    }
    if (const Json* const all = left.find("allOf")) {
      std::optional<Json> both = without(left, "allOf");
      for (const Json& member : all->as_array()) {
        if (both) both = together(*both, member);
        if (!compare(member, wide, at, depth + 1)) return std::nullopt;
      }
      if (!both) return unsure(at, "the allOf of the narrower schema says one keyword twice");
      return compare(*both, wide, at, depth + 1);
    }
    if (const Json* const members = wide.find("anyOf")) {
      Fault first;
      bool taken = false;
      for (const Json& member : members->as_array()) {
        Fault found = compare(left, member, at, depth + 1);
        if (!found) taken = true;
        if (!first) first = std::move(found);
      }
      if (!taken) return split(left, *members, at, depth, std::move(first));
      return compare(left, without(wide, "anyOf"), at, depth + 1);
    }
    return keywords(left, wide, at, depth);
  }

 private:
  static SubsetFault fault(std::string at, std::string message) {
    return {std::move(at), std::move(message), false};
  }
  static SubsetFault unsure(std::string at, std::string message) {
    return {std::move(at), std::move(message), true};
  }

  // A keyword that is not compared does no harm in the narrower schema. In the wider one it must
  // stand in the narrower one word for word.
  static Fault all_known(const Json& narrow, const Json& wide, const std::string& at) {
    if (!wide.is_object()) return std::nullopt;
    for (const auto& [name, value] : wide.as_object()) {
      const bool compared =
          among(kCompared, name) && name != "oneOf" && name != "patternProperties";
      if (compared || is_annotation(name)) continue;
      // The meaning of these two depends on the keywords beside them.
      const bool alone = !name.starts_with("unevaluated") && !name.starts_with("$dynamic");
      const Json* const same = narrow.is_object() ? narrow.find(name) : nullptr;
      if (alone && same != nullptr && Json::compare(*same, value) == 0) continue;
      return unsure(at, "the keyword `" + name +
                            "` cannot be compared; say it in both schemas in the same words");
    }
    return std::nullopt;
  }

  // Several types, each of which another alternative takes.
  Fault split(const Json& left, const Json& members, const std::string& at, int depth,
              Fault first) {
    const Json& type = left["type"];
    if (!type.is_array() || type.size() < 2) return first;
    for (const Json& item : type.as_array()) {
      Json part = left;
      part.set("type", item);
      Fault why;
      const bool taken = std::any_of(members.as_array().begin(), members.as_array().end(),
                                     [&](const Json& member) {
                                       Fault found = compare(part, member, at, depth + 1);
                                       if (found && !why) why = found;
                                       return !found;
                                     });
      if (!taken) return why;
    }
    return std::nullopt;
  }

  // Every value of a list that the narrower schema takes.
  Fault finite(const Json::Array& values, const Json& narrow, const Json& wide,
               const std::string& at) const {
    const auto left = compiled(narrow, narrow_root_);
    const auto right = compiled(wide, wide_root_);
    if (!left.ok() || !right.ok())
      return unsure(at, "a part of the schemas does not compile alone");
    for (const Json& value : values) {
      if (left->check(value) || !right->check(value)) continue;
      return fault(at, "the value " + value.dump() + " is not allowed");
    }
    return std::nullopt;
  }
  // A part of a document, with what it may refer to.
  static Result<Schema> compiled(const Json& part, const Json& root) {
    if (!part.is_object() || !root.is_object()) return Schema::compile(part);
    Json whole = part;
    for (const char* const defs : {"$defs", "definitions"}) {
      if (const Json* const held = root.find(defs)) whole.set(defs, *held);
    }
    return Schema::compile(whole);
  }

  // "integer" as its own type beside "number".
  static std::vector<std::string> types_of(const Json& schema) {
    const Json* const type = schema.find("type");
    if (type == nullptr) return {kTypes.begin(), kTypes.end()};
    if (type->is_string()) return {type->as_string()};
    std::vector<std::string> out;
    for (const Json& item : type->as_array()) out.push_back(item.as_string());
    return out;
  }
  static bool takes_type(const std::vector<std::string>& list, const std::string& type) {
    return std::any_of(list.begin(), list.end(), [&](const std::string& text) {
      return text == type || (text == "number" && type == "integer");
    });
  }

  Fault keywords(const Json& left, const Json& right, const std::string& at, int depth) {
    const std::vector<std::string> allowed = types_of(right);
    for (const std::string& type : types_of(left)) {
      if (!takes_type(allowed, type)) {
        return fault(
            at, "the type " + type + " is not allowed" +
                    (right.find("type") == nullptr ? "" : "; allowed are: " + first_of(allowed)));
      }
      if (type == "boolean" && right.find("enum") != nullptr) {
        if (Fault found = finite({Json(true), Json(false)}, left, right, at)) return found;
        continue;
      }
      if (type == "null") {
        if (Fault found = finite({Json()}, left, right, at)) return found;
        continue;
      }
      for (const char* const list : {"enum", "const"}) {
        if (right.find(list) != nullptr)
          return fault(at, "a list of values is allowed and no other; the other side names none");
      }
      Fault found;
      if (type == "string") found = strings(left, right, at);
      if (type == "number" || type == "integer") found = numbers(left, right, at, type);
      if (type == "array") found = arrays(left, right, at, depth);
      if (type == "object") found = objects(left, right, at, depth);
      if (found) return found;
    }
    return std::nullopt;
  }

  // If the wider schema has a least (or greatest) value, the narrower one must have one that is
  // not less (not greater). `absent` is the bound where the keyword is missing; null is no bound.
  static Fault bound(const Json& left, const Json& right, const char* key, bool least,
                     const Json& absent, const std::string& at) {
    const Json* const asked = right.find(key);
    if (asked == nullptr) return std::nullopt;
    const Json* const found = left.find(key);
    const Json& given = found == nullptr ? absent : *found;
    if (!given.is_null()) {
      const int order = Json::compare(given, *asked);
      if (least ? order >= 0 : order <= 0) return std::nullopt;
    }
    return fault(at, std::string(key) + " is " + asked->number_text() + ", and the other side " +
                         (found == nullptr ? "has none" : "has " + found->number_text()));
  }

  static Fault strings(const Json& left, const Json& right, const std::string& at) {
    if (Fault found = bound(left, right, "minLength", true, Json(0), at)) return found;
    if (Fault found = bound(left, right, "maxLength", false, Json(), at)) return found;
    const Json* const pattern = right.find("pattern");
    if (pattern == nullptr) return std::nullopt;
    const Json* const own = left.find("pattern");
    if (own != nullptr && Json::compare(*own, *pattern) == 0) return std::nullopt;
    if (own == nullptr) return fault(at, "a pattern is asked for, and the other side has none");
    return unsure(at, "two patterns cannot be compared; use the same one on both sides");
  }

  static Fault numbers(const Json& left, const Json& right, const std::string& at,
                       const std::string& type) {
    for (const bool least : {true, false}) {
      const char* const closed = least ? "minimum" : "maximum";
      const char* const open = least ? "exclusiveMinimum" : "exclusiveMaximum";
      const Json* const own_open = left.find(open);
      // An open bound of the narrower side is inside the same closed one.
      if (const Json* const asked = right.find(closed)) {
        const auto inside = [&](const Json* given) {
          if (given == nullptr) return false;
          const int order = Json::compare(*given, *asked);
          return least ? order >= 0 : order <= 0;
        };
        if (!inside(left.find(closed)) && !inside(own_open))
          return bound(left, right, closed, least, Json(), at);
      }
      if (const Json* const asked = right.find(open)) {
        const Json* const given = left.find(closed);
        const int order = given == nullptr ? 0 : Json::compare(*given, *asked);
        const bool beyond = given != nullptr && (least ? order > 0 : order < 0);
        if (!beyond) {
          if (Fault found = bound(left, right, open, least, Json(), at)) return found;
        }
      }
    }
    const Json* const step = right.find("multipleOf");
    if (step == nullptr || (type == "integer" && Json::compare(*step, Json(1)) == 0))
      return std::nullopt;
    const Json* const own = left.find("multipleOf");
    if (own != nullptr && Json::compare(*own, *step) == 0) return std::nullopt;
    return unsure(at, "multipleOf cannot be compared; say it in both schemas in the same words");
  }

  Fault arrays(const Json& left, const Json& right, const std::string& at, int depth) {
    if (Fault found = bound(left, right, "minItems", true, Json(0), at)) return found;
    if (Fault found = bound(left, right, "maxItems", false, Json(), at)) return found;
    if (right.bool_or("uniqueItems", false) && !left.bool_or("uniqueItems", false))
      return fault(at, "uniqueItems is asked for, and the other side has it not");
    const Json* const items = right.find("items");
    if (items == nullptr) return std::nullopt;
    if (const Json* const first = left.find("prefixItems")) {
      for (std::size_t i = 0; i < first->size(); ++i) {
        if (Fault found = compare(first->item(i), *items, at + "/" + std::to_string(i), depth + 1))
          return found;
      }
    }
    const Json* const own = left.find("items");
    return compare(own == nullptr ? nothing() : *own, *items, at + "/*", depth + 1);
  }

  Fault objects(const Json& left, const Json& right, const std::string& at, int depth) {
    if (const Json* const asked = right.find("required")) {
      for (const Json& name : asked->as_array()) {
        const Json* const own = left.find("required");
        const bool there =
            own != nullptr &&
            std::any_of(own->as_array().begin(), own->as_array().end(),
                        [&](const Json& item) { return item.as_string() == name.as_string(); });
        if (!there)
          return fault(
              at, "`" + name.as_string() + "` is required, and the other side does not require it");
      }
    }
    const std::size_t sure = left.find("required") == nullptr ? 0 : left["required"].size();
    if (Fault found =
            bound(left, right, "minProperties", true, Json(static_cast<std::int64_t>(sure)), at))
      return found;
    if (Fault found = bound(left, right, "maxProperties", false, Json(), at)) return found;

    const Json* const rest_of_right = right.find("additionalProperties");
    const Json* const patterns = right.find("patternProperties");
    const bool open =
        (rest_of_right == nullptr || takes_all(*rest_of_right)) && patterns == nullptr;
    const JsonObject none;
    const auto members = [&none](const Json& schema) -> const JsonObject& {
      const Json* const found = schema.find("properties");
      return found == nullptr ? none : found->as_object();
    };
    const JsonObject& ours = members(left);
    const JsonObject& theirs = members(right);
    if (const Json* const own = left.find("patternProperties"); own != nullptr) {
      const bool same = patterns != nullptr && Json::compare(*own, *patterns) == 0;
      if (!same && (!open || !theirs.empty()))
        return unsure(
            at, "patternProperties cannot be compared; say it in both schemas in the same words");
    }
    const Json* const rest_of_left = left.find("additionalProperties");
    const Json& others = rest_of_left == nullptr ? nothing() : *rest_of_left;
    for (const auto& [name, schema] : theirs) {
      const Json* const own = ours.find(name);
      if (Fault found = compare(own == nullptr ? others : *own, schema,
                                at + "/" + escape_token(name), depth + 1))
        return found;
    }
    if (open) return std::nullopt;
    const Json& rest = rest_of_right == nullptr ? nothing() : *rest_of_right;
    for (const auto& [name, schema] : ours) {
      if (theirs.contains(name) || takes_none(schema)) continue;
      // A name that a pattern of both sides takes is compared as one that none takes: stricter.
      if (takes_none(rest)) return fault(at, "`" + name + "` is not allowed");
      if (Fault found = compare(schema, rest, at + "/" + escape_token(name), depth + 1))
        return found;
    }
    if (takes_none(rest) && !takes_none(others))
      return fault(at,
                   "other members than those that are named are not allowed, and the other side "
                   "allows them");
    return compare(others, rest, at + "/*", depth + 1);
  }

  const Json& narrow_root_;
  const Json& wide_root_;
  int steps_ = 0;
};

// Marks of a schema: at a place, and on the members and items below it.
class Marks {
 public:
  Marks(const Json& marked, const Json& covering)
      : marked_root_(marked), covering_root_(covering) {}

  // covering: all parts of the other schema that speak of this place.
  Fault compare(const Json& marked, const std::vector<const Json*>& covering, const std::string& at,
                int depth) {
    if (!marked.is_object()) return std::nullopt;
    if (depth > kMaxDepth || ++steps_ > kMaxSteps)
      return SubsetFault{at, "the schemas are nested too deeply, or refer to themselves", true};
    const std::vector<const Json*> others = whole(covering, depth);
    if (std::any_of(others.begin(), others.end(),
                    [](const Json* node) { return node->bool_or("x-phi", false); }))
      return std::nullopt;  // everything below is covered as well
    if (marked.bool_or("x-phi", false))
      return SubsetFault{at, "x-phi is missing: this is patient data", false};
    if (marked.find("$ref") != nullptr) {
      const Json* const meant = target(marked_root_, marked);
      if (meant == nullptr) return SubsetFault{at, "the $ref cannot be followed", true};
      if (Fault found = compare(*meant, others, at, depth + 1)) return found;
    }
    for (const char* const key : {"allOf", "anyOf", "oneOf"}) {
      const Json* const members = marked.find(key);
      if (members == nullptr) continue;
      for (const Json& member : members->as_array()) {
        if (Fault found = compare(member, others, at, depth + 1)) return found;
      }
    }
    if (const Json* const members = marked.find("properties")) {
      for (const auto& [name, schema] : members->as_object()) {
        std::vector<const Json*> below;
        for (const Json* const other : others) {
          const Json* const named = (*other)["properties"].find(name);
          const Json* const any = other->find("additionalProperties");
          if (named != nullptr)
            below.push_back(named);
          else if (any != nullptr)
            below.push_back(any);
        }
        // A member that the other side refuses carries nothing.
        if (!below.empty() && std::any_of(below.begin(), below.end(),
                                          [](const Json* item) { return takes_none(*item); }))
          continue;
        if (Fault found = compare(schema, below, at + "/" + escape_token(name), depth + 1))
          return found;
      }
    }
    for (const char* const key : {"items", "additionalProperties"}) {
      const Json* const member = marked.find(key);
      if (member == nullptr) continue;
      std::vector<const Json*> below;
      for (const Json* const other : others) {
        if (const Json* const one = other->find(key)) below.push_back(one);
      }
      if (Fault found = compare(*member, below, at + "/*", depth + 1)) return found;
    }
    return std::nullopt;
  }

 private:
  // The parts together with the schemas that they refer to and are combined from.
  std::vector<const Json*> whole(const std::vector<const Json*>& parts, int depth) const {
    std::vector<const Json*> out;
    std::vector<std::pair<const Json*, int>> open;
    open.reserve(parts.size());
    for (const Json* const part : parts) open.emplace_back(part, depth);
    while (!open.empty() && out.size() < 1000) {
      const auto [part, level] = open.back();
      open.pop_back();
      if (!part->is_object() || level > kMaxDepth) continue;
      out.push_back(part);
      if (part->find("$ref") != nullptr) {
        if (const Json* const meant = target(covering_root_, *part))
          open.emplace_back(meant, level + 1);
      }
      for (const char* const key : {"allOf", "anyOf", "oneOf"}) {
        if (const Json* const members = part->find(key)) {
          for (const Json& member : members->as_array()) open.emplace_back(&member, level + 1);
        }
      }
    }
    return out;
  }

  const Json& marked_root_;
  const Json& covering_root_;
  int steps_ = 0;
};

}  // namespace

std::optional<SubsetFault> not_subset(const Json& narrow, const Json& wide) {
  return Comparison(narrow, wide).compare(narrow, wide, "", 0);
}

std::optional<SubsetFault> phi_not_covered(const Json& marked, const Json& covering) {
  return Marks(marked, covering).compare(marked, {&covering}, "", 0);
}

}  // namespace rabt
