#include "hub/workflow/schema.hpp"

#include <algorithm>
#include <string_view>

namespace rabt::workflow {

namespace {

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
  SchemaMistake mistake;
  auto compiled = Schema::compile(to_json(node), SchemaOptions{}, &mistake);
  if (compiled.ok()) return std::move(*compiled);

  const Place place = find(node, mistake.pointer);
  const bool unsupported = compiled.error().code == "schema.unsupported";
  const bool at_key = unsupported && place.entry != nullptr;
  report(at_key ? place.entry->line : place.node->line,
         at_key ? place.entry->column : place.node->column,
         unsupported ? "workflow.not_supported" : "workflow.schema", std::move(mistake.message),
         std::move(mistake.suggestion));
  return std::nullopt;
}

std::string violation(const Schema& schema, const Json& value) {
  const auto fault = schema.check(value);
  if (!fault) return {};
  return (fault->instance_path.empty() ? std::string("the value") : fault->instance_path) + " " +
         fault->message;
}

}  // namespace rabt::workflow
