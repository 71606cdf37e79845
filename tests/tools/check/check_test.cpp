#include <gtest/gtest.h>
#include <sys/wait.h>

#include <array>
#include <cstdio>
#include <filesystem>
#include <fstream>

#include "hub/base/json.hpp"
#include "hub/worker/sandbox.hpp"
#include "tests/must.hpp"
#include "tools/check/elf_file.hpp"
#include "tools/check/report.hpp"
#include "tools/check/runner.hpp"
#include "tools/check/subject.hpp"

namespace rabt::check::check_test {
namespace {

std::string build_dir() {
  const char* value = std::getenv("RABT_BUILD_DIR");
  return value == nullptr ? "." : value;
}
std::string source_dir() {
  const char* value = std::getenv("RABT_SOURCE_DIR");
  return value == nullptr ? "." : value;
}

RunOptions options_for(const std::string& package) {
  RunOptions options;
  options.settings.path = package;
  options.settings.fuzz_seconds = 0.5;
  options.program = build_dir() + "/bin/rabt-plugin-check";
  options.time_limit = std::chrono::seconds(120);  // the machine may be busy with other tests
  return options;
}

// name is anchored: one test.
TestResult one(RunOptions options, const std::string& name) {
  options.only = "^" + name + "$";
  const auto report = run(options, nullptr);
  EXPECT_TRUE(report.ok()) << name;
  if (!report.ok() || report->results.size() != 1) return {};
  return report->results.front();
}

std::string lines_of(const Report& report) {
  std::string out;
  for (const TestResult& result : report.results) out += line_of(result);
  return out;
}

struct Wrong {
  const char* plugin;  // under <build>/wrong/
  const char* test;
  TestStatus status;
  const char* words;  // of the message
  friend std::ostream& operator<<(std::ostream& out, const Wrong& w) { return out << w.plugin; }
};
class AWrongPlugin : public ::testing::TestWithParam<Wrong> {};

TEST_P(AWrongPlugin, FailsTheTestOfWhatItBreaks) {
  const Wrong& wrong = GetParam();
  if (worker::sanitized() && wrong.plugin == std::string_view("leak"))
    GTEST_SKIP() << "the sanitizer reports the leak at the end of the process";
  const TestResult result = one(options_for(build_dir() + "/wrong/" + wrong.plugin), wrong.test);
  EXPECT_EQ(to_string(result.verdict.status), to_string(wrong.status)) << result.verdict.message;
  // The sanitizer ends the process before the signal does.
  if (worker::sanitized() && wrong.status == TestStatus::crashed) return;
  EXPECT_NE(result.verdict.message.find(wrong.words), std::string::npos) << result.verdict.message;
}

constexpr TestStatus kFailed = TestStatus::failed;
constexpr TestStatus kWarning = TestStatus::warning;
constexpr TestStatus kCrashed = TestStatus::crashed;
INSTANTIATE_TEST_SUITE_P(
    Clauses, AWrongPlugin,
    ::testing::Values(
        Wrong{"never", "complete-exactly-once", kFailed, "A1: the call was accepted and never"},
        Wrong{"twice", "complete-exactly-once", kFailed, "A1: complete() came 2 times"},
        Wrong{"refuses", "refuse-means-no-complete", kFailed, "A2: invoke refused the call"},
        Wrong{"late_bytes", "no-late-use-of-bytes", kFailed, "A3: the plugin read the bytes"},
        Wrong{"late_complete", "no-late-complete", kFailed, "A4: complete() came again"},
        Wrong{"cancel_forgotten", "cancel-still-completes", kFailed, "A5: create 1.0.0"},
        Wrong{"key", "same-key-same-request", kFailed, "A6: create 1.0.0"},
        Wrong{"after_destroy", "quiet-after-destroy", kFailed, "A7: the plugin used its host"},
        Wrong{"destroy_slow", "quiet-after-destroy", kFailed, "A7: destroy after"},
        Wrong{"kind", "outcome-kinds-legal", kFailed, "A8: the outcome's kind 77"},
        Wrong{"blind", "timeout-after-send-is-ambiguous", kFailed, "was sent again"},
        Wrong{"lost_transient", "timeout-after-send-is-ambiguous", kFailed, "answer ambiguous"}),
    [](const auto& each) { return std::string(each.param.plugin); });

INSTANTIATE_TEST_SUITE_P(
    Others, AWrongPlugin,
    ::testing::Values(
        Wrong{"unknown", "unknown-action", kFailed, "answer permanent"},
        Wrong{"unwritten", "unknown-action", kFailed,
              "create 1.0.0 is answered like an action that the plugin does not have"},
        Wrong{"unwritten_named", "unknown-action", kFailed,
              "create 1.0.0 is answered like an action that the plugin does not have"},
        Wrong{"deadline", "deadline-respected", kFailed, "after its deadline"},
        Wrong{"output", "output-matches-schema", kFailed, "does not fit the action's schema"},
        Wrong{"lane", "lane-discipline", kFailed, "invoke held the lane"},
        Wrong{"migrate", "migrate-answers-once", kFailed, "said why 0 times"},
        Wrong{"migrate_twice", "migrate-answers-once", kFailed, "a configuration 2 times"},
        Wrong{"migrate_schema", "migrate-answers-once", kFailed, "does not fit the manifest"},
        Wrong{"migrate_changes", "migrate-answers-once", kFailed, "something else the second time"},
        Wrong{"client_error", "4xx-is-permanent", kFailed, "answer permanent"},
        Wrong{"retry_after", "429-has-retry-after", kFailed, "retry_after_ms is 0"},
        Wrong{"connect", "connect-refused-is-transient", kFailed, "answer transient"},
        Wrong{"phi_message", "no-phi-in-message", kFailed, "the outcome's message"},
        Wrong{"phi_log", "no-phi-in-log", kFailed, "the log entry wrong.refused"},
        Wrong{"phi_metrics", "no-phi-in-metrics", kFailed, "calls"},
        Wrong{"input", "input-fuzz", kCrashed, "SIGSEGV"},
        Wrong{"response", "http-response-fuzz", kCrashed, "SIGSEGV"},
        Wrong{"webhook", "webhook-fuzz", kFailed, "a type that the manifest does not have"},
        Wrong{"leak", "create-destroy-100x", kFailed, "bytes behind"},
        Wrong{"silent", "create-bad-config-says-why", kFailed, "error 0 times"},
        Wrong{"create_crashes", "create-bad-config-says-why", kCrashed, "SIGSEGV"},
        Wrong{"two_instances", "two-instances-independent", kFailed, "two instances"},
        Wrong{"destroy_slow", "destroy-with-no-calls", kFailed, "longer than a second"},
        Wrong{"services", "host-without-optional-services", kCrashed, "SIGSEGV"},
        Wrong{"exit", "complete-exactly-once", kCrashed, "ended with status 0"},
        Wrong{"scan", "scan-under-100ms", kFailed, "static constructors"},
        Wrong{"import", "no-forbidden-imports", kFailed, "system (a plugin starts no programs)"},
        Wrong{"export", "exports-only-entry", kFailed, "wrong_export"},
        Wrong{"no_entry", "exports-only-entry", kFailed, "RABT_PLUGIN"},
        Wrong{"stack", "relro-now-nx", kFailed, "executable stack"},
        Wrong{"text", "no-text-relocations", kFailed, "text relocations"},
        Wrong{"lazy", "relro-now-nx", kFailed, "binds symbols late"},
        Wrong{"entry", "entry-equals-manifest", kFailed, "somebody-else"},
        Wrong{"unresolved", "loads-rtld-now", kFailed, "cannot be mapped"},
        Wrong{"key", "same-key-same-effect", kFailed, "the effect would happen twice"},
        Wrong{"no_key", "same-key-same-request", kWarning, "same requests under another key"},
        Wrong{"no_key", "same-key-same-effect", kWarning, "same requests under another key"}),
    [](const auto& each) {
      std::string name = std::string(each.param.plugin) + "_" + each.param.test;
      std::replace(name.begin(), name.end(), '-', '_');
      return name;
    });

class AGoodPlugin : public ::testing::TestWithParam<const char*> {};
TEST_P(AGoodPlugin, FailsNothing) {
  const auto report = run(options_for(build_dir() + "/wrong/" + GetParam()), nullptr);
  ASSERT_TRUE(report.ok());
  EXPECT_TRUE(report->good()) << lines_of(*report);
  for (const TestResult& result : report->results)
    EXPECT_NE(result.verdict.status, TestStatus::warning) << line_of(result);
  // Only tests that need more (a signature, an earlier release) are skipped.
  for (const TestResult& result : report->results) {
    if (result.verdict.status != TestStatus::skipped) continue;
    const std::string_view name = info_of(result.id).name;
    const bool expected =
        name == "migrate-answers-once" || name == "sums-complete" || name == "signature" ||
        name == "semver-bump" ||
        (std::string_view(GetParam()) == "good" && name.starts_with("same-key")) ||
        // its calls succeed although an answer got lost
        (std::string_view(GetParam()) == "good-retry" && name == "same-key-same-effect");
    EXPECT_TRUE(expected) << line_of(result);
  }
}
INSTANTIATE_TEST_SUITE_P(All, AGoodPlugin, ::testing::Values("good", "good-key", "good-retry"),
                         [](const auto& each) {
                           std::string name = each.param;
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name;
                         });

// The engines of speech to text were said to leave some 100 bytes an instance behind. They free
// everything: the allocator kept free blocks for its thread and counted them as used. Blocks of
// another size in each instance are kept so, too.
TEST(CreateDestroy, WhatTheAllocatorKeepsIsNotWhatAPluginLeaves) {
  const TestResult result =
      one(options_for(build_dir() + "/wrong/good-sizes"), "create-destroy-100x");
  EXPECT_EQ(result.verdict.status, TestStatus::passed) << result.verdict.message;
}

TEST(Migrate, AGoodPluginTakesOverWhatItShould) {
  RunOptions options = options_for(build_dir() + "/wrong/good-migrate");
  const TestResult alone = one(options, "migrate-answers-once");
  EXPECT_EQ(alone.verdict.status, TestStatus::passed) << alone.verdict.message;
  options.settings.previous = build_dir() + "/wrong/good";
  const TestResult both = one(options, "migrate-answers-once");
  EXPECT_EQ(both.verdict.status, TestStatus::passed) << both.verdict.message;
  EXPECT_NE(both.verdict.message.find("of the release before"), std::string::npos);
  EXPECT_EQ(one(options_for(build_dir() + "/wrong/good"), "migrate-answers-once").verdict.status,
            TestStatus::skipped);
}

// Their own threads take most of a second for the first call of each test, in real time.
class APluginWithThreads : public ::testing::TestWithParam<const char*> {};
TEST_P(APluginWithThreads, IsWaitedForAndVirtualTimeStandsStillMeanwhile) {
  RunOptions options = options_for(build_dir() + "/wrong/good-" + GetParam());
  options.only =
      "^(complete-exactly-once|no-late-complete|cancel-still-completes|outcome-kinds-legal|"
      "deadline-respected|output-matches-schema|connect-refused-is-transient|input-fuzz)$";
  const auto report = run(options, nullptr);
  ASSERT_TRUE(report.ok());
  EXPECT_EQ(report->results.size(), 8U);
  for (const TestResult& result : report->results)
    EXPECT_EQ(result.verdict.status, TestStatus::passed) << line_of(result);
}
INSTANTIATE_TEST_SUITE_P(All, APluginWithThreads, ::testing::Values("thread", "watched"),
                         [](const auto& each) { return std::string(each.param); });

// The shipped plugins.
class AShippedPlugin : public ::testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    if (!std::filesystem::exists(package()))
      GTEST_SKIP() << "this build has no plugin " << GetParam();
  }
  static std::string package() { return build_dir() + "/plugins/" + GetParam(); }
  static RunOptions as_built() {
    RunOptions options = options_for(package());
    // An engine of speech to text reads its model anew for each instance.
    options.time_limit = std::chrono::seconds(900);
    return options;
  }
};

