#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "hub/base/json.hpp"
#include "hub/workflow/definition.hpp"

namespace rabt::workflow {

struct Task;

struct GraphNode {
  // Id for Mermaid, made of places in the file: a task keeps it when it is renamed.
  std::string id;
  // Reference of a task in traces, without iterations, visits and callers of its function. A helper
  // has the reference of its task, `#` and its kind.
  std::string reference;
  std::string label;
  // A task's kind as the file writes it; catch, function and extension for blocks; start, end,
  // timeout, fork, join, each, retry, passes, undo, ask and task (the extended one) for helpers.
  std::string kind;
  // Id of the block around it; "" at the top.
  std::string parent = {};
  bool block = false;
  // Null for a helper.
  const Task* task = nullptr;
};

struct GraphEdge {
  // Ids of nodes.
  std::string from;
  std::string to;
  std::string label;
  // The way after an error, or past a task that is left out.
  bool dotted = false;
};

// Flowchart of a workflow. The nodes of a block follow the block, in the order of the file.
struct Graph {
  std::vector<GraphNode> nodes;
  std::vector<GraphEdge> edges;
  // Places in `nodes`, by task.
  std::map<const Task*, std::size_t> tasks;
};

// Pure; the same definition gives the same graph. The definition outlives it.
[[nodiscard]] Graph graph_of(const Definition& definition);
// The node of the task that a reference of this definition's instances names; null when there is
// none.
[[nodiscard]] const GraphNode* node_at(const Definition& definition, const Graph& graph,
                                       std::string_view reference);

// The graph in Mermaid (mermaid.js.org, syntax of "flowchart TD"). do, try, catch, for, fork and
// functions are subgraphs; edges are labelled with cases, errors, timeouts and branches. Names and
// expressions are escaped: they cannot break out of their labels.
[[nodiscard]] std::string mermaid(const Definition& definition);
// {workflow, version, nodes: [{id, label, kind, parent?}], edges: [{from, to, label?, dotted?}]};
// ids are references.
[[nodiscard]] Json to_json(const Definition& definition, const Graph& graph);

}  // namespace rabt::workflow
