#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "hub/base/json.hpp"
#include "hub/workflow/definition.hpp"

// Findings as people and programs read them. docs/lint.md describes the forms.
namespace rabt::workflow {

struct LintedFile {
  std::string path;  // as it was given
  std::string text;
  std::vector<Diagnostic> diagnostics;
  std::string unreadable;  // why the file could not be read; empty when it could
};

// For each finding its place, what is wrong, the line with a mark below, and what to do. Control
// characters of the file are shown as `?`; the line of a credential is not shown.
[[nodiscard]] std::string lint_text(const LintedFile& file);

// An array with one object for each finding.
[[nodiscard]] Json lint_json(const std::vector<LintedFile>& files);

// A SARIF 2.1.0 log with one run.
[[nodiscard]] Json lint_sarif(const std::vector<LintedFile>& files);

}  // namespace rabt::workflow
