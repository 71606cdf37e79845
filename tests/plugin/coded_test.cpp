#include "hub/plugin/package/coded.hpp"

#include <gtest/gtest.h>

namespace rabt::plugin::coded_test {
namespace {

Json json(const char* text) {
  return Json::parse(text).value();
}

constexpr const char* kSchema = R"({"type":"object","properties":{
  "adjudication":{"enum":["approved","rejected",null],"x-code":true},
  "gender":{"enum":["male","female"]},
  "kind":{"enum":["a","b"],"x-code":true,"x-phi":true},
  "errors":{"type":"array","items":{"properties":{"code":{"type":"string","x-code":true}}}},
  "patient":{"x-phi":true,"properties":{"status":{"enum":["old"],"x-code":true}}}}})";

std::string read(const char* answer, const Json& contract = {}) {
  phi::Vocabulary words;
  EXPECT_TRUE(words.add_codes("BV-#####"));
  return CodedMembers(json(kSchema), contract).read(json(answer), words).dump();
}

TEST(Coded, MembersThatTheSchemaMarksShowTheirDeclaredValues) {
  EXPECT_EQ(read(R"({"adjudication":"rejected","errors":[{"code":"BV-00027"},{"code":"BV-1"},
                    {"code":"Layla"},{"code":"BV-00028"}]})"),
            R"({"adjudication":"rejected","errors.code":["BV-00027","BV-00028"]})");
}
TEST(Coded, NothingElseShows) {
  EXPECT_EQ(read(R"({"adjudication":"Layla"})"), "null");
  EXPECT_EQ(read(R"({"adjudication":null,"gender":"male","kind":"a","patient":{"status":"old"}})"),
            "null");
  EXPECT_EQ(read(R"({"errors":"BV-00027"})"), "null");
  EXPECT_EQ(read(R"(["rejected"])"), "null");
}
TEST(Coded, TheContractOfTheCapabilityCountsToo) {
  const Json contract = json(R"({"properties":{"outcome":{"enum":["queued"],"x-code":true}}})");
  EXPECT_EQ(read(R"({"outcome":"queued"})", contract), R"({"outcome":"queued"})");
  EXPECT_EQ(read(R"({"outcome":"Layla"})", contract), "null");
}

}  // namespace
}  // namespace rabt::plugin::coded_test
