#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <vector>

#include "hub/base/json.hpp"
#include "hub/workflow/definition.hpp"

// Explains a workflow in plain words, from its text and the actions' declarations. Pure; the same
// input gives the same text.
namespace rabt::workflow {

struct ExplainedStep {
  std::size_t depth = 0;
  int line = 0;
  std::string task;
  std::string text;
};

struct ExplainedArgument {
  std::string path;  // participants.identity
  bool phi = false;  // the action's input schema marks the argument, or a part, as patient data
  std::vector<std::string> from;  // what the argument may be made of: event.data.patient
};

struct ExplainedCall {
  int line = 0;
  std::string task;  // path
  std::string role;
  std::string action;
  std::string version;
  std::string title;        // the action's, if it is known
  std::string idempotency;  // native, key, probe or none; empty if it is not known
  bool retried = false;     // by a retry policy around it
  std::vector<ExplainedArgument> arguments;
};

struct Explanation {
  std::string name;
  std::string version;
  std::string title;
  std::vector<std::string> starts;
  std::vector<std::string> limits;  // the whole workflow's
  std::vector<ExplainedStep> steps;
  std::map<std::string, std::string> policies;  // retry policies, by name
  std::vector<ExplainedStep> waits;             // with how long at most
  std::vector<ExplainedCall> calls;
  std::vector<ExplainedStep> raised;
  std::vector<ExplainedStep> emitted;
  bool has_catalog = false;
};

// If `catalog` is null, nothing is known about patient data and repeats.
[[nodiscard]] Explanation explain(const Definition& definition, const ActionCatalog* catalog);
[[nodiscard]] std::string to_text(const Explanation& explanation);
[[nodiscard]] Json to_json(const Explanation& explanation);

}  // namespace rabt::workflow
