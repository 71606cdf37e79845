#include "hub/workflow/lint/phi_paths.hpp"

#include <array>
#include <string_view>
#include <vector>

#include "hub/base/json_pointer.hpp"

namespace rabt::workflow {

namespace {

constexpr int kMaxDepth = 64;
constexpr int kMaxSteps = 20'000;  // schemas that share parts are as large as what they spell out

class Walk {
 public:
  explicit Walk(const Json& root) : root_(root) {}

  std::set<std::string> run() {
    follow(root_, "", 0);
    return std::move(out_);
  }

 private:
  static std::string below(const std::string& path, const std::string& key) {
    return path.empty() ? key : path + '.' + key;
  }

  void follow(const Json& schema, const std::string& path, int depth) {
    if (!schema.is_object() || out_.contains(path)) return;
    if (schema.bool_or("x-phi", false)) {
      out_.insert(path);
      return;
    }
    if (depth > kMaxDepth || ++steps_ > kMaxSteps) {
      if (any_mark(schema)) out_.insert(path);
      return;
    }
    for (const char* word : {"$ref", "$dynamicRef"}) {
      if (schema[word].is_string()) refer(schema[word].as_string(), path, depth);
    }
    if (schema["properties"].is_object()) {
      for (const auto& [key, value] : schema["properties"].as_object())
        follow(value, below(path, key), depth + 1);
    }
    for (const char* word : {"patternProperties", "dependentSchemas"}) {
      if (!schema[word].is_object()) continue;
      for (const auto& [key, value] : schema[word].as_object()) {
        if (word[0] == 'd') {
          follow(value, path, depth + 1);
        } else if (any_mark(value)) {
          out_.insert(path);
        }
      }
    }
    for (const char* word : {"additionalProperties", "unevaluatedProperties"}) {
      if (any_mark(schema[word])) out_.insert(path);
    }
    for (const char* word : {"items", "contains", "unevaluatedItems"})
      follow(schema[word], below(path, "[]"), depth + 1);
    for (const char* word : {"if", "then", "else", "not"}) follow(schema[word], path, depth + 1);
    for (const char* word : {"allOf", "anyOf", "oneOf", "prefixItems"}) {
      const std::string place = word[0] == 'p' ? below(path, "[]") : path;
      for (std::size_t i = 0; i < schema[word].size(); ++i)
        follow(schema[word].item(i), place, depth + 1);
    }
  }

  void refer(const std::string& reference, const std::string& path, int depth) {
    const Json* target = reference.starts_with('#')
                             ? at_pointer(root_, std::string_view(reference).substr(1))
                             : nullptr;
    bool again = target == nullptr;
    for (const Json* open : open_) again = again || open == target;
    if (again) {  // an anchor, a URI, or the schema that refers to itself
      if (any_mark(target == nullptr ? root_ : *target)) out_.insert(path);
      return;
    }
    open_.push_back(target);
    follow(*target, path, depth + 1);
    open_.pop_back();
  }

  // True if something in it is marked. What it refers to counts as marked when anything is.
  bool any_mark(const Json& schema) {
    std::vector<const Json*> open = {&schema};
    bool refers = false;
    while (!open.empty()) {
      const Json& here = *open.back();
      open.pop_back();
      if (here.is_object()) {
        if (here.bool_or("x-phi", false)) return true;
        for (const auto& [key, value] : here.as_object()) {
          refers = refers || ((key == "$ref" || key == "$dynamicRef") && value.is_string());
          open.push_back(&value);
        }
      } else if (here.is_array()) {
        for (std::size_t i = 0; i < here.size(); ++i) open.push_back(&here.item(i));
      }
    }
    return refers && &schema != &root_ && any_mark(root_);
  }

  const Json& root_;
  std::set<std::string> out_;
  std::vector<const Json*> open_;
  int steps_ = 0;
};

}  // namespace

std::set<std::string> phi_paths(const Json& schema) {
  return Walk(schema).run();
}

std::string without_items(std::string place) {
  if (place.starts_with("[]")) place.erase(0, place.starts_with("[].") ? 3 : 2);
  for (std::size_t at = place.find(".[]"); at != std::string::npos; at = place.find(".[]"))
    place.erase(at, 3);
  return place;
}

}  // namespace rabt::workflow