// With the examples beside their sources nothing that could be tested is left out.
TEST_P(AShippedPlugin, FailsNothing) {
  RunOptions options = as_built();
  options.settings.examples = source_dir() + "/plugins/" + GetParam() + "/check";
  const auto report = run(options, nullptr);
  ASSERT_TRUE(report.ok());
  EXPECT_TRUE(report->good()) << lines_of(*report);
  // Skipped tests have nothing to test: the package is not signed, there was no earlier release
  // whose configuration would be migrated, nothing is marked as patient data, no deliveries are
  // taken, there are no actions.
  const auto subject = Subject::open(options.settings);
  ASSERT_TRUE(subject.ok()) << subject.error().message;
  const auto& actions = subject->package().actions;
  const bool marked = std::any_of(actions.begin(), actions.end(),
                                  [](const auto& action) { return !action.marked.empty(); });
  for (const TestResult& result : report->results) {
    if (result.verdict.status != TestStatus::skipped) continue;
    const std::string_view name = info_of(result.id).name;
    EXPECT_TRUE(name == "sums-complete" || name == "signature" || name == "semver-bump" ||
                name == "migrate-answers-once" || (name.starts_with("no-phi-") && !marked) ||
                (name == "webhook-fuzz" && subject->manifest().events.empty()) ||
                (actions.empty() && name != "webhook-fuzz"))
        << line_of(result);
  }
  for (const auto& action : actions) {
    EXPECT_TRUE(
        std::any_of(subject->examples().begin(), subject->examples().end(),
                    [&](const Example& example) { return example.action == action.spec.name; }))
        << "no example of " << action.spec.name;
  }
  EXPECT_EQ(subject->deliveries().empty(), subject->manifest().events.empty());
}

