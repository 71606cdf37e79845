#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "hub/workflow/model.hpp"

// Internal to the language: where the arguments of calls come from, as far as the text of a
// definition tells. An over-approximation: what is listed may flow, what is not listed does not.
namespace rabt::workflow {

// What a value may be made of. origins: places such as "event.data.patient" or
// "answer of payer/check-eligibility".outcome. members: parts that were put together here.
struct FlowValue {
  std::set<std::string> origins;
  std::map<std::string, FlowValue> members;

  // Everything the value may hold.
  [[nodiscard]] std::set<std::string> all() const;
};

struct FlowCall {
  const Task* task = nullptr;
  FlowValue arguments;
};

// Every call of an action (HTTP requests as well) with its arguments. A call in a function stands
// once, with the arguments of all its callers.
[[nodiscard]] std::vector<FlowCall> data_flow(const Definition::Model& model);

}  // namespace rabt::workflow
