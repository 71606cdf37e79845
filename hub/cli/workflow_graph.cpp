#include <cstdio>

#include "hub/cli/commands.hpp"
#include "hub/cli/workflow_files.hpp"
#include "hub/workflow/explain/explain.hpp"
#include "hub/workflow/explain/graph.hpp"

// rabt workflow graph, rabt workflow explain
namespace rabt::cli {

int workflow_graph(const std::string& file) {
  const auto definition = load_definition(file, nullptr);
  if (definition == nullptr) return 2;
  std::fputs(workflow::mermaid(*definition).c_str(), stdout);
  return 0;
}

int workflow_explain(const std::string& file, const std::string& config,
                     const std::string& format) {
  std::optional<ManifestCatalog> catalog;
  if (!load_catalog(config, catalog)) return 2;
  const workflow::ActionCatalog* known = catalog ? &*catalog : nullptr;
  const auto definition = load_definition(file, known);
  if (definition == nullptr) return 2;
  const workflow::Explanation explanation = workflow::explain(*definition, known);
  if (format == "json") {
    std::printf("%s\n", to_json(explanation).dump_pretty().c_str());
  } else {
    std::fputs(to_text(explanation).c_str(), stdout);
  }
  return 0;
}

}  // namespace rabt::cli
