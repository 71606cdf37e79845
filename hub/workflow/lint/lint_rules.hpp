#pragma once

#include <span>
#include <string>
#include <string_view>

#include "hub/workflow/definition.hpp"

// Every code that parse_definition can give, with what it is about. docs/lint.md has a section for
// each; a test keeps source, this table and the page together.
namespace rabt::workflow {

struct LintRule {
  std::string_view code;
  Severity severity;  // the highest that it is reported with
  std::string_view title;
  std::string_view remedy;
};

// In alphabetical order of the code.
[[nodiscard]] std::span<const LintRule> lint_rules();
// nullptr if no rule has this code.
[[nodiscard]] const LintRule* find_lint_rule(std::string_view code);
// docs/lint.md#workflowunknown_key
[[nodiscard]] std::string lint_rule_page(std::string_view code);

}  // namespace rabt::workflow
