#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "hub/workflow/model.hpp"

// Internal to the language: where the arguments of calls, events and errors come from, as far as
// the text of a definition tells. An over-approximation: what is listed may flow; what is not
// listed does not, but for what data_flow names.
namespace rabt::workflow {

// Possible content of a value.
struct FlowValue {
  // Places whose value it is, such as event.data.patient or `answer of payer/check`.outcome, each
  // with its replaced keys. A segment "[]" is the result of `.[]`: an item of a list, or a member
  // of an object. An item by its number has the place of the list.
  std::map<std::string, std::set<std::string>> origins;
  std::set<std::string> inside;  // places of which some part is somewhere in it
  // Parts that may have been put together here; "[]" are the items of a list, "*" a part under a
  // name that is not written out.
  std::map<std::string, FlowValue> members;

  // Everything the value may hold, as places without "[]".
  [[nodiscard]] std::set<std::string> all() const;
  // True if it may hold something of what lies at, under or around the marked place.
  [[nodiscard]] bool touches(const std::string& marked) const;
};

// A task that hands data on: a call of an action, an HTTP request, a run, an emit or a raise. A
// task in a function stands once, with what all its callers give.
struct FlowCall {
  const Task* task = nullptr;
  FlowValue arguments;  // http: uri, operation, headers, query, body, authentication
};

struct DataFlow {
  std::vector<FlowCall> calls;
  // Places that the definition's own schemas mark with x-phi.
  std::set<std::string> marked;
};

// Not seen: what a condition tells about a value, what leaves by one workflow and comes back by
// another, errors of plugins and outside systems ($error.detail), texts that name a place.
// Time and memory are bounded whatever the definition: large values are taken as one.
[[nodiscard]] DataFlow data_flow(const Definition::Model& model);

}  // namespace rabt::workflow
