#pragma once

#include <string>

#include "hub/workflow/definition.hpp"

namespace rabt::workflow {

// A flowchart of the workflow in Mermaid (mermaid.js.org, syntax of "flowchart TD"). do, try,
// catch, for, fork and functions are subgraphs; edges are labelled with cases, errors, timeouts and
// branches. Ids are made of places in the file, so they stay the same when a task is renamed. Names
// and expressions are escaped: they cannot break out of their labels. Pure; the same definition
// gives the same text.
[[nodiscard]] std::string mermaid(const Definition& definition);

}  // namespace rabt::workflow
