#include <gtest/gtest.h>
#include <re2/re2.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "feature_runner.hpp"
#include "gherkin.hpp"
#include "harness.hpp"
#include "hub/base/bytes.hpp"
#include "stand_in.hpp"

// The specification's conformance kit and the sample workflow, read from RABT_CONFORMANCE_DATA, and
// the features of this project.
namespace rabt::workflow::conformance_test {
namespace {

std::string read(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::stringstream out;
  out << file.rdbuf();
  return out.str();
}

// The outside services of the kit, answered from the table without any network.
ActionOutcome answer_from_table(const CallAction& call) {
  const std::string uri = call.arguments.string_or("uri", "");
  std::string host;
  std::string target;
  EXPECT_TRUE(re2::RE2::FullMatch(uri, "https://([^/]+)(/.*)", &host, &target)) << uri;
  const Json& basic = call.arguments["authentication"]["basic"];
  std::string authorization;
  if (basic.is_object()) {
    const std::string pair =
        basic.string_or("username", "") + ":" + basic.string_or("password", "");
    authorization = "Basic " + to_base64(as_bytes(pair));
  }
  const StandInAnswer found =
      stand_in(call.arguments.string_or("method", ""), host, target, authorization);
  Json body;
  if (!found.body.empty())
    body = found.type == "application/json" ? json(found.body) : Json(found.body);
  return {OutcomeKind::done,
          Json::object({{"status", found.status},
                        {"headers", Json::object({{"content-type", found.type}})},
                        {"body", body}}),
          "",
          "",
          {},
          0};
}

// Runs every feature of a folder; returns how many scenarios it holds.
std::size_t run_features(const std::filesystem::path& folder, const HttpResponder& http) {
  std::vector<std::filesystem::path> files;
  for (const auto& file : std::filesystem::directory_iterator(folder)) {
    if (file.path().extension() == ".feature") files.push_back(file.path());
  }
  std::sort(files.begin(), files.end());
  std::size_t scenarios = 0;
  for (const std::filesystem::path& file : files) {
    const gherkin::Outcome outcome = gherkin::parse(read(file));
    EXPECT_TRUE(outcome.feature.has_value())
        << file << ':' << outcome.fault.line << ": " << outcome.fault.message;
    if (!outcome.feature) continue;
    EXPECT_FALSE(outcome.feature->scenarios.empty()) << file;
    for (const gherkin::Scenario& scenario : outcome.feature->scenarios) {
      ++scenarios;
      for (const std::string& failure : run_scenario(scenario, http)) {
        ADD_FAILURE() << file.filename().string() << ": " << scenario.name << ": " << failure;
      }
    }
  }
  return scenarios;
}

TEST(ConformanceKit, EveryScenarioHolds) {
  const char* data = std::getenv("RABT_CONFORMANCE_DATA");
  if (data == nullptr) GTEST_SKIP() << "RABT_CONFORMANCE_DATA is not set";
  const std::filesystem::path folder = std::filesystem::path(data) / "ctk" / "features";
  if (!std::filesystem::exists(folder)) GTEST_SKIP() << "no ctk/features there";
  const std::size_t scenarios = run_features(folder, &answer_from_table);
  EXPECT_GE(scenarios, 21U);
  std::printf("conformance kit: %zu scenarios\n", scenarios);
}

TEST(Features, EveryScenarioHolds) {
  const char* source = std::getenv("RABT_SOURCE_DIR");
  ASSERT_NE(source, nullptr);
  const std::size_t scenarios =
      run_features(std::filesystem::path(source) / "tests" / "workflow" / "features", nullptr);
  EXPECT_GT(scenarios, 0U);
  std::printf("features: %zu scenarios\n", scenarios);
}

class Consultation : public ::testing::Test {
 protected:
  void SetUp() override {
    const char* data = std::getenv("RABT_CONFORMANCE_DATA");
    if (data == nullptr) GTEST_SKIP() << "RABT_CONFORMANCE_DATA is not set";
    const std::filesystem::path path =
        std::filesystem::path(data) / "workflow" / "consultation.yaml";
    if (!std::filesystem::exists(path)) GTEST_SKIP() << "no workflow/consultation.yaml there";
    const ParsedDefinition result = parse_definition(read(path), nullptr);
    ASSERT_NE(result.definition, nullptr) << all_text(result.diagnostics);
    definition = result.definition;
    for (const Diagnostic& diagnostic : result.diagnostics)
      if (diagnostic.severity != Severity::note)
        warnings.push_back(to_string(diagnostic, "consultation.yaml"));
  }