// A hospital checks the package that it got: without the examples, by its schemas alone.
TEST_P(AShippedPlugin, FailsNothingAsItIsBuilt) {
  ASSERT_FALSE(std::filesystem::exists(package() + "/check")) << "examples are in the package";
  const auto report = run(as_built(), nullptr);
  ASSERT_TRUE(report.ok());
  EXPECT_TRUE(report->good()) << lines_of(*report);
  EXPECT_GT(std::count_if(report->results.begin(), report->results.end(),
                          [](const TestResult& result) {
                            return result.verdict.status == TestStatus::passed;
                          }),
            15);
}

INSTANTIATE_TEST_SUITE_P(All, AShippedPlugin,
                         ::testing::Values("twilio", "chime", "janus", "fhir", "hl7v2", "mapped",
                                           "nphies", "moh", "notify"),
                         [](const auto& each) { return std::string(each.param); });
// Minutes each.
INSTANTIATE_TEST_SUITE_P(Slow, AShippedPlugin, ::testing::Values("pocketsphinx", "whisper"),
                         [](const auto& each) { return std::string(each.param); });

TEST(Hello, TheExampleOfTheSdkFailsNothing) {
  RunOptions options = options_for(build_dir() + "/fixtures/hello");
  const auto report = run(options, nullptr);
  ASSERT_TRUE(report.ok());
  EXPECT_TRUE(report->good()) << lines_of(*report);
}

