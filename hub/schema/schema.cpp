#include "hub/schema/schema.hpp"

#include <algorithm>
#include <utility>

#include "hub/schema/schema_check.hpp"
#include "hub/schema/schema_compile.hpp"

namespace rabt {

namespace {

using schema::Index;
using schema::kNone;
using schema::Node;

// Walks what a schema is combined from, each node once.
class Walk {
 public:
  explicit Walk(const Schema::Model& model)
      : model_(model), seen_(model.nodes.size()), unmarked_(model.nodes.size()) {}

  // True if the node, or what it is combined from, or its items or names, carry "x-phi": true.
  bool phi(Index root) {
    push(root);
    bool found = false;
    for (std::size_t i = 0; i < visited_.size() && !found; ++i) {
      if (unmarked_[static_cast<std::size_t>(visited_[i])]) continue;
      const Node& node = model_.nodes[static_cast<std::size_t>(visited_[i])];
      found = node.source->bool_or(schema::kPhiMark, false);
      push_in_place(node);
      for (const auto* list : {&node.any_of, &node.one_of, &node.prefix_items})
        for (const Index part : *list) push(part);
      for (const Index part : {node.condition, node.consequence, node.alternative, node.negated,
                               node.items, node.contains, node.additional, node.names, node.content,
                               node.unevaluated_items, node.unevaluated_properties})
        push(part);
      for (const schema::Dependency& dependency : node.dependencies) push(dependency.schema);
      for (const auto& entry : node.pattern_properties) push(entry.second);
    }
    for (const Index index : visited_) {
      seen_[static_cast<std::size_t>(index)] = false;
      // Nodes on the way of a search without a find lead to no mark either.
      if (!found) unmarked_[static_cast<std::size_t>(index)] = true;
    }
    visited_.clear();
    return found;
  }

  // The node and what it pulls in through $ref and allOf.
  std::vector<Index> parts(Index root) {
    push(root);
    for (std::size_t i = 0; i < visited_.size(); ++i)
      push_in_place(model_.nodes[static_cast<std::size_t>(visited_[i])]);
    for (const Index index : visited_) seen_[static_cast<std::size_t>(index)] = false;
    return std::exchange(visited_, {});
  }

 private:
  void push(Index index) {
    if (index == kNone || seen_[static_cast<std::size_t>(index)]) return;
    seen_[static_cast<std::size_t>(index)] = true;
    visited_.push_back(index);
  }
  void push_in_place(const Node& node) {
    push(node.reference);
    push(node.dynamic_reference);
    for (const Index part : node.all_of) push(part);
  }

  const Schema::Model& model_;
  std::vector<bool> seen_;
  std::vector<bool> unmarked_;  // phi() is known to be false
  std::vector<Index> visited_;
};

}  // namespace

Result<Schema> Schema::compile(const Json& document, const SchemaOptions& options,
                               SchemaMistake* mistake) {
  SchemaMistake unused;
  RABT_TRY(model, schema::compile(document, options, mistake == nullptr ? unused : *mistake));
  Schema schema;
  schema.model_ = std::move(model);
  return schema;
}

Result<Schema> Schema::compile(const Json& document, std::string* place) {
  SchemaMistake mistake;
  auto schema = compile(document, SchemaOptions{}, &mistake);
  if (!schema.ok() && place != nullptr) *place = std::move(mistake.pointer);
  return schema;
}

std::optional<SchemaFault> Schema::check(const Json& value) const {
  if (model_ == nullptr || schema::conforms(*model_, value)) return std::nullopt;
  auto found = schema::faults(*model_, value, 1);
  RABT_CHECK(!found.empty());
  return std::move(found.front());
}

std::vector<SchemaFault> Schema::check_all(const Json& value, std::size_t limit) const {
  if (model_ == nullptr || schema::conforms(*model_, value)) return {};
  return schema::faults(*model_, value, limit);
}

std::set<std::string> Schema::phi_names() const {
  std::set<std::string> names;
  if (model_ == nullptr) return names;
  Walk walk(*model_);
  for (const Node& node : model_->nodes) {
    for (const auto& [name, index] : node.properties) {
      if (!names.contains(name) && walk.phi(index)) names.insert(name);
    }
  }
  return names;
}

std::vector<PropertyInfo> Schema::properties() const {
  std::vector<PropertyInfo> list;
  if (model_ == nullptr) return list;
  Walk walk(*model_);
  const std::vector<Index> roots = walk.parts(0);
  std::set<std::string_view> required;
  std::set<std::string_view> named;
  for (const Index root : roots) {
    const Node& node = model_->nodes[static_cast<std::size_t>(root)];
    required.insert(node.required.begin(), node.required.end());
  }
  for (const Index root : roots) {
    const Node& node = model_->nodes[static_cast<std::size_t>(root)];
    const Json& source = (*node.source)["properties"];
    if (node.properties.empty()) continue;
    for (const auto& [name, unused] : source.as_object()) {
      if (!named.insert(name).second) continue;
      const auto found =
          std::lower_bound(node.properties.begin(), node.properties.end(), std::string_view(name),
                           [](const auto& entry, std::string_view key) {
                             return schema::ByLength()(entry.first, key);
                           });
      PropertyInfo info;
      info.name = name;
      info.required = required.contains(name);
      unsigned types = 0;
      for (const Index part : walk.parts(found->second)) {
        const Node& piece = model_->nodes[static_cast<std::size_t>(part)];
        if (piece.types != 0) types = types == 0 ? piece.types : (types & piece.types);
        if (info.description.empty()) info.description = piece.source->string_or("description", "");
      }
      info.type = schema::type_list(types);
      info.phi = walk.phi(found->second);
      list.push_back(std::move(info));
    }
  }
  return list;
}

}  // namespace rabt
