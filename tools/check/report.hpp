#pragma once

#include <string>
#include <vector>

#include "hub/base/clock.hpp"
#include "hub/base/json.hpp"

#include "tools/check/tests.hpp"

namespace rabt::check {

// Rises when a test is added or becomes stricter.
inline constexpr std::string_view kCheckerVersion = "1.1.0";

struct TestResult {
  TestId id{};
  Verdict verdict;
  std::int64_t millis = 0;
};

struct Report {
  std::string plugin;  // id; empty when the manifest cannot be read
  std::string version;
  std::string digest;  // see package_digest
  std::uint64_t seed = 1;
  std::vector<TestResult> results;

  [[nodiscard]] int count(TestStatus status) const;
  // Nothing failed and nothing crashed.
  [[nodiscard]] bool good() const;
};

// The report as check-report.json: docs/plugins/checker.md, Report.
[[nodiscard]] Json to_json(const Report& report, Timestamp when);
// The lines that a person reads.
[[nodiscard]] std::string line_of(const TestResult& result);
[[nodiscard]] std::string summary_of(const Report& report);

}  // namespace rabt::check