struct Bump {
  const char* name;
  const char* version;  // of the plugin now; 1.0.0 before
  const char* actions;  // now; before: {name: a, version: 1.0.0, input requires text x, output n}
  const char* words;    // of the message; empty: passes
  friend std::ostream& operator<<(std::ostream& out, const Bump& b) { return out << b.name; }
};
class SemverBump : public ::testing::TestWithParam<Bump> {
 protected:
  static std::string package(const std::string& version, const std::string& actions) {
    static int number = 0;
    const std::string folder = ::testing::TempDir() + "rabt-bump-" + std::to_string(::getpid()) +
                               "-" + std::to_string(++number);
    std::filesystem::create_directories(folder);
    std::ofstream(folder + "/manifest.yaml")
        << "id: bump\nversion: " << version
        << "\nabi: {major: 1, min_minor: 0}\nvendor: {name: Tests}\nactions:\n"
        << actions;
    return folder;
  }
};
constexpr const char* kBefore =
    "  - {name: a, version: 1.0.0, idempotency: none, input: {type: object, required: [x], "
    "properties: {x: {type: string, maxLength: 9}}}, output: {type: object, properties: {n: {type: "
    "integer}}}}\n";
TEST_P(SemverBump, SaysWhichNumberHasToRise) {
  const std::string before = package("1.0.0", kBefore);
  const std::string now = package(GetParam().version, GetParam().actions);
  RunOptions options = options_for(now);
  options.settings.previous = before;
  const TestResult result = one(options, "semver-bump");
  const std::string words = GetParam().words;
  EXPECT_EQ(result.verdict.status, words.empty() ? TestStatus::passed : TestStatus::failed)
      << result.verdict.message;
  EXPECT_NE(result.verdict.message.find(words), std::string::npos) << result.verdict.message;
  std::filesystem::remove_all(before);
  std::filesystem::remove_all(now);
}
INSTANTIATE_TEST_SUITE_P(
    All, SemverBump,
    ::testing::Values(
        Bump{"unchanged", "1.0.1", kBefore, ""},
        Bump{"not_newer", "1.0.0", kBefore, "does not come after"},
        Bump{"wider", "1.1.0",
             "  - {name: a, version: 1.1.0, idempotency: none, input: {type: object, required: "
             "[x], properties: {x: {type: string, maxLength: 20}, y: {type: integer}}}, output: "
             "{type: object, properties: {n: {type: integer}}}}\n",
             ""},
        Bump{"an_optional_argument_with_a_patch", "1.1.0",
             "  - {name: a, version: 1.0.1, idempotency: none, input: {type: object, required: "
             "[x], properties: {x: {type: string, maxLength: 9}, y: {type: integer}}}, output: "
             "{type: object, properties: {n: {type: integer}}}}\n",
             "it takes /y"},
        Bump{"a_wider_bound_with_a_patch", "1.1.0",
             "  - {name: a, version: 1.0.1, idempotency: none, input: {type: object, required: "
             "[x], properties: {x: {type: string, maxLength: 20}}}, output: {type: object, "
             "properties: {n: {type: integer}}}}\n",
             "raise the action's minor version"},
        Bump{"another_idempotency_with_a_patch", "1.0.1",
             "  - {name: a, version: 1.0.1, idempotency: native, input: {type: object, required: "
             "[x], properties: {x: {type: string, maxLength: 9}}}, output: {type: object, "
             "properties: {n: {type: integer}}}}\n",
             ""},
        Bump{"the_plugin_rises_less_than_its_action", "1.0.1",
             "  - {name: a, version: 1.1.0, idempotency: none, input: {type: object, required: "
             "[x], properties: {x: {type: string, maxLength: 20}}}, output: {type: object, "
             "properties: {n: {type: integer}}}}\n",
             "raise the plugin's minor version"},
        Bump{"a_new_action_with_a_patch", "1.0.1",
             "  - {name: b, version: 1.0.0, idempotency: none}\n"
             "  - {name: a, version: 1.0.0, idempotency: none, input: {type: object, required: "
             "[x], properties: {x: {type: string, maxLength: 9}}}, output: {type: object, "
             "properties: {n: {type: integer}}}}\n",
             "is new"},
        Bump{"changed_and_kept_its_version", "1.1.0",
             "  - {name: a, version: 1.0.0, idempotency: none, input: {type: object, required: "
             "[x], properties: {x: {type: string, maxLength: 20}}}, output: {type: object, "
             "properties: {n: {type: integer}}}}\n",
             "kept its version"},
        Bump{"narrower", "1.1.0",
             "  - {name: a, version: 1.1.0, idempotency: none, input: {type: object, required: "
             "[x], properties: {x: {type: string, maxLength: 2}}}, output: {type: object, "
             "properties: {n: {type: integer}}}}\n",
             "/x"},
        Bump{"newly_required", "1.1.0",
             "  - {name: a, version: 1.1.0, idempotency: none, input: {type: object, required: "
             "[x, y], properties: {x: {type: string, maxLength: 9}}}, output: {type: object, "
             "properties: {n: {type: integer}}}}\n",
             "is refused now"},
        Bump{"another_output", "1.1.0",
             "  - {name: a, version: 1.1.0, idempotency: none, input: {type: object, required: "
             "[x], properties: {x: {type: string, maxLength: 9}}}, output: {type: object, "
             "required: [n], properties: {n: {type: string}}}}\n",
             "an output of now"},
        Bump{"gone", "1.1.0", "  - {name: b, version: 1.0.0, idempotency: none}\n",
             "nothing serves a 1.0.0"},
        Bump{"gone_with_a_major", "2.0.0", "  - {name: b, version: 1.0.0, idempotency: none}\n",
             ""}),
    [](const auto& each) { return std::string(each.param.name); });

