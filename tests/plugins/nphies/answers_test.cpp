#include "answers.hpp"

#include <map>

#include "fixtures.hpp"
#include "outcomes.hpp"
#include "reply_record.hpp"

namespace rabt::nphies::testing::answers_test {
namespace {

const Identifier kClaim{"https://provider.example.sa/claim", "CL-0001"};

// Reading of one stored answer by the plugin, in one line.
std::string reading(const Json& root) {
  const Message message = read_message(root);
  if (const auto failure = message_failure(message)) return failure->code;
  const std::string type =
      message.focus == nullptr ? std::string() : text_at(*message.focus, "resourceType");
  if (type == "ClaimResponse") {
    const Json out = claim_output(kClaim, Json::object(), &message);
    const Json* benefit = find(out, "totals/benefitHalalas");
    return "claim " + text_at(out, "outcome") + " " + write_json(*find(out, "adjudication")) + " " +
           (find(out, "final")->get<bool>() ? "final" : "open") + " " +
           (benefit == nullptr ? std::string("-") : write_json(*benefit)) + " " +
           codes_text(message.findings);
  }
  if (type == "CoverageEligibilityResponse") {
    const Json out = eligibility_output(message);
    return "eligibility " + text_at(out, "outcome") + " " + text_at(out, "siteEligibility") + " " +
           codes_text(message.findings);
  }
  if (type == "Task") {
    const TaskState state = task_state(message);
    return "task " + state.status + " " + state.reason + " " + state.output + " nested " +
           std::to_string(message.nested.size()) + (message.more_queued ? " more" : "");
  }
  return "other " + message.event;
}

TEST(NphiesAnswers, EveryReferenceAnswerIsReadAsExpected) {
  const auto folder = conformance_folder("nphies/synthetic");
  if (folder.empty() || !std::filesystem::exists(folder))
    GTEST_SKIP() << "RABT_CONFORMANCE_DATA has no NPHIES messages";
  const std::map<std::string, std::string> expected = {
      {"acknowledgement", "other acknowledgement"},
      {"cancel-response", "task completed  complete nested 0"},
      {"cancel-response-failed", "task failed in-process  nested 0"},
      {"claim-response-deferred-final", "claim complete \"approved\" final 9500 "},
      {"claim-response-deferred-partial", "claim complete \"partial\" final 9500 "},
      {"claim-response-error-validation", "claim error null final - BV-00752, BV-00905"},
      {"claim-response-queued", "claim queued null open - "},
      {"eligibility-response-complete", "eligibility eligible eligible "},
      {"eligibility-response-error-1658", "eligibility error  1658"},
      {"eligibility-response-not-inforce", "eligibility not-eligible not-active "},
      {"operation-outcome", "nphies.refused"},
      {"poll-response-empty", "task completed   nested 0"},
      {"poll-response-fatal", "nphies.unavailable"},
      {"poll-response-mixed-queued", "task completed   nested 3 more"},
      {"poll-response-with-response-identifier", "task completed   nested 1"},
      {"priorauth-response-approved", "claim complete \"approved\" final 9500 "},
      {"priorauth-response-pended", "claim complete null open - "},
      {"priorauth-response-rejected", "claim complete \"rejected\" final 0 "},
      {"status-response", "task completed  queued nested 0"}};
  std::size_t read = 0;
  for (const auto& file : std::filesystem::directory_iterator(folder)) {
    const std::string name = file.path().stem().string();
    const bool answer = name.find("response") != std::string::npos || name == "acknowledgement" ||
                        name == "operation-outcome";
    if (!answer || file.path().extension() != ".json") continue;
    ++read;
    const auto found = expected.find(name);
    const std::string got = reading(parse_json(read_file(file.path())));
    if (found == expected.end()) {
      ADD_FAILURE() << name << ": no expectation; it reads as: " << got;
      continue;
    }
    EXPECT_EQ(got, found->second) << name;
  }
  EXPECT_EQ(read, expected.size());
}

TEST(NphiesAnswers, EveryReferenceFileSurvivesReadingAndWriting) {
  const auto folder = conformance_folder("nphies/synthetic");
  if (folder.empty() || !std::filesystem::exists(folder))
    GTEST_SKIP() << "RABT_CONFORMANCE_DATA has no NPHIES messages";
  for (const auto& file : std::filesystem::directory_iterator(folder)) {
    if (file.path().extension() != ".json") continue;
    const Json root = parse_json(read_file(file.path()));
    const std::string once = write_json(root);
    EXPECT_EQ(write_json(parse_json(once)), once) << file.path().filename();
    (void)reading(root);
  }
}

TEST(NphiesAnswers, BenefitsAndErrorsCarryWhatAWorkflowNeeds) {
  const auto folder = conformance_folder("nphies/synthetic");
  if (folder.empty() || !std::filesystem::exists(folder))
    GTEST_SKIP() << "RABT_CONFORMANCE_DATA has no NPHIES messages";
  const Json complete = parse_json(read_file(folder / "eligibility-response-complete.json"));
  const Json out = eligibility_output(read_message(complete));
  EXPECT_EQ(
      write_json(out),
      R"({"outcome":"eligible","eligibilityReference":{"system":"http://insurer.example.sa/eligibilityresponse",)"
      R"("value":"R-er-complete"},"inforce":true,"siteEligibility":"eligible","benefits":[{"category":"84",)"
      R"("name":"Telemedicine","network":"in","term":"annual","type":"visit","allowedCount":12,"usedCount":2}],)"
      R"("errors":[]})");
  const Json wrong = parse_json(read_file(folder / "claim-response-error-validation.json"));
  const Message message = read_message(wrong);
  const Json claim = claim_output(kClaim, Json::object(), &message);
  EXPECT_EQ(text_at(claim, "errors/0/expression"), "Bundle.entry[1].resource.supportingInfo");
}

TEST(NphiesAnswers, CodesDecideWhetherARepeatCanHelp) {
  const auto verdict = [](const std::vector<std::string>& codes) {
    std::vector<Finding> findings;
    for (const std::string& code : codes) findings.push_back({code, "", ""});
    return judge(findings);
  };
  EXPECT_EQ(verdict({}), Verdict::none);
  EXPECT_EQ(verdict({"GE-00012"}), Verdict::transient);
  EXPECT_EQ(verdict({"GE-00012", "BV-00752"}), Verdict::business);
  EXPECT_EQ(verdict({"1658"}), Verdict::business);
  EXPECT_EQ(verdict({"GE-00012", "GE-00020"}), Verdict::credential);
  EXPECT_EQ(verdict({"GE-00013"}), Verdict::business);
}

TEST(NphiesAnswers, OnlyCodesReachOperators) {
  EXPECT_EQ(
      codes_text(
          {{"BV-00752", "x", "y"}, {"2000000006", "", ""}, {"Canary", "", ""}, {"1658", "", ""}}),
      "BV-00752, 1658");
}

TEST(NphiesAnswers, StrangeAnswersAreNoMessages) {
  for (const char* text :
       {"null", "[]", "1", "{}", R"({"resourceType":"Bundle"})",
        R"({"resourceType":"Bundle","entry":{"a":1}})",
        R"({"resourceType":"Bundle","entry":[null,1]})",
        R"({"resourceType":"Bundle","entry":[{"resource":{"resourceType":"Patient"}}]})"}) {
    const Json root = parse_json(text);
    EXPECT_EQ(read_message(root).focus, nullptr) << text;
  }
  const Json odd = parse_json(
      R"({"resourceType":"Bundle","id":7,"entry":[{"resource":{"resourceType":"MessageHeader",
    "response":[],"meta":{"tag":{}},"focus":"x"}},{"resource":{"resourceType":"ClaimResponse","outcome":{},"total":[1,{}],
    "item":[[]],"error":[{"code":[]},null],"extension":7,"request":{"identifier":{"value":1}}}}]})");
  const Message message = read_message(odd);
  EXPECT_TRUE(claims_of(message).empty());
  EXPECT_EQ(text_at(claim_output(kClaim, Json::object(), &message), "outcome"), "queued");
}

TEST(NphiesReplyRecord, KeysFitTheStoreAndStayApart) {
  const std::string a(300, 'a');
  EXPECT_EQ(store_key("tx/", "k"), "tx/k");
  EXPECT_LE(store_key("reply/", a).size(), 256U);
  EXPECT_NE(store_key("reply/", a), store_key("reply/", a + "b"));
  EXPECT_EQ(store_key("reply/", std::string(250, 'x')), "reply/" + std::string(250, 'x'));
}

}  // namespace
}  // namespace rabt::nphies::testing::answers_test