  Json booked() const {
    return event(
        "org.example.hub.appointment.booked.v1",
        json(R"({"modality":"video","appointment":"A1","startEpoch":1773003600,"patient":"P1",
                          "practitioner":"D1","coverage":"C1"})"),
        "booked");
  }
  // Answers the open call, which must be this action.
  static void answer(Play& run, const std::string& action, const char* output) {
    const CallAction call = run.only<CallAction>();
    ASSERT_EQ(call.action, action);
    run.done(call, json(output));
  }
  static void fire(Play& run, const std::string& purpose) {
    for (const StartTimer& timer : run.opened<StartTimer>()) {
      if (timer.purpose != purpose || timer.due.ms - run.now.ms > 3'600'000) continue;
      return run.fire(timer);
    }
    FAIL() << "no such timer";
  }

  std::shared_ptr<const Definition> definition;
  std::vector<std::string> warnings;
};

TEST_F(Consultation, RunsItsHappyPath) {
  EXPECT_TRUE(definition->starts_on(booked()));
  EXPECT_TRUE(warnings.empty()) << warnings.front();
  Play run(definition, Json::array({booked()}));
  answer(run, "check-eligibility", R"({"outcome":"eligible"})");
  answer(run, "create-session", R"({"id":"S1"})");
  fire(run, "wait");  // 15 minutes before the visit
  EXPECT_EQ(run.now.ms, 1773002700000);
  EXPECT_TRUE(run.offer(event("org.example.hub.session.participant-joined.v1",
                              json(R"({"role":"practitioner","sessionId":"S1"})"), "j1")));
  EXPECT_TRUE(run.offer(event("org.example.hub.session.participant-joined.v1",
                              json(R"({"role":"patient","sessionId":"S1"})"), "j2")));
  answer(run, "start-recording", R"({"id":"R1"})");
  EXPECT_TRUE(run.offer(event("org.example.hub.session.ended.v1",
                              json(R"({"sessionId":"S1","period":{"start":1}})"), "end")));
  answer(run, "get-recording", R"({"blobRef":"b"})");
  answer(run, "encrypt-and-store", R"({"uri":"vault://1"})");
  answer(run, "upsert-encounter", R"({"id":"E1"})");
  answer(run, "submit-claim", R"({"id":"K1"})");
  EXPECT_TRUE(run.offer(event("org.example.hub.claim.adjudicated.v1",
                              json(R"({"claimId":"K1","outcome":"complete"})"), "adj")));
  answer(run, "report-encounter", R"({"id":"M1"})");
  const Json output = run.output();
  EXPECT_EQ(
      output.dump(),
      R"({"consultationId":"01J0000000000000000000TEST","status":"completed","session":"S1","archive":"vault://1",)"
      R"("encounter":"E1","claim":"K1","adjudication":"complete","report":"M1","error":null})");
  EXPECT_TRUE(run.execution.open().empty());
}

TEST_F(Consultation, ANoShowIsCompensatedAndReported) {
  Play run(definition, Json::array({booked()}));
  answer(run, "check-eligibility", R"({"outcome":"eligible"})");
  answer(run, "create-session", R"({"id":"S1"})");
  fire(run, "wait");
  fire(run, "timeout");  // nobody joins
  answer(run, "end-session", "{}");
  answer(run, "report-encounter", R"({"id":"M1"})");
  const Json output = run.output();
  EXPECT_EQ(output["status"].as_string(), "no-show");
  ASSERT_EQ(run.effects<Emit>().size(), 1U);
  EXPECT_EQ(run.effects<Emit>()[0].event["type"].as_string(),
            "org.example.hub.consultation.failed.v1");
}

TEST_F(Consultation, ARefusedClaimIsNotRetriedAndUndone) {
  Play run(definition, Json::array({booked()}));
  const CallAction check = run.only<CallAction>();
  for (int i = 0; i < 3; ++i) {
    run.failed(run.only<CallAction>(), OutcomeKind::transient);
    fire(run, "retry");
  }
  EXPECT_EQ(run.only<CallAction>().attempt, 4);
  EXPECT_EQ(run.only<CallAction>().reference, check.reference);
  answer(run, "check-eligibility", R"({"outcome":"not-covered"})");
  answer(run, "report-encounter", R"({"id":"M1"})");
  EXPECT_EQ(run.output()["status"].as_string(), "not-eligible");
}

}  // namespace
}  // namespace rabt::workflow::conformance_test
