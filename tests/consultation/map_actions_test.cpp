#include "hub/consultation/workflow/map_actions.hpp"

#include <gtest/gtest.h>

#include "hub/consultation/workflow/register.hpp"
#include "hub/schema/schema.hpp"
#include "tests/must.hpp"

namespace rabt::consultation::map_actions_test {
namespace {

using rabt::test::must;
using workflow::ActionOutcome;
using workflow::OutcomeKind;

ServedMaps maps() {
  ServedMaps out;
  const auto add = [&](const std::string& name, std::string_view csv, const std::string& sha256) {
    out.emplace(name, ServedMap{.map = must(mapping::CodeMap::read(csv)), .sha256 = sha256});
  };
  add("sex", "code,gender\nM,male\nF,female\n7,seven\n", std::string(64, 'a'));
  add("payers", "code,licence,name\nDEMO,INS-FHIR,Demo Insurance\n*,,Other\n", "b");
  return out;
}
ActionOutcome found(const std::string& map, const Json& code) {
  return look_up(maps(), Json::object({{"map", map}, {"code", code}}));
}

TEST(CodeMapCall, ACodeStandsForItsTextOrForItsColumns) {
  EXPECT_EQ(found("sex", "M").output,
            Json::object({{"value", "male"}, {"map", "sex"}, {"sha256", std::string(64, 'a')}}));
  EXPECT_EQ(found("payers", "DEMO").output["value"],
            Json::object({{"licence", "INS-FHIR"}, {"name", "Demo Insurance"}}));
  EXPECT_EQ(found("sex", 7).output["value"], Json("seven"));
  EXPECT_EQ(found("sex", Json()).kind, OutcomeKind::done) << "null stands for null";
  EXPECT_TRUE(found("sex", Json()).output["value"].is_null());
}

TEST(CodeMapCall, TheRowWithAStarStandsForAllOtherCodes) {
  EXPECT_EQ(found("payers", "ELSE").output["value"].string_or("name", ""), "Other");
}

TEST(CodeMapCall, AnUnknownCodeIsAPermanentErrorThatNamesTheMapAndNotTheCode) {
  const ActionOutcome outcome = found("sex", "Layla");
  EXPECT_EQ(outcome.kind, OutcomeKind::permanent);
  EXPECT_EQ(outcome.code, "map.unknown_code");
  EXPECT_NE(outcome.whole_message().find("`sex`"), std::string::npos) << outcome.message;
  EXPECT_EQ(outcome.whole_message().find("Layla"), std::string::npos) << outcome.message;
  EXPECT_EQ(outcome.detail.dump().find("Layla"), std::string::npos);
  EXPECT_EQ(found("sex", true).code, "map.code");
  EXPECT_EQ(found("none", "M").code, "map.unknown");
}

TEST(CodeMapCall, TheVersionOfTheMapIsSaidBesideTheAnswer) {
  EXPECT_EQ(found("sex", "M").codes,
            Json::object({{"map", "sex"}, {"sha256", std::string(16, 'a')}}));
}

TEST(CodeMapCall, TheSchemaKnowsTheMapsAndMarksCodeAndValueAsPatientData) {
  const auto actions = service_actions("map", {"payers", "sex"});
  ASSERT_EQ(actions.size(), 1U);
  const Schema input = must(Schema::compile(actions.front().input_schema));
  const auto arguments = [](const char* map) {
    return Json::object({{"map", map}, {"code", "M"}});
  };
  EXPECT_FALSE(input.check(arguments("sex")));
  EXPECT_TRUE(input.check(arguments("sexes")));
  EXPECT_EQ(actions.front().input_schema["properties"]["code"]["x-phi"], Json(true));
  EXPECT_EQ(actions.front().output_schema["properties"]["value"]["x-phi"], Json(true));
  EXPECT_FALSE(
      must(Schema::compile(actions.front().output_schema)).check(found("sex", "M").output));
}

}  // namespace
}  // namespace rabt::consultation::map_actions_test
