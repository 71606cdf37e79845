#include <algorithm>
#include <unordered_set>
#include <utility>

#include "hub/base/json_pointer.hpp"
#include "hub/schema/schema.hpp"
#include "hub/schema/schema_model.hpp"

namespace rabt {

namespace {

using schema::Index;
using schema::kNone;
using schema::Node;

constexpr std::string_view kWhole = "/";
// Past one of these the answer is the whole value, or the whole of a deep place.
constexpr std::size_t kMaxFound = 1000;               // more than a person reads
constexpr std::size_t kMaxVisits = 100'000;           // visits of a schema at a place
constexpr std::size_t kMaxVisitedBytes = 16U << 20U;  // paths of all visited places
constexpr std::size_t kMaxOpen = 256;                 // schemas that lead to one place

// A schema that speaks of a part of the value: of the value itself, or of what is below it.
struct Part {
  Index index = kNone;
  std::string below;  // "", "/name", "/0", "/*"
};

class Places {
 public:
  explicit Places(const Schema::Model& model)
      : model_(model), leads_(model.nodes.size()), open_(model.nodes.size()) {
    find_leads();
  }

  std::set<std::string> find() {
    visit(0, "", 0);
    if (whole_) return {std::string(kWhole)};
    // A place below a listed one adds no information.
    std::set<std::string> out;
    for (const std::string& place : found_) {
      bool covered = false;
      for (std::size_t slash = place.find('/', 1); slash != std::string::npos && !covered;
           slash = place.find('/', slash + 1)) {
        covered = found_.contains(place.substr(0, slash));
      }
      if (!covered) out.insert(place);
    }
    return out;
  }

 private:
  [[nodiscard]] const Node& node(Index index) const {
    return model_.nodes[static_cast<std::size_t>(index)];
  }
  [[nodiscard]] bool marked(Index index) const {
    return node(index).source->bool_or(schema::kPhiMark, false);
  }

  [[nodiscard]] std::vector<Part> parts(const Node& of) const {
    std::vector<Part> out;
    const auto add = [&out](Index index, std::string below) {
      if (index != kNone) out.push_back({index, std::move(below)});
    };
    for (const Index same : {of.reference, of.dynamic_reference, of.negated, of.condition,
                             of.consequence, of.alternative, of.names, of.content})
      add(same, "");
    if (of.dynamic_name != kNone) {
      for (const schema::Resource& resource : model_.resources) {
        for (const auto& [name, target] : resource.dynamic_anchors) {
          if (name == of.dynamic_name) add(target, "");
        }
      }
    }
    for (const auto* const list : {&of.all_of, &of.any_of, &of.one_of}) {
      for (const Index same : *list) add(same, "");
    }
    for (const schema::Dependency& dependency : of.dependencies) add(dependency.schema, "");
    for (const auto& [name, index] : of.properties) add(index, "/" + escape_token(name));
    for (std::size_t i = 0; i < of.prefix_items.size(); ++i)
      add(of.prefix_items[i], "/" + std::to_string(i));
    for (const Index any :
         {of.items, of.contains, of.unevaluated_items, of.additional, of.unevaluated_properties})
      add(any, "/*");
    for (const auto& [pattern, index] : of.pattern_properties) add(index, "/*");
    return out;
  }

  // Which schemas are marked, or lead to one that is. Only these are visited: a large schema
  // without marks costs nothing.
  void find_leads() {
    std::vector<std::vector<Index>> from(model_.nodes.size());
    std::vector<Index> next;
    for (std::size_t i = 0; i < model_.nodes.size(); ++i) {
      const auto index = static_cast<Index>(i);
      for (const Part& part : parts(node(index)))
        from[static_cast<std::size_t>(part.index)].push_back(index);
      if (!marked(index)) continue;
      leads_[i] = true;
      next.push_back(index);
    }
    while (!next.empty()) {
      const auto index = static_cast<std::size_t>(next.back());
      next.pop_back();
      for (const Index one : from[index]) {
        if (leads_[static_cast<std::size_t>(one)]) continue;
        leads_[static_cast<std::size_t>(one)] = true;
        next.push_back(one);
      }
    }
  }

  void visit(Index index, const std::string& at, std::size_t depth) {
    const auto number = static_cast<std::size_t>(index);
    if (whole_ || !leads_[number] || found_.contains(at)) return;
    if (!visited_.insert(std::to_string(index) + at).second) return;
    visited_bytes_ += at.size();
    if (visited_.size() > kMaxVisits || visited_bytes_ > kMaxVisitedBytes) {
      whole_ = true;
      return;
    }
    // A schema that comes again below itself goes on for ever: all of that place.
    if (marked(index) || open_[number] || depth > kMaxOpen) {
      found_.insert(at);
      whole_ = at.empty() || found_.size() > kMaxFound;
      return;
    }
    open_[number] = true;
    for (const Part& part : parts(node(index))) visit(part.index, at + part.below, depth + 1);
    open_[number] = false;
  }

  const Schema::Model& model_;
  std::vector<bool> leads_;
  std::vector<bool> open_;
  std::set<std::string> found_;
  std::unordered_set<std::string> visited_;  // number of the schema, and the place
  std::size_t visited_bytes_ = 0;
  bool whole_ = false;
};

}  // namespace

std::set<std::string> Schema::phi_places() const {
  if (model_ == nullptr) return {};
  return Places(*model_).find();
}

}  // namespace rabt
