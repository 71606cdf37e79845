#include "hub/args/args.hpp"
#include "tools/check/command.hpp"

// `rabt plugin check`: tests the package of a plugin.
int main(int argc, char** argv) {
  rabt::check::CommandLine line;
  std::string one_test;
  rabt::args::Program app("Test a package; see docs/plugins/checker.md", "rabt plugin check");
  app.add_flag("--list", line.list, "List the tests and what each of them proves");
  app.add_option("--only", line.only, "Run only the tests whose names contain this pattern");
  app.add_flag("--json", line.json, "Print the report as JSON");
  app.add_flag("--write-report", line.write_report, "Write check-report.json into the package");
  app.add_option("--skip-file", line.skip_file,
                 "File that names tests to leave out (default: rabt-check.yaml)");
  app.add_option("PATH", line.path, "Folder of the package");
  app.add_option("--fuzz", line.fuzz_seconds, "Seconds that each fuzz test runs")
      ->capture_default_str()
      ->between(0.0, 86400.0);
  app.add_option("--seed", line.seed, "Seed of everything that is generated")
      ->capture_default_str();
  app.add_option("--previous", line.previous,
                 "Package of the previous release, which the test semver-bump compares");
  app.add_option("--examples", line.examples,
                 "Folder of examples (default: check/ in the package)");
  app.add_option("--key", line.key, "Public key that the package must be signed with");
  // The checker starts itself with these for each test. The help does not show them.
  app.add_option("--one-test", one_test, "")->hide();
  app.add_option("--first-case", line.first_case, "")->hide();
  app.add_option("--process-cases", line.process_cases, "")->hide();
  if (const auto ended = app.parse(argc, argv)) return *ended;
  if (one_test.empty()) return rabt::check::check_package(line);
  line.only = one_test;
  return rabt::check::run_one_test(line);
}
