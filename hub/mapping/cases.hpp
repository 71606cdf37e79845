#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "hub/base/json.hpp"
#include "hub/base/result.hpp"
#include "hub/mapping/mapping.hpp"

// Tests of a mapping as files: bodies, and what they must become. See docs/sources.md.
namespace rabt::mapping {

struct Case {
  std::string name;
  int line = 0;
  // The body: a file, relative to that of the cases, or the text itself.
  std::string file;
  std::string text;
  // The events, each with members that it must have; null if the body must be refused.
  Json becomes;
  // Words of the reason; "" if the body must be taken.
  std::string refused;
};
struct CaseFile {
  // The mapping, relative to the file of the cases.
  std::string mapping;
  // All bodies are made up: what they became may be shown.
  bool synthetic = false;
  std::vector<Case> cases;
};
// Error mapping.cases: all mistakes, each with line and column.
[[nodiscard]] Result<CaseFile> read_cases(std::string_view text, const std::string& name);

// Why what a body became is not what the case says, a line for each difference; empty if it is.
// shown: with the values that were found.
[[nodiscard]] std::vector<std::string> differences(const Case& wanted, const Taken& taken,
                                                   bool shown);

}  // namespace rabt::mapping
