#include "hub/workflow/schema.hpp"

#include <algorithm>
#include <string_view>
#include <vector>

#include "hub/workflow/suggest.hpp"

namespace rabt::workflow {

namespace {

const std::vector<std::string>& keywords() {
  static const std::vector<std::string> list = {"type",
                                                "required",
                                                "properties",
                                                "additionalProperties",
                                                "items",
                                                "enum",
                                                "const",
                                                "minItems",
                                                "maxItems",
                                                "uniqueItems",
                                                "minimum",
                                                "maximum",
                                                "minLength",
                                                "maxLength",
                                                "pattern",
                                                "oneOf",
                                                "anyOf",
                                                "allOf",
                                                "not",
                                                "exclusiveMinimum",
                                                "title",
                                                "description",
                                                "default",
                                                "examples",
                                                "exclusiveMaximum",
                                                "minProperties",
                                                "maxProperties"};
  return list;
}

const std::vector<std::string>& type_names() {
  static const std::vector<std::string> list = {"null",   "boolean", "object", "array",
                                                "number", "string",  "integer"};
  return list;
}

std::string unescape(std::string_view token) {
  std::string out;
  for (std::size_t i = 0; i < token.size(); ++i) {
    if (token[i] == '~' && i + 1 < token.size()) {
      out.push_back(token[++i] == '0' ? '~' : '/');
    } else {
      out.push_back(token[i]);
    }
  }
  return out;
}

// What a JSON pointer leads to, as far as the tree goes: the key, when the last step was one, and
// the node.
struct Place {
  const YamlEntry* entry = nullptr;
  const YamlNode* node = nullptr;
};

Place find(const YamlNode& root, std::string_view pointer) {
  Place place{nullptr, &root};
  while (!pointer.empty()) {
    pointer.remove_prefix(1);
    const auto end = std::min(pointer.find('/'), pointer.size());
    const std::string token = unescape(pointer.substr(0, end));
    pointer.remove_prefix(end);
    if (place.node->kind == YamlNode::Kind::sequence) {
      const std::size_t index = std::strtoul(token.c_str(), nullptr, 10);
      if (index >= place.node->items.size()) break;
      place = {nullptr, place.node->items[index].get()};
    } else {
      const YamlEntry* entry = place.node->find(token);
      if (entry == nullptr) break;
      place = {entry, entry->value.get()};
    }
  }
  return place;
}

}  // namespace

std::optional<Schema> compile_schema(const YamlNode& node, const SchemaReport& report) {
  std::string pointer;
  auto compiled = Schema::compile(to_json(node), &pointer);
  if (compiled.ok()) return std::move(*compiled);

  const Place place = find(node, pointer);
  const bool keyword = compiled.error().code == "schema.unsupported" && place.entry != nullptr;
  std::string message = compiled.error().message;
  std::string suggestion;
  if (keyword) {
    message = "schema keyword `" + place.entry->key + "` is not supported";
    suggestion = did_you_mean(place.entry->key, keywords());
  } else if (place.entry != nullptr && place.entry->key == "type" && place.node->is_text()) {
    message = "`" + place.node->text() + "` is no JSON type";
    suggestion = did_you_mean(place.node->text(), type_names());
  }
  report(keyword ? place.entry->line : place.node->line,
         keyword ? place.entry->column : place.node->column,
         keyword ? "workflow.not_supported" : "workflow.schema", std::move(message),
         std::move(suggestion));
  return std::nullopt;
}

std::string violation(const Schema& schema, const Json& value) {
  const auto fault = schema.check(value);
  if (!fault) return {};
  return (fault->instance_path.empty() ? std::string("the value") : fault->instance_path) + " " +
         fault->message;
}

}  // namespace rabt::workflow
