#include <cstdio>
#include <optional>

#include "hub/cli/commands.hpp"
#include "hub/cli/workflow_files.hpp"
#include "hub/config/config.hpp"
#include "hub/workflow/definition.hpp"
#include "hub/workflow/lint/editor_schema.hpp"
#include "hub/workflow/lint/lint_report.hpp"

// Commands on workflow files: lint, schema.
namespace rabt::cli {

namespace {

constexpr int kGood = 0;
constexpr int kFindings = 1;
constexpr int kUnreadable = 2;

std::string counted(int count, const char* what) {
  return std::to_string(count) + ' ' + what + (count == 1 ? "" : "s");
}

}  // namespace

int workflow_lint(const std::vector<std::string>& files, const LintOptions& options) {
  std::optional<ManifestCatalog> catalog;
  if (!load_catalog(options.config, catalog)) return kUnreadable;
  std::vector<workflow::LintedFile> linted;
  int errors = 0;
  int warnings = 0;
  bool unreadable = false;
  for (const std::string& path : files) {
    workflow::LintedFile& file = linted.emplace_back();
    file.path = path;
    auto text = config::read_text(path);
    if (!text.ok()) {
      file.unreadable = text.error().message;
      unreadable = true;
      continue;
    }
    file.text = std::move(*text);
    file.diagnostics =
        workflow::parse_definition(file.text, catalog ? &*catalog : nullptr).diagnostics;
    for (const auto& one : file.diagnostics) {
      if (one.severity == workflow::Severity::error) ++errors;
      if (one.severity == workflow::Severity::warning) ++warnings;
    }
  }
  if (options.format == "json") {
    std::printf("%s\n", lint_json(linted).dump_pretty().c_str());
  } else if (options.format == "sarif") {
    std::printf("%s\n", lint_sarif(linted).dump_pretty().c_str());
  } else {
    for (const auto& file : linted) {
      std::FILE* where = file.unreadable.empty() ? stdout : stderr;
      std::fputs(lint_text(file).c_str(), where);
    }
    if (errors + warnings > 0) {
      std::printf("%s, %s\n", counted(errors, "error").c_str(),
                  counted(warnings, "warning").c_str());
    }
  }
  if (unreadable) return kUnreadable;
  return errors > 0 || (options.strict && warnings > 0) ? kFindings : kGood;
}

int workflow_schema(const std::string& config) {
  std::optional<ManifestCatalog> catalog;
  if (!load_catalog(config, catalog)) return kUnreadable;
  std::printf("%s\n", workflow::editor_schema(catalog ? &*catalog : nullptr).dump_pretty().c_str());
  return kGood;
}

}  // namespace rabt::cli