TEST(Fuzz, ThePrintedSeedIsTheCase) {
  RunOptions options = options_for(build_dir() + "/wrong/input");
  options.settings.fuzz_seconds = 20;
  const TestResult first = one(options, "input-fuzz");
  ASSERT_EQ(first.verdict.status, TestStatus::crashed) << first.verdict.message;
  const auto at = first.verdict.message.rfind("--seed ");
  ASSERT_NE(at, std::string::npos) << first.verdict.message;
  options.settings.seed = std::stoull(first.verdict.message.substr(at + 7));
  options.settings.fuzz_seconds = 0;  // that case alone
  EXPECT_EQ(one(options, "input-fuzz").verdict.status, TestStatus::crashed);
}

// A process keeps every page that it lent, so that long fuzzing needs several.
TEST(Fuzz, GoesOnInANewProcessAfterSomeCases) {
  RunOptions options = options_for(build_dir() + "/wrong/good");
  options.settings.fuzz_seconds = 3;
  options.settings.process_cases = 3;
  for (const char* test : {"input-fuzz", "http-response-fuzz", "webhook-fuzz"}) {
    const TestResult result = one(options, test);
    EXPECT_EQ(result.verdict.status, TestStatus::passed) << result.verdict.message;
    unsigned long long cases = 0;
    unsigned processes = 0;
    ASSERT_EQ(std::sscanf(result.verdict.message.c_str(), "%llu cases from seed 1, in %u processes",
                          &cases, &processes),
              2)
        << result.verdict.message;
    EXPECT_GT(processes, 1U);
    EXPECT_GT(cases, 3U * (processes - 1));
    EXPECT_LE(cases, 3U * processes);
  }
}

