#include <cstdio>
#include <filesystem>
#include <memory>
#include <optional>

#include "hub/args/args.hpp"
#include "hub/cli/commands.hpp"
#include "hub/cli/workflow_files.hpp"
#include "hub/config/config.hpp"
#include "hub/workflow/simulate/test_file.hpp"

// rabt workflow test
namespace rabt::cli {

namespace {

namespace fs = std::filesystem;

struct TestOptions {
  std::vector<std::string> files;
  // Empty means that arguments and outputs are not compared with the actions' schemas.
  std::string config;
  // text, json or junit.
  std::string format = "text";
  // The name of the only case to run.
  std::string only;
  // The percentage of tasks and branches that every file must reach.
  double require_coverage = 0;
};

// Gives nullopt after a message on standard error.
std::optional<workflow::TestReport> run_file(const std::string& path, const TestOptions& options,
                                             const assembly::ManifestCatalog* catalog) {
  const auto text = config::read_text(path);
  if (!text.ok()) {
    std::fprintf(stderr, "%s: cannot be read: %s\n", path.c_str(), text.error().message.c_str());
    return std::nullopt;
  }
  const auto parsed = workflow::parse_test_file(*text);
  for (const auto& diagnostic : parsed.diagnostics)
    std::fprintf(stderr, "%s\n", to_string(diagnostic, path).c_str());
  if (parsed.file == nullptr) return std::nullopt;

  std::vector<std::shared_ptr<const workflow::Definition>> definitions;
  const fs::path folder = fs::path(path).parent_path();
  const auto add = [&](const std::string& name) {
    auto definition = load_definition((folder / name).string(), catalog);
    if (definition == nullptr) return false;
    definitions.push_back(std::move(definition));
    return true;
  };
  if (!add(parsed.file->workflow())) return std::nullopt;
  for (const std::string& name : parsed.file->definitions()) {
    if (!add(name)) return std::nullopt;
  }
  workflow::TestOptions run{.only = options.only, .catalog = catalog};
  if (catalog != nullptr)
    run.answer = [catalog](const workflow::CallAction& call) { return catalog->answer(call); };
  auto report = workflow::run_tests(*parsed.file, definitions, run);
  if (report.ok()) return std::move(*report);
  std::fprintf(stderr, "%s: %s [%s]\n", path.c_str(), report.error().message.c_str(),
               report.error().code.c_str());
  return std::nullopt;
}

int workflow_test(const TestOptions& options) {
  std::optional<assembly::ManifestCatalog> catalog;
  if (!load_catalog(options.config, catalog)) return 2;
  int code = 0;
  Json all = Json::array();
  std::string junit;
  for (const std::string& path : options.files) {
    const auto report = run_file(path, options, catalog ? &*catalog : nullptr);
    if (!report) {
      code = 2;
      continue;
    }
    if (!report->passed()) code = std::max(code, 1);
    if (options.format == "json") {
      all.push_back(report_json(*report, path));
    } else if (options.format == "junit") {
      junit += report_junit(*report, path);
    } else {
      std::fputs(report_text(*report, path).c_str(), stdout);
    }
    if (report->percent < options.require_coverage) {
      std::fprintf(stderr, "%s: coverage is below the required %g %%\n", path.c_str(),
                   options.require_coverage);
      code = std::max(code, 1);
    }
  }
  if (options.format == "json") std::printf("%s\n", all.dump_pretty().c_str());
  if (options.format == "junit") {
    std::printf("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n%s</testsuites>\n",
                junit.c_str());
  }
  return code;
}

}  // namespace

void add_workflow_test_command(args::Command& group, int& code) {
  auto options = std::make_shared<TestOptions>();
  auto* command = group.add_subcommand(
      "test", "Run the cases of test files in virtual time, without plugins and network");
  command->footer(
      "Exit status 0: every case passed, 1: a case failed or the coverage is too low, 2: a file is "
      "invalid");
  command->add_option("files", options->files, "Test files")->required();
  command->add_option(
      "-c,--config", options->config,
      "Configuration; with one, arguments and outputs are compared with the actions' schemas");
  command->add_option("--format", options->format, "text, json or junit")
      ->one_of({"text", "json", "junit"})
      ->capture_default_str();
  command->add_option("--case", options->only, "Run only the case with this name");
  command
      ->add_option("--require-coverage", options->require_coverage,
                   "Fail if a file covers less than this percentage of tasks and branches")
      ->between(0.0, 100.0);
  command->callback([options, &code] { code = workflow_test(*options); });
}

}  // namespace rabt::cli
