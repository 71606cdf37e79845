#include "hub/engine/answer_fits.hpp"

#include <gtest/gtest.h>

#include <algorithm>

// Answers of persons in place of an action, and how a refusal names the members that do not fit.
namespace rabt::engine::answer_fits_test {
namespace {

using workflow::CallAction;
using workflow::OutcomeKind;

// One action, under whatever name it is asked for.
class Catalog final : public workflow::ActionCatalog {
 public:
  explicit Catalog(Json output_schema) : output_schema_(std::move(output_schema)) {}
  [[nodiscard]] std::vector<std::string> roles() const override { return {}; }
  [[nodiscard]] std::vector<std::string> actions(std::string_view /*role*/) const override {
    return {};
  }
  [[nodiscard]] std::optional<workflow::ActionInfo> find(std::string_view /*role*/,
                                                         std::string_view action,
                                                         std::string_view version) const override {
    return workflow::ActionInfo{.name = std::string(action),
                                .version = std::string(version),
                                .idempotency = "key",
                                .input_schema = {},
                                .output_schema = output_schema_,
                                .title = {}};
  }

 private:
  const Json output_schema_;
};

CallAction call_of(const std::string& role, const std::string& action) {
  CallAction call;
  call.role = role;
  call.action = action;
  call.version = "1.0.0";
  call.arguments = Json::object({{"words", Json::array({"yes", "no"})}});
  return call;
}

workflow::ActionOutcome ended(OutcomeKind kind, Json output = {}) {
  return {.kind = kind, .output = std::move(output)};
}

Json parsed(const char* text) {
  return Json::parse(text).value();
}

// The message of the refusal; "" when the answer is taken.
std::string refusal(const Json& schema, const CallAction& call, bool asked,
                    const workflow::ActionOutcome& outcome) {
  const Status fits =
      answer_fits(Catalog(schema), "plugin://test", call, {.asked = asked}, outcome);
  if (fits.ok()) return {};
  EXPECT_EQ(fits.error().code, "engine.answer");
  return fits.error().message;
}

TEST(AnswerFits, NobodyAnswersForAPayerAnIdentityOrAConsentThatFailed) {
  for (const auto& [role, action] : {std::pair("payer", "payer.claim.submit"),
                                     {"insurer", "payer.eligibility.check"},
                                     {"identity", "identity.person.lookup"},
                                     {"consent", "ask"},
                                     {"consents", "consent.ask"}}) {
    const CallAction call = call_of(role, action);
    EXPECT_FALSE(person_may_answer(call, {.asked = true})) << role;
    EXPECT_EQ(refusal({}, call, true, ended(OutcomeKind::done)), kNotByPerson) << role;
    EXPECT_EQ(refusal({}, call, true, ended(OutcomeKind::permanent)), "") << role;
    EXPECT_EQ(refusal({}, call, true, ended(OutcomeKind::transient)).find("done"),
              std::string::npos)
        << "it is not advised either";
    // An answer that cannot be read may have been a yes.
    EXPECT_TRUE(person_may_answer(call, {.asked = true, .doubtful = true})) << role;
    // A person who looked there says what is there.
    EXPECT_TRUE(person_may_answer(call, {})) << role;
    EXPECT_EQ(refusal({}, call, false, ended(OutcomeKind::done)), "") << role;
  }
  for (const auto& [role, action] : {std::pair("ehr", "ehr.record.write"),
                                     {"session", "decide"},
                                     {"payers", "payers.list"},
                                     {"moh", "moh.report.submit"}}) {
    EXPECT_TRUE(person_may_answer(call_of(role, action), {.asked = true})) << role;
    EXPECT_EQ(refusal({}, call_of(role, action), true, ended(OutcomeKind::done)), "") << role;
  }
}

TEST(AnswerFits, ARefusalNamesEachMemberAndItsRuleAndNoValue) {
  const Json schema = parsed(R"({"type": "object", "required": ["word", "count"], "properties": {
      "word": {"type": "string", "x-among": "words"}, "count": {"type": "integer", "minimum": 0},
      "note": {"type": "object", "properties": {"code": {"type": "string", "maxLength": 3}}}}})");
  const CallAction call = call_of("ehr", "ehr.record.write");
  const std::string said =
      refusal(schema, call, true,
              ended(OutcomeKind::done,
                    parsed(R"({"word": "Layla", "count": -7, "note": {"code": "Layla"}})")));
  EXPECT_NE(said.find("output/word must be one of yes, no"), std::string::npos) << said;
  EXPECT_NE(said.find("output/count is below"), std::string::npos) << said;
  EXPECT_NE(said.find("output/note/code must have at most 3 characters"), std::string::npos)
      << said;
  EXPECT_NE(said.find("; the action still waits for its answer"), std::string::npos) << said;
  EXPECT_EQ(said.find("Layla"), std::string::npos) << said;
  EXPECT_EQ(said.find("-7"), std::string::npos) << said;
  EXPECT_EQ(refusal(schema, call, true,
                    ended(OutcomeKind::done, parsed(R"({"word": "yes", "count": 0})"))),
            "");
}

TEST(AnswerFits, AnHttpCallHasTheFormOfItsAnswer) {
  const CallAction call = call_of(std::string(workflow::kHttpRole), "request");
  const Json schema = answer_schema(Catalog({}), "", call);
  EXPECT_EQ(schema["required"], Json::array({"status"}));
  EXPECT_TRUE(schema["properties"]["body"].is_object());
  EXPECT_NE(
      refusal({}, call, false, ended(OutcomeKind::done, parsed(R"({"body": 1})"))).find("status"),
      std::string::npos);
  EXPECT_NE(refusal({}, call, false, ended(OutcomeKind::done, parsed(R"({"status": 7})")))
                .find("output/status is below"),
            std::string::npos);
  EXPECT_EQ(refusal({}, call, false, ended(OutcomeKind::done, parsed(R"({"status": 204})"))), "");
}

TEST(AnswerFits, TheFormNamesTheWordsThatTheCallAsksFor) {
  const Json schema = parsed(R"({"properties": {"word": {"x-among": "words"}}})");
  EXPECT_EQ(
      answer_schema(Catalog(schema), "", call_of("desk", "choose"))["properties"]["word"]["enum"],
      Json::array({"yes", "no"}));
  EXPECT_TRUE(answer_schema(Catalog({}), "", call_of("desk", "choose")).is_null());
}

}  // namespace
}  // namespace rabt::engine::answer_fits_test
