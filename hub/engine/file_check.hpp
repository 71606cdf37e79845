#pragma once

#include <set>
#include <string>
#include <vector>

#include "hub/engine/engine.hpp"

// Findings in workflow files that need no store.
namespace rabt::engine {

// One thing that is wrong with a file, or worth a look.
struct Finding {
  std::string file;
  std::string code;
  std::string message;
  int line = 0;
  int column = 0;
  ErrorKind kind = ErrorKind::invalid;
};

[[nodiscard]] Json to_json(const Finding& finding);
[[nodiscard]] std::string to_text(const Finding& finding);
// Every error, one a line, with kind and code of the first. There is at least one.
[[nodiscard]] Error error_of(const std::vector<Finding>& errors);

// A file, or no definition when it has errors.
struct ReadFile {
  std::shared_ptr<const workflow::Definition> definition;
  std::vector<Finding> errors;
  std::vector<Finding> warnings;
};
[[nodiscard]] ReadFile read_file(const WorkflowFile& file, const workflow::ActionCatalog& actions);

// Errors engine.secret and engine.host: secrets and literal hosts that the file needs and the
// configuration does not give. secrets: their names.
[[nodiscard]] std::vector<Finding> check_needs(const WorkflowFile& file,
                                               const std::set<std::string>& secrets,
                                               const net::AllowList& hosts);

// The errors of Engine::plan that stand in the files and in the options: those of each file, its
// needs that the options do not give, and a workflow that is there twice. Deployed workflows, which
// may start others or be started, are not looked at.
[[nodiscard]] std::vector<Finding> check_files(const std::vector<WorkflowFile>& files,
                                               const workflow::ActionCatalog& actions,
                                               const Engine::Options& options);

}  // namespace rabt::engine