TEST(Fuzz, ACaseOfALaterProcessIsNamedByItsSeed) {
  RunOptions options = options_for(build_dir() + "/wrong/input");
  options.settings.fuzz_seconds = 20;
  options.settings.process_cases = 1;
  options.settings.seed = 6;
  const TestResult first = one(options, "input-fuzz");
  ASSERT_EQ(first.verdict.status, TestStatus::crashed) << first.verdict.message;
  const auto at = first.verdict.message.rfind("--seed ");
  ASSERT_NE(at, std::string::npos) << first.verdict.message;
  options.settings.seed = std::stoull(first.verdict.message.substr(at + 7));
  options.settings.fuzz_seconds = 0;  // that case alone
  EXPECT_EQ(one(options, "input-fuzz").verdict.status, TestStatus::crashed);
}

TEST(Runner, ATestThatHangsIsKilled) {
  RunOptions options = options_for(build_dir() + "/wrong/destroy_slow");
  options.time_limit = std::chrono::seconds(1);
  const TestResult result = one(options, "quiet-after-destroy");
  EXPECT_EQ(result.verdict.status, TestStatus::crashed);
  EXPECT_NE(result.verdict.message.find("did not end within 1 s"), std::string::npos)
      << result.verdict.message;
}

TEST(Runner, SaysWhatOnlyAsksFor) {
  RunOptions options = options_for(build_dir() + "/wrong/good");
  options.only = "no-such-test";
  EXPECT_EQ(run(options, nullptr).error().code, "check.only");
  options.only = "(";
  EXPECT_EQ(run(options, nullptr).error().code, "check.only");
}

