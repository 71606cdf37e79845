#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "hub/base/json.hpp"
#include "hub/base/result.hpp"
#include "hub/workflow/definition.hpp"
#include "hub/workflow/execution.hpp"
#include "hub/workflow/simulate/coverage.hpp"

// Test files of workflows (docs/testing_workflows.md): cases with scripted answers and events, run
// in the simulator. Pure: files are read by the caller.
namespace rabt::workflow {

// Immutable after parsing; safe from any thread.
class TestFile {
 public:
  struct Model;
  explicit TestFile(std::shared_ptr<const Model> model) : model_(std::move(model)) {}

  // Paths as they are written in the file, relative to it: the workflow, then the definitions it
  // may start.
  [[nodiscard]] const std::string& workflow() const;
  [[nodiscard]] const std::vector<std::string>& definitions() const;
  [[nodiscard]] std::vector<std::string> case_names() const;

  [[nodiscard]] const Model& model() const { return *model_; }

 private:
  std::shared_ptr<const Model> model_;
};

struct ParsedTestFile {
  std::shared_ptr<const TestFile> file;  // null when there is an error
  std::vector<Diagnostic> diagnostics;   // in order of line
};
// Never throws.
[[nodiscard]] ParsedTestFile parse_test_file(std::string_view yaml);

struct TestedCase {
  std::string name;
  int line = 0;
  std::string status;  // the instance's: completed, faulted, cancelled, waiting, parked; or
                       // not_started
  std::int64_t duration_ms = 0;
  // Tasks that hold no other tasks, in the order they were started: `ask`, `eligible (yes)`,
  // `reminder (skipped)`.
  std::vector<std::string> path;
  std::vector<std::string> calls;        // payer/check-eligibility, in order
  std::vector<std::string> differences;  // what was expected and did not hold; may have lines
  [[nodiscard]] bool passed() const { return differences.empty(); }
};
struct TestReport {
  std::vector<TestedCase> cases;
  std::vector<CoverageItem> coverage;
  std::size_t covered = 0;
  double percent = 0;
  [[nodiscard]] bool passed() const;
};

struct TestOptions {
  // The name of the only case to run. Empty runs all.
  std::string only;
  // If it is set, the arguments and outputs of calls are compared with the actions' schemas, and
  // ambiguous outcomes are settled by the actions' idempotency.
  const ActionCatalog* catalog = nullptr;
  // Answers a call for which a case has no replies, if it depends on its arguments alone. May be
  // unset.
  std::function<std::optional<ActionOutcome>(const CallAction&)> answer = {};
  // Called after each case that was started, with what was simulated. May be unset.
  std::function<void(const std::string& name, const Simulator& simulator)> played = {};
};
// definitions: the workflow first, then those of TestFile::definitions, in order. Error code
// test.unknown_case.
[[nodiscard]] Result<TestReport> run_tests(
    const TestFile& file, const std::vector<std::shared_ptr<const Definition>>& definitions,
    const TestOptions& options);

// The report for people, as JSON, and as JUnit XML (one testsuite). name: the test file's.
[[nodiscard]] std::string report_text(const TestReport& report, std::string_view name);
[[nodiscard]] Json report_json(const TestReport& report, std::string_view name);
[[nodiscard]] std::string report_junit(const TestReport& report, std::string_view name);

}  // namespace rabt::workflow
