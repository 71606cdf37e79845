#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <string>

#include "hub/base/result.hpp"
#include "tools/check/report.hpp"
#include "tools/check/tests.hpp"

// Runs tests, each in a child process of its own with a time limit and limits of the kernel.
namespace rabt::check {

struct RunOptions {
  Settings settings;
  // An ECMA-262 pattern that is searched in the test's name. All tests run if it is empty.
  std::string only;
  // Test names, each with the reason why it is switched off.
  std::map<std::string, std::string> skip;
  // The program that runs one test, with the arguments of child_arguments(); this one if empty.
  std::string program;
  // For one test, beside the seconds that fuzzing is given.
  std::chrono::seconds time_limit{60};
};

// tests: skip: [{test: NAME, reason: TEXT}] of a rabt-check.yaml. Error code: check.skip_file (with
// the line).
[[nodiscard]] Result<std::map<std::string, std::string>> read_skip_file(const std::string& path);

// told is called after each test, in order. Errors: check.only (no pattern, or no test has it).
// That a test fails is no error.
[[nodiscard]] Result<Report> run(const RunOptions& options,
                                 const std::function<void(const TestResult&)>& told);

// The child's side of run(): limits this process, runs one test, writes the verdict to descriptor 3
// and returns the exit status.
int run_as_child(TestId id, const Settings& settings);

}  // namespace rabt::check