TEST(Runner, TellsWhatIsNoPackage) {
  const TestResult result = one(options_for("/nonexistent"), "manifest-schema");
  EXPECT_EQ(result.verdict.status, TestStatus::failed);
  EXPECT_EQ(one(options_for("/nonexistent"), "loads-rtld-now").verdict.status, TestStatus::skipped);
}

// Signed, then changed, with a key of its own.
class Signed : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = ::testing::TempDir() + "rabt-signed-" + std::to_string(::getpid());
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_);
    std::filesystem::copy(build_dir() + "/wrong/good", package(),
                          std::filesystem::copy_options::recursive);
    std::ofstream(package() + "/LICENSE") << "as you like";
    const std::string rabt = build_dir() + "/bin/rabt plugin ";
    ASSERT_EQ(
        std::system((rabt + "keys generate --no-password " + folder_ + "/a.key >/dev/null && " +
                     rabt + "keys generate --no-password " + folder_ + "/b.key >/dev/null && " +
                     rabt + "sign --key " + folder_ + "/a.key " + package() + " >/dev/null")
                        .c_str()),
        0);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  [[nodiscard]] std::string package() const { return folder_ + "/wrong-good-1.0.0.rabtplugin"; }
  TestResult run_one(const std::string& test, const std::string& key = "") {
    RunOptions options = options_for(package());
    if (!key.empty()) options.settings.key = folder_ + "/" + key;
    return one(options, test);
  }
  std::string folder_;
};

TEST_F(Signed, PassesWithTheKeyThatSigned) {
  EXPECT_EQ(run_one("sums-complete").verdict.status, TestStatus::passed);
  EXPECT_EQ(run_one("signature", "a.pub").verdict.status, TestStatus::passed)
      << run_one("signature", "a.pub").verdict.message;
  EXPECT_EQ(run_one("signature").verdict.status, TestStatus::skipped);
  EXPECT_EQ(run_one("signature", "b.pub").verdict.status, TestStatus::failed);
}

TEST_F(Signed, FailsWhenAFileWasChangedAddedOrTakenAway) {
  std::ofstream(package() + "/LICENSE", std::ios::app) << "!";
  EXPECT_NE(run_one("sums-complete").verdict.message.find("LICENSE is not the file"),
            std::string::npos);
  EXPECT_EQ(run_one("signature", "a.pub").verdict.status, TestStatus::passed);  // of the sums
  std::ofstream(package() + "/SHA256SUMS", std::ios::app) << " ";
  EXPECT_EQ(run_one("signature", "a.pub").verdict.status, TestStatus::failed);
}

TEST_F(Signed, FailsWhenAFileIsNotListedOrNotThere) {
  std::ofstream(package() + "/more") << "x";
  EXPECT_NE(run_one("sums-complete").verdict.message.find("more has no line"), std::string::npos);
  std::filesystem::remove(package() + "/more");
  std::filesystem::remove(package() + "/LICENSE");
  EXPECT_NE(run_one("sums-complete").verdict.message.find("names LICENSE"), std::string::npos);
}

class SkipFile : public ::testing::Test {
 protected:
  void SetUp() override {
    path_ = ::testing::TempDir() + "rabt-check-" + std::to_string(::getpid()) + ".yaml";
  }
  void TearDown() override { std::filesystem::remove(path_); }
  Result<std::map<std::string, std::string>> read(const std::string& text) {
    std::ofstream(path_) << text;
    return read_skip_file(path_);
  }
  std::string path_;
};

TEST_F(SkipFile, SwitchesTestsOffAndSaysWhy) {
  const auto skip =
      read("skip:\n  - test: 4xx-is-permanent\n    reason: it answers 400 for busy\n");
  ASSERT_TRUE(skip.ok()) << skip.error().message;
  RunOptions options = options_for(build_dir() + "/wrong/client_error");
  options.skip = *skip;
  const TestResult result = one(options, "4xx-is-permanent");
  EXPECT_EQ(result.verdict.status, TestStatus::skipped);
  EXPECT_EQ(result.verdict.message, "switched off: it answers 400 for busy");
}

