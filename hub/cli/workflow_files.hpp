#pragma once

#include <memory>
#include <optional>
#include <string>

#include "hub/assembly/manifest_catalog.hpp"
#include "hub/workflow/definition.hpp"

// Functions that the commands on workflow files share.
namespace rabt::cli {

// The catalogue of a configuration; stays empty when no configuration is named. false after a
// message on standard error.
[[nodiscard]] bool load_catalog(const std::string& config,
                                std::optional<assembly::ManifestCatalog>& catalog);

// Reads and checks a definition. Errors (and warnings with `warnings`) go to standard error; null
// after an error.
[[nodiscard]] std::shared_ptr<const workflow::Definition> load_definition(
    const std::string& path, const workflow::ActionCatalog* catalog, bool warnings = false);

}  // namespace rabt::cli
