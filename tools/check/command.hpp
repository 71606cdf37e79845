#pragma once

#include <cstdint>
#include <string>

// What a person asks the checker for.
namespace rabt::check {

struct CommandLine {
  std::string path;  // folder of a package
  bool list = false;
  std::string only;  // a pattern; for run_one_test the name of a test
  bool json = false;
  double fuzz_seconds = 2;
  std::uint64_t seed = 1;
  std::uint64_t first_case = 0;        // read by run_one_test only
  std::uint64_t process_cases = 1000;  // read by run_one_test only
  std::string skip_file;               // unset: rabt-check.yaml if the current folder has one
  std::string previous;                // a package of the release before
  std::string examples;                // a folder; unset: check/ in the package
  std::string key;                     // public key that must have signed the package
  bool write_report = false;
};

// Each returns the exit code of the process.

// Checks the package. 0: no test failed or crashed, 1: one did, 2: the package or an option is
// wrong.
int check_package(const CommandLine& request);
// Runs one test in this process, on behalf of check_package in another.
int run_one_test(const CommandLine& request);

}  // namespace rabt::check
