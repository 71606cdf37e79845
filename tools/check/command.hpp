#pragma once

#include <cstdint>
#include <string>

// Command line of the checker.
namespace rabt::check {

struct CommandLine {
  std::string path;  // folder of a package
  bool list = false;
  std::string only;  // a pattern; for run_one_test the name of a test
  bool json = false;
  double fuzz_seconds = 2;
  std::uint64_t seed = 1;
  // Read by run_one_test only.
  std::uint64_t first_case = 0;
  std::uint64_t process_cases = 1000;
  // If empty, rabt-check.yaml is read if the current folder has one.
  std::string skip_file;
  // A package of the release before.
  std::string previous;
  // A folder. If empty, check/ in the package.
  std::string examples;
  // The public key that must have signed the package.
  std::string key;
  bool write_report = false;
};

// Each returns the exit code of the process.

// Checks the package. Returns 0 if no test failed or crashed, 1 if one did, 2 if the package or an
// option is wrong.
int check_package(const CommandLine& request);
// Runs one test in this process, on behalf of check_package in another.
int run_one_test(const CommandLine& request);

}  // namespace rabt::check