TEST_F(SkipFile, NamesTheLineOfWhatIsWrong) {
  const auto message = [&](const std::string& text) {
    const auto result = read(text);
    return result.ok() ? "ok" : result.error().message;
  };
  EXPECT_NE(
      message("skip:\n  - test: 4xx-is-permanet\n    reason: x\n").find(":2: there is no test"),
      std::string::npos);
  EXPECT_NE(message("skip:\n  - test: unknown-action\n").find(":2: each entry needs"),
            std::string::npos);
  EXPECT_NE(message("leave: []\n").find("unknown key"), std::string::npos);
  EXPECT_EQ(message(""), "ok");
}

TEST(Report, HoldsEachTestAndTheDigestOfWhatWasChecked) {
  RunOptions options = options_for(build_dir() + "/wrong/good");
  options.only = "-schema$";
  const auto report = run(options, nullptr);
  ASSERT_TRUE(report.ok());
  const Json json = to_json(*report, {1'775'023'201'000});
  EXPECT_EQ(json.string_or("checkerVersion", ""), kCheckerVersion);
  EXPECT_EQ(json.string_or("date", ""), "2026-04-01T06:00:01.000Z");
  EXPECT_EQ(json.string_or("plugin", ""), "wrong-good");
  EXPECT_EQ(json["tests"].item(0).string_or("id", ""), "manifest-schema");
  EXPECT_EQ(json["tests"].item(0).string_or("status", ""), "passed");
  EXPECT_EQ(json["counts"].int_or("failed", -1), 0);
  EXPECT_EQ(json.string_or("packageDigest", ""),
            plugin::digest_of(test::must(plugin::PackageFiles::read(build_dir() + "/wrong/good"))));
  EXPECT_EQ(json.string_or("packageDigest", "").size(), 64U);
}

// The digest, made by a program that is not ours.
TEST(Report, TheDigestIsThatOfSha256sum) {
  const std::string folder = build_dir() + "/wrong/good";
  const std::string line =
      "cd '" + folder +
      "' && find . -type f -printf '%P\\n' | LC_ALL=C sort | xargs sha256sum | "
      "sha256sum | cut -d' ' -f1";
  FILE* pipe = ::popen(line.c_str(), "r");
  ASSERT_NE(pipe, nullptr);
  std::array<char, 128> text{};
  ASSERT_NE(std::fgets(text.data(), text.size(), pipe), nullptr);
  ::pclose(pipe);
  EXPECT_EQ(std::string(text.data()).substr(0, 64),
            plugin::digest_of(test::must(plugin::PackageFiles::read(folder))));
}

TEST(ElfFile, RefusesWhatIsCutOrNoLibrary) {
  std::ifstream in(build_dir() + "/wrong/good/bin/" + std::string(plugin::kPlatform) + "/plugin.so",
                   std::ios::binary);
  const std::string bytes((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
  ASSERT_TRUE(ElfFile::parse(bytes).ok());
  EXPECT_FALSE(ElfFile::parse("").ok());
  EXPECT_FALSE(ElfFile::parse("\x7f"
                              "ELF")
                   .ok());
  for (std::size_t size = 0; size < bytes.size(); size += 1 + bytes.size() / 300)
    static_cast<void>(ElfFile::parse(std::string_view(bytes).substr(0, size)));
  EXPECT_FALSE(ElfFile::parse(std::string_view(bytes).substr(0, bytes.size() / 2)).ok());
  // Any byte of the header may lie.
  for (std::size_t i = 0; i < 64; ++i) {
    for (const char value : {'\x00', '\x7f', '\xff'}) {
      std::string other = bytes;
      other[i] = value;
      static_cast<void>(ElfFile::parse(other));
    }
  }
}

}  // namespace
}  // namespace rabt::check::check_test
