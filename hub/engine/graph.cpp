#include "hub/workflow/explain/graph.hpp"

#include <map>

#include "hub/engine/impl.hpp"

// Flowcharts of workflows, and how far an instance has come in its own.
namespace rabt::engine {

namespace {

constexpr std::string_view kUndoes = "/compensate";

// The word of a picture for the state of a trace.
std::string shown_state(const std::string& state) {
  if (state == "started") return "running";
  if (state == "retried") return "waiting";
  if (state == "compensated") return "completed";
  if (state == "compensation-failed") return "faulted";
  return state;
}

bool is_open(const std::string& state) {
  return state == "running" || state == "waiting" || state == "parked";
}

// State and attempts of one node.
struct Shown {
  std::string state;
  std::int64_t attempts = 0;
  // A person answered in place of the action.
  bool by_person = false;
  // A task runs once for each item of a loop: what is open counts more than what has ended.
  void add(const std::string& text, std::int64_t more) {
    if (!is_open(state) || is_open(text)) state = text;
    attempts += more;
  }
};

// The node of an entry of the timeline; "" when the file has none.
std::string node_of(const workflow::Definition& definition, const workflow::Graph& graph,
                    std::string_view reference) {
  const bool undoes = reference.ends_with(kUndoes);
  if (undoes) reference.remove_suffix(kUndoes.size());
  const workflow::GraphNode* const node = workflow::node_at(definition, graph, reference);
  if (node == nullptr) return {};
  return node->reference + (undoes ? "#undo" : "");
}

}  // namespace

Result<Json> Engine::graph(std::string_view name_space, std::string_view name,
                           std::string_view version) {
  RABT_TRY(found, impl_->definitions.deployed(name_space, name, version));
  return workflow::to_json(*found.definition, workflow::graph_of(*found.definition));
}

Result<Json> Engine::instance_graph(std::string_view id) {
  RABT_TRY(from, impl_->replay(id, false));
  const workflow::Definition& definition = *from.past->definition;
  const workflow::Graph graph = workflow::graph_of(definition);
  std::map<std::string, Shown> shown;
  for (std::size_t place = 0; place < from.past->timeline->size(); ++place) {
    const std::string node = node_of(definition, graph, from.past->timeline->reference(place));
    if (node.empty()) continue;
    const Json entry = from.past->timeline->entry(place);
    Shown& one = shown[node];
    one.add(shown_state(entry.string_or("state", "")), entry.int_or("attempts", 0));
    one.by_person = one.by_person || entry["call"].find("decidedBy") != nullptr;
  }
  if (!from.row.parked.empty()) {
    const auto question = Json::parse(from.row.question);
    const std::string asked = question.ok() ? question->string_or("reference", "") : std::string();
    const std::string node = node_of(definition, graph, asked);
    if (!node.empty()) shown[node].state = "parked";
  }
  shown["start"].state = "completed";
  if (from.row.status == as_int(workflow::InstanceStatus::completed))
    shown["end"].state = "completed";
  Json out = workflow::to_json(definition, graph);
  Json nodes = Json::array();
  for (Json node : out["nodes"].as_array()) {
    if (const auto one = shown.find(node.string_or("id", "")); one != shown.end()) {
      node.set("state", one->second.state);
      if (one->second.attempts > 0) node.set("attempts", one->second.attempts);
      if (one->second.by_person) node.set("byPerson", true);
    }
    nodes.push_back(std::move(node));
  }
  out.set("nodes", std::move(nodes));
  out.set("instance", from.row.id);
  return out;
}

}  // namespace rabt::engine
