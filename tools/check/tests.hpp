#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

// The tests of `rabt plugin check`: what they are called, what each proves. docs/plugins/checker.md
// lists them.
namespace rabt::check {

enum class Group : std::uint8_t { package, binary, lifecycle, contract, behaviour, privacy, fuzz };

enum class TestId : std::uint8_t {
  manifest_schema,
  schemas_compile,
  sums_complete,
  signature,
  platform_matches_elf,
  semver_bump,
  exports_only_entry,
  loads_rtld_now,
  no_forbidden_imports,
  no_text_relocations,
  relro_now_nx,
  scan_under_100ms,
  entry_equals_manifest,
  create_destroy_100x,
  create_bad_config_says_why,
  two_instances_independent,
  destroy_with_no_calls,
  host_without_optional_services,
  complete_exactly_once,
  refuse_means_no_complete,
  no_late_use_of_bytes,
  no_late_complete,
  cancel_still_completes,
  same_key_same_request,
  quiet_after_destroy,
  outcome_kinds_legal,
  unknown_action,
  deadline_respected,
  output_matches_schema,
  lane_discipline,
  migrate_answers_once,
  same_key_same_effect,
  client_error_is_permanent,
  too_many_has_retry_after,
  timeout_after_send_is_ambiguous,
  connect_refused_is_transient,
  no_phi_in_message,
  no_phi_in_log,
  no_phi_in_metrics,
  input_fuzz,
  http_response_fuzz,
  webhook_fuzz,
};

struct TestInfo {
  TestId id;
  Group group;
  std::string_view name;      // as on the command line and in reports: stable
  std::string_view sentence;  // what holds when it passes
  std::string_view clause;    // A1 to A8 of rabt/abi.h; empty for most
};
// In the order in which they run.
[[nodiscard]] std::span<const TestInfo> all_tests();
[[nodiscard]] const TestInfo& info_of(TestId id);
[[nodiscard]] const TestInfo* find_test(std::string_view name);
[[nodiscard]] std::string_view to_string(Group group);

enum class TestStatus : std::uint8_t { passed, failed, crashed, warning, skipped };
[[nodiscard]] std::string_view to_string(TestStatus status);
[[nodiscard]] std::optional<TestStatus> status_named(std::string_view name);

// Verdict of a test. message names the fault, its place, and the remedy; empty when it passed.
struct Verdict {
  TestStatus status = TestStatus::passed;
  std::string message;
  // The case with which a new process goes on, if a fuzz test's process has run its share of cases.
  // 0 if the test is over.
  std::uint64_t next_case = 0;
};
inline Verdict passed(std::string message = {}) {
  return {TestStatus::passed, std::move(message), 0};
}
inline Verdict failed(std::string message) {
  return {TestStatus::failed, std::move(message), 0};
}
inline Verdict warning(std::string message) {
  return {TestStatus::warning, std::move(message), 0};
}
inline Verdict skipped(std::string message) {
  return {TestStatus::skipped, std::move(message), 0};
}

// Settings and subject of a test.
struct Settings {
  // The package: a folder with manifest.yaml.
  std::string path;
  // The release before, for semver-bump; may be empty.
  std::string previous;
  // The folder of examples; check/ in the package if empty.
  std::string examples;
  // File or text of the public key, for signature; may be empty.
  std::string key;
  std::uint64_t seed = 1;
  // For each fuzz test. With 0 it runs one case, the one that the seed names.
  double fuzz_seconds = 2;
  // The case with which a fuzz test begins.
  std::uint64_t first_case = 0;
  // Number of cases of a fuzz test in one process. Memory that a case gave to the plugin is never
  // used again, so that a late access is seen; a process without a limit would need ever more
  // memory.
  std::uint64_t process_cases = 1000;
};

// Runs one test in this process: maps the library and runs its code. Made for a process of its own.
[[nodiscard]] Verdict run_test(TestId id, const Settings& settings);

}  // namespace rabt::check
