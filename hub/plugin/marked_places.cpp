#include "hub/plugin/marked_places.hpp"

#include <algorithm>
#include <string_view>
#include <vector>

#include "hub/base/json_pointer.hpp"

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

bool is_nothing(const Json& value) {
  return value.is_null() || (value.is_string() && value.as_string().empty()) ||
         ((value.is_array() || value.is_object()) && value.size() == 0);
}

// place: what is left of the pointer.
bool lies_at(const Json& value, std::string_view place) {
  if (place.empty()) return !is_nothing(value);
  place.remove_prefix(1);
  const std::size_t end = std::min(place.find('/'), place.size());
  const std::string_view token = place.substr(0, end);
  const std::string_view rest = place.substr(end);
  if (value.is_object()) {
    for (const auto& [name, member] : value.as_object()) {
      if ((token == "*" || token == escape_token(name)) && lies_at(member, rest)) return true;
    }
  } else if (value.is_array()) {
    std::size_t i = 0;
    for (const Json& item : value.as_array()) {
      if ((token == "*" || token == std::to_string(i)) && lies_at(item, rest)) return true;
      ++i;
    }
  }
  return false;
}

bool has_named(const Json& value, const std::set<std::string>& names) {
  if (value.is_object()) {
    for (const auto& [name, member] : value.as_object()) {
      if (names.contains(name) ? !is_nothing(member) : has_named(member, names)) return true;
    }
  } else if (value.is_array()) {
    for (const Json& item : value.as_array()) {
      if (has_named(item, names)) return true;
    }
  }
  return false;
}

}  // namespace

std::set<std::string> marked_places(const Json& schema) {
  return Places(schema).find();
}

bool holds_marked(const Json& value, const std::set<std::string>& places,
                  const std::set<std::string>& names) {
  return has_named(value, names) ||
         std::any_of(places.begin(), places.end(), [&value](const std::string& place) {
           return lies_at(value, place == "/" ? std::string_view() : place);
         });
}

}  // namespace rabt::plugin
