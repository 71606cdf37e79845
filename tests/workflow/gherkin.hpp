#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

// The part of Gherkin that features of this project and of the conformance kit are written in:
// Feature, Background, Scenario, Scenario Outline with Examples, steps, doc strings, data tables,
// comments and tags. Strict: a line that is none of these is an error. Depends on nothing.
namespace rabt::gherkin {

struct Step {
  std::string keyword;  // Given, When, Then; And, But and * take the keyword before them
  std::string text;
  std::optional<std::string> block;  // a doc string, without its indentation
  std::string block_type;            // what stands after the opening quotes
  std::vector<std::vector<std::string>> table;
  int line = 0;
};
struct Scenario {
  std::string name;
  std::vector<std::string> tags;  // with those of the feature and of the examples; without @
  std::vector<Step> steps;        // those of the background first
  int line = 0;
};
struct Feature {
  std::string name;
  std::vector<std::string> tags;
  std::vector<Scenario> scenarios;  // of an outline: one for each row
};
struct Fault {
  std::string message;
  int line = 0;
};
struct Outcome {
  std::optional<Feature> feature;  // set, or
  Fault fault;
};

inline constexpr std::size_t kMaxBytes = 1U << 20U;
inline constexpr std::size_t kMaxSteps = 20'000;        // of all scenarios, outlines written out
inline constexpr std::size_t kMaxExpanded = 4U << 20U;  // bytes of all steps, outlines written out

// Never throws.
[[nodiscard]] Outcome parse(std::string_view text);

}  // namespace rabt::gherkin
