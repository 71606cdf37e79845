#include <cstdio>
#include <memory>
#include <optional>
#include <set>

#include "hub/args/args.hpp"
#include "hub/base/printable.hpp"
#include "hub/cli/commands.hpp"
#include "hub/cli/workflow_files.hpp"
#include "hub/config/config.hpp"
#include "hub/engine/file_check.hpp"
#include "hub/workflow/definition.hpp"
#include "hub/workflow/explain/explain.hpp"
#include "hub/workflow/explain/graph.hpp"
#include "hub/workflow/lint/editor_schema.hpp"
#include "hub/workflow/lint/lint_report.hpp"

// rabt workflow: lint, schema, graph and explain, which read files and run nothing.
namespace rabt::cli {

namespace {

constexpr int kGood = 0;
constexpr int kFindings = 1;
constexpr int kUnreadable = 2;

struct LintOptions {
  std::vector<std::string> files;
  // Empty means that roles and actions are not checked.
  std::string config;
  // text, json or sarif.
  std::string format = "text";
  // Warnings count as errors.
  bool strict = false;
};

std::string counted(int count, const char* what) {
  return std::to_string(count) + ' ' + what + (count == 1 ? "" : "s");
}

// Names of secrets, and the hosts that workflows may call.
struct Given {
  std::set<std::string> secrets;
  net::AllowList hosts;
};

Result<Given> given_by(const std::string& path) {
  RABT_TRY(config, config::load_config(path));
  RABT_TRY(hosts, net::AllowList::make(config.http.allow, config.http.allow_private));
  Given given{.secrets = {}, .hosts = std::move(hosts)};
  for (const auto& [name, source] : config.workflow_secrets) given.secrets.insert(name);
  return given;
}

int workflow_lint(const LintOptions& options) {
  std::optional<assembly::ManifestCatalog> catalog;
  if (!load_catalog(options.config, catalog)) return kUnreadable;
  std::optional<Given> given;
  if (catalog) {
    auto read = given_by(options.config);
    if (!read.ok()) return complain(read.error());
    given.emplace(*std::move(read));
  }
  std::vector<workflow::LintedFile> linted;
  int errors = 0;
  int warnings = 0;
  bool unreadable = false;
  for (const std::string& path : options.files) {
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
    if (given) {
      for (engine::Finding& need :
           engine::check_needs({path, file.text}, given->secrets, given->hosts)) {
        file.diagnostics.push_back({.code = std::move(need.code),
                                    .message = std::move(need.message),
                                    .suggestion = {},
                                    .line = need.line,
                                    .column = need.column});
      }
    }
    for (const auto& diagnostic : file.diagnostics) {
      if (diagnostic.severity == workflow::Severity::error) ++errors;
      if (diagnostic.severity == workflow::Severity::warning) ++warnings;
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
  std::optional<assembly::ManifestCatalog> catalog;
  if (!load_catalog(config, catalog)) return kUnreadable;
  std::printf("%s\n", workflow::editor_schema(catalog ? &*catalog : nullptr).dump_pretty().c_str());
  return kGood;
}

int workflow_graph(const std::string& file) {
  const auto definition = load_definition(file, nullptr);
  if (definition == nullptr) return kUnreadable;
  std::fputs(workflow::mermaid(*definition).c_str(), stdout);
  return kGood;
}

// Prints in plain words what a workflow does. config: empty, or a configuration whose plugins tell
// which arguments are patient data and which actions can be repeated. format: text or json.
int workflow_explain(const std::string& file, const std::string& config,
                     const std::string& format) {
  std::optional<assembly::ManifestCatalog> catalog;
  if (!load_catalog(config, catalog)) return kUnreadable;
  const workflow::ActionCatalog* actions = catalog ? &*catalog : nullptr;
  const auto definition = load_definition(file, actions);
  if (definition == nullptr) return kUnreadable;
  const workflow::Explanation explanation = workflow::explain(*definition, actions);
  if (format == "json") {
    std::printf("%s\n", to_json(explanation).dump_pretty().c_str());
  } else {
    std::fputs(to_text(explanation).c_str(), stdout);
  }
  return kGood;
}

void add_lint_command(args::Command& group, int& code) {
  auto options = std::make_shared<LintOptions>();
  auto* command = group.add_subcommand(
      "lint", "Check workflow files against the language and the installed actions");
  command->footer(
      "Exit status 0: no errors, 1: errors, 2: a file or the configuration cannot be read");
  command->add_option("files", options->files, "Workflow files")->required();
  command->add_option("-c,--config", options->config,
                      "Configuration; without one, roles and actions are not checked");
  command->add_option("--format", options->format, "text, json or sarif")
      ->one_of({"text", "json", "sarif"})
      ->capture_default_str();
  command->add_flag("--strict", options->strict, "Treat warnings as errors");
  command->callback([options, &code] { code = workflow_lint(*options); });
}

// The options of schema, graph and explain.
struct FileOptions {
  std::string file;
  std::string config;
  std::string format;
};

void add_schema_command(args::Command& group, int& code) {
  auto options = std::make_shared<FileOptions>();
  auto* command =
      group.add_subcommand("schema", "Print a JSON Schema of workflow files, for editors");
  command->add_option(
      "-c,--config", options->config,
      "Configuration; with one, the schema knows its roles, their actions and arguments");
  command->callback([options, &code] { code = workflow_schema(options->config); });
}

void add_graph_command(args::Command& group, int& code) {
  auto options = std::make_shared<FileOptions>();
  auto* command = group.add_subcommand("graph", "Print a workflow as a flowchart");
  command->add_option("file", options->file, "Workflow file")->required();
  command->add_option("--format", options->format, "mermaid, the only format")->one_of({"mermaid"});
  command->callback([options, &code] { code = workflow_graph(options->file); });
}

void add_explain_command(args::Command& group, int& code) {
  auto options = std::make_shared<FileOptions>();
  auto* command = group.add_subcommand(
      "explain", "Say in plain words what a workflow does and where patient data goes");
  command->add_option("file", options->file, "Workflow file")->required();
  command->add_option("-c,--config", options->config,
                      "Configuration, whose plugins tell which arguments are patient data and "
                      "which actions can be repeated");
  command->add_option("--format", options->format, "text or json (default: text)")
      ->one_of({"text", "json"});
  command->callback([options, &code] {
    code = workflow_explain(options->file, options->config, options->format);
  });
}

}  // namespace

void add_workflow_commands(args::Command& program, int& code) {
  auto* group =
      program.add_subcommand("workflow", "Check, test, run, explain and deploy workflow files");
  group->require_subcommand();
  add_lint_command(*group, code);
  add_schema_command(*group, code);
  add_workflow_test_command(*group, code);
  add_graph_command(*group, code);
  add_explain_command(*group, code);
  add_workflow_deploy_commands(*group, code);
  add_workflow_replay_command(*group, code);
  add_workflow_run_command(*group, code);
}

}  // namespace rabt::cli
