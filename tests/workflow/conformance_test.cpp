#include <gtest/gtest.h>
#include <re2/re2.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>

#include "harness.hpp"
#include "hub/workflow/yaml.hpp"

// The specification's conformance kit and the sample workflow, read from RABT_CONFORMANCE_DATA.
namespace rabt::workflow {
namespace {

std::string read(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::stringstream out;
  out << file.rdbuf();
  return out.str();
}

struct Step {
  std::string text;
  std::string block;  // the text between """ lines
};
struct Scenario {
  std::string name;
  std::vector<Step> steps;
};

// The part of Gherkin that the kit uses: scenarios, steps, doc strings, comments.
std::vector<Scenario> scenarios(const std::string& text) {
  std::vector<Scenario> out;
  std::istringstream lines(text);
  std::string line;
  bool in_block = false;
  std::size_t indent = 0;
  while (std::getline(lines, line)) {
    if (!line.empty() && line.back() == '\r') line.pop_back();
    const std::size_t start = line.find_first_not_of(' ');
    const std::string body = start == std::string::npos ? "" : line.substr(start);
    if (body.starts_with("\"\"\"")) {
      in_block = !in_block;
      indent = start;
    } else if (in_block) {
      out.back().steps.back().block +=
          (line.size() > indent ? line.substr(indent) : std::string()) + '\n';
    } else if (body.starts_with("Scenario:")) {
      out.push_back({body.substr(10), {}});
    } else if (!out.empty()) {
      for (const std::string word : {"Given ", "When ", "Then ", "And "}) {
        if (body.starts_with(word)) out.back().steps.push_back({body.substr(word.size()), ""});
      }
    }
  }
  return out;
}

Json from_yaml(const std::string& text) {
  const YamlOutcome outcome = parse_yaml(text);
  EXPECT_NE(outcome.root, nullptr) << outcome.fault.message;
  return outcome.root ? to_json(*outcome.root) : Json();
}

const Json* at_path(const Json& value, const std::string& path) {
  const Json* found = &value;
  std::istringstream parts(path);
  std::string part;
  while (std::getline(parts, part, '.')) {
    found = found->find(part);
    if (found == nullptr) return nullptr;
  }
  return found;
}

std::vector<std::string> quoted(const std::string& text) {
  std::vector<std::string> out;
  std::string one;
  re2::StringPiece rest(text);
  while (re2::RE2::FindAndConsume(&rest, "'([^']*)'", &one)) out.push_back(one);
  return out;
}

// The times at which each task started and ended, as positions in the trace.
struct Order {
  std::map<std::string, std::size_t> started;
  std::map<std::string, std::size_t> completed;
};

void check(const Step& step, const Play& run) {
  const std::string& text = step.text;
  const Finished finished = run.result();
  Order order;
  std::size_t position = 0;
  for (const TaskTrace& trace : run.effects<TaskTrace>()) {
    if (trace.state == "started") order.started.emplace(trace.task, position);
    if (trace.state == "completed") order.completed[trace.task] = position;
    ++position;
  }
  std::string first;
  std::string second;
  if (text == "the workflow is executed") return;
  if (text == "the workflow should complete") {
    EXPECT_EQ(finished.status, InstanceStatus::completed) << finished.error.dump();
  } else if (text == "the workflow should complete with output:") {
    EXPECT_EQ(finished.status, InstanceStatus::completed);
    EXPECT_EQ(finished.output, from_yaml(step.block)) << finished.output.dump();
  } else if (text == "the workflow should fault") {
    EXPECT_EQ(finished.status, InstanceStatus::faulted);
  } else if (text == "the workflow should fault with error:") {
    EXPECT_EQ(finished.status, InstanceStatus::faulted);
    const Json expected = from_yaml(step.block);
    for (const auto& [key, value] : expected.as_object()) {
      EXPECT_EQ(finished.error[key], value) << key;
    }
  } else if (text.starts_with("the workflow output should have properties ")) {
    for (const std::string& path : quoted(text))
      EXPECT_NE(at_path(finished.output, path), nullptr) << path;
  } else if (re2::RE2::FullMatch(
                 text, "the workflow output should have an? '(.+)' property with value:", &first)) {
    const Json* found = at_path(finished.output, first);
    ASSERT_NE(found, nullptr) << first;
    EXPECT_EQ(*found, from_yaml(step.block));
  } else if (re2::RE2::FullMatch(
                 text,
                 "the workflow output should have an? '(.+)' property containing (\\d+) items",
                 &first, &second)) {
    const Json* found = at_path(finished.output, first);
    ASSERT_NE(found, nullptr) << first;
    EXPECT_EQ(found->size(), std::stoul(second));
  } else if (re2::RE2::FullMatch(text, "(\\w+) should run first", &first)) {
    EXPECT_EQ(order.started[first], 0U);
  } else if (re2::RE2::FullMatch(text, "(\\w+) should run last", &first)) {
    ASSERT_TRUE(order.completed.contains(first)) << first;
    for (const auto& [task, when] : order.completed)
      EXPECT_LE(when, order.completed[first]) << task;
  } else if (re2::RE2::FullMatch(text, "(\\w+) should run after (\\w+)", &first, &second)) {
    EXPECT_GT(order.started.at(first), order.completed.at(second));
  } else {
    ADD_FAILURE() << "a step this reader does not know: " << text;
  }
}

TEST(ConformanceKit, EveryScenarioWithoutNetworkHolds) {
  const char* data = std::getenv("RABT_CONFORMANCE_DATA");
  if (data == nullptr) GTEST_SKIP() << "RABT_CONFORMANCE_DATA is not set";
  const std::filesystem::path folder = std::filesystem::path(data) / "ctk" / "features";
  if (!std::filesystem::exists(folder)) GTEST_SKIP() << "no ctk/features there";
  std::size_t held = 0;
  std::size_t network = 0;
  for (const auto& file : std::filesystem::directory_iterator(folder)) {
    if (file.path().extension() != ".feature") continue;
    for (const Scenario& scenario : scenarios(read(file.path()))) {
      SCOPED_TRACE(file.path().filename().string() + ": " + scenario.name);
      ASSERT_FALSE(scenario.steps.empty());
      const std::string& yaml = scenario.steps.front().block;
      if (yaml.find("call: http") != std::string::npos ||
          yaml.find("call: openapi") != std::string::npos) {
        const ParsedDefinition refused = parse_definition(yaml, nullptr);
        EXPECT_EQ(refused.definition, nullptr);
        ASSERT_FALSE(refused.diagnostics.empty());
        EXPECT_EQ(refused.diagnostics.front().code, "workflow.not_supported");
        ++network;
        continue;
      }
      const ParsedDefinition result = parse_definition(yaml, nullptr);
      ASSERT_NE(result.definition, nullptr) << all_text(result.diagnostics);
      Json input;
      for (const Step& step : scenario.steps) {
        if (step.text.ends_with("the workflow input is:")) input = from_yaml(step.block);
      }
      const Play run(result.definition, input);
      for (std::size_t i = 1; i < scenario.steps.size(); ++i) {
        if (!scenario.steps[i].text.ends_with("the workflow input is:"))
          check(scenario.steps[i], run);
      }
      ++held;
    }
  }
  EXPECT_GT(held, 0U);
  std::printf(
      "conformance kit: %zu scenarios hold, %zu need call: http or openapi and are skipped for "
      "now\n",
      held, network);
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
    for (const Diagnostic& one : result.diagnostics)
      warnings.push_back(to_string(one, "consultation.yaml"));
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
}  // namespace rabt::workflow
