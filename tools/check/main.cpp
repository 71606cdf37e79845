#include <CLI/CLI.hpp>

#include "tools/check/command.hpp"

// `rabt plugin check`: tests the package of a plugin.
int main(int argc, char** argv) {
  rabt::check::CommandLine line;
  std::string one;
  CLI::App app{"test a package: docs/plugins/checker.md", "rabt plugin check"};
  app.add_flag("--list", line.list, "print the tests, and what each proves");
  app.add_option("--only", line.only, "pattern: only tests with this in their names");
  app.add_flag("--json", line.json, "print the report as JSON");
  app.add_flag("--write-report", line.write_report, "put check-report.json into the package");
  app.add_option("--skip-file", line.skip_file, "tests to leave out (default: rabt-check.yaml)");
  app.add_option("PATH", line.path, "folder of the package");
  app.add_option("--fuzz", line.fuzz_seconds, "seconds that each fuzz test runs")
      ->capture_default_str()
      ->check(CLI::Range(0.0, 86400.0));
  app.add_option("--seed", line.seed, "fixes what is generated")->capture_default_str();
  app.add_option("--previous", line.previous,
                 "package of the release before, for the test semver-bump");
  app.add_option("--examples", line.examples,
                 "folder of examples (default: check/ in the package)");
  app.add_option("--key", line.key, "public key that must have signed the package");
  // The checker starts itself with these for each test; the empty group hides them.
  app.add_option("--one-test", one)->group("");
  app.add_option("--first-case", line.first_case)->group("");
  app.add_option("--process-cases", line.process_cases)->group("");
  CLI11_PARSE(app, argc, argv);
  if (one.empty()) return check_package(line);
  line.only = one;
  return run_one_test(line);
}
