#include "hub/cli/workflow_files.hpp"

#include <cstdio>

#include "hub/assembly/hub.hpp"
#include "hub/base/printable.hpp"

namespace rabt::cli {

bool load_catalog(const std::string& config, std::optional<assembly::ManifestCatalog>& catalog) {
  if (config.empty()) return true;
  const auto loaded = config::load_config(config);
  auto manifests = loaded.ok() ? assembly::ManifestCatalog::make(*loaded)
                               : Result<assembly::ManifestCatalog>(Error(loaded.error()));
  if (manifests.ok()) {
    catalog.emplace(std::move(*manifests));
    return true;
  }
  (void)complain(manifests.error());
  return false;
}

std::shared_ptr<const workflow::Definition> load_definition(const std::string& path,
                                                            const workflow::ActionCatalog* catalog,
                                                            bool warnings) {
  const auto text = config::read_text(path);
  if (!text.ok()) {
    std::fprintf(stderr, "%s: cannot be read: %s\n", path.c_str(), text.error().message.c_str());
    return nullptr;
  }
  const auto parsed = workflow::parse_definition(*text, catalog);
  for (const auto& diagnostic : parsed.diagnostics) {
    if (warnings || diagnostic.severity == workflow::Severity::error)
      std::fprintf(stderr, "%s\n", to_string(diagnostic, path).c_str());
  }
  return parsed.definition;
}

}  // namespace rabt::cli
