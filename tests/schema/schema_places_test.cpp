#include <gtest/gtest.h>

#include <chrono>

#include "hub/schema/schema.hpp"

// Places that a schema marks as patient data: every place, or a wider one.
namespace rabt::schema_places_test {
namespace {

std::string places(const std::string& schema) {
  const auto result = Schema::compile(Json::parse(schema).value());
  if (!result.ok()) return result.error().message;
  std::string out;
  for (const std::string& place : result->phi_places()) out += (out.empty() ? "" : " ") + place;
  return out;
}

TEST(SchemaPlaces, NamesEachPartOfTheValue) {
  EXPECT_EQ(places("true"), "");
  EXPECT_EQ(places(R"({"properties":{"a":{}}})"), "");
  EXPECT_EQ(places(R"({"x-phi":true})"), "/");
  EXPECT_EQ(places(R"({"x-phi":false,"properties":{"a":{"x-phi":true},"b":{"x-phi":false}}})"),
            "/a");
  EXPECT_EQ(places(R"({"properties":{"a/b~":{"x-phi":true}}})"), "/a~1b~0");
  EXPECT_EQ(places(R"({"additionalProperties":{"x-phi":true}})"), "/*");
  EXPECT_EQ(places(R"({"patternProperties":{"^a":{"x-phi":true}}})"), "/*");
  EXPECT_EQ(places(R"({"unevaluatedProperties":{"x-phi":true}})"), "/*");
  EXPECT_EQ(places(R"({"properties":{"l":{"items":{"x-phi":true}}}})"), "/l/*");
  EXPECT_EQ(places(R"({"contains":{"properties":{"n":{"x-phi":true}}}})"), "/*/n");
  EXPECT_EQ(places(R"({"unevaluatedItems":{"x-phi":true}})"), "/*");
  EXPECT_EQ(places(R"({"prefixItems":[{},{"x-phi":true}]})"), "/1");
  EXPECT_EQ(places(R"({"properties":{"m":{"propertyNames":{"x-phi":true}}}})"), "/m");
  EXPECT_EQ(places(R"({"properties":{"m":{"contentSchema":{"x-phi":true}}}})"), "/m");
}

TEST(SchemaPlaces, FollowsEveryWayThatLeadsToAMark) {
  for (const char* const way :
       {R"("allOf":[{},%])", R"("anyOf":[{},%])", R"("oneOf":[{},%])", R"("not":%)", R"("if":%)",
        R"("if":true,"then":%)", R"("if":true,"else":%)", R"("dependentSchemas":{"x":%})",
        R"("dependencies":{"x":%})", R"("$ref":"#/$defs/p","$defs":{"p":%})",
        R"("$ref":"#/$defs/%70","$defs":{"p":%})",
        R"("$ref":"#p","$defs":{"p":{"$anchor":"p","allOf":[%]}})",
        R"("$ref":"p.json","$defs":{"p":{"$id":"p.json","allOf":[%]}})",
        R"("$dynamicRef":"#p","$defs":{"p":{"$dynamicAnchor":"p","allOf":[%]}})",
        R"("$ref":"#/x-aside","x-aside":%)"}) {
    std::string text = "{" + std::string(way) + "}";
    text.replace(text.rfind('%'), 1, R"({"properties":{"who":{"x-phi":true}}})");
    EXPECT_EQ(places(text), "/who") << text;
  }
  EXPECT_EQ(places(R"({"$id":"https://a.test/root","$dynamicRef":"#n","$defs":{
                       "first":{"$dynamicAnchor":"n"},
                       "other":{"$id":"other","$defs":{"n":{"$dynamicAnchor":"n",
                         "properties":{"who":{"x-phi":true}}}}}}})"),
            "/who")
      << "the dynamic scope may replace the target";
}

TEST(SchemaPlaces, AWiderPlaceStandsForWhatIsBelowIt) {
  EXPECT_EQ(places(R"({"allOf":[{"properties":{"a":{"properties":{"b":{"x-phi":true}}}}},
                                {"properties":{"a":{"x-phi":true},"ab":{"x-phi":true}}}]})"),
            "/a /ab");
}

TEST(SchemaPlaces, WhereASchemaComesAgainBelowItselfAllOfItIsMeant) {
  EXPECT_EQ(places(R"({"properties":{"left":{"$ref":"#"},"name":{"x-phi":true}}})"), "/left /name");
  EXPECT_EQ(places(R"({"properties":{"left":{"$ref":"#"},"name":{}}})"), "") << "nothing is marked";
}

// Two references in each of many definitions: as many ways as 2 to the power of their number.
std::string doubling(const std::string& step, const std::string& last) {
  constexpr int kLevels = 40;
  std::string text = R"({"allOf":[{"$ref":"#/$defs/d0"}],"$defs":{)";
  for (int i = 0; i < kLevels; ++i) {
    std::string word = step;
    for (std::size_t at = word.find('%'); at != std::string::npos; at = word.find('%'))
      word.replace(at, 1, R"({"$ref":"#/$defs/d)" + std::to_string(i + 1) + "\"}");
    text += "\"d" + std::to_string(i) + "\":" + word + ",";
  }
  return text + "\"d" + std::to_string(kLevels) + "\":" + last + "}";
}

TEST(SchemaPlaces, MarksBehindManyWaysAreFound) {
  const std::string in_place = doubling(R"({"allOf":[%,%]})", "{}");
  EXPECT_EQ(places(in_place + R"(,"properties":{"who":{"x-phi":true}}})"), "/who");
  EXPECT_EQ(places(doubling(R"({"allOf":[%,%]})", R"({"properties":{"who":{"x-phi":true}}})") +
                   R"(,"properties":{"me":{"x-phi":true}}})"),
            "/me /who");
}

TEST(SchemaPlaces, MoreThanCanBeListedIsTheWholeValue) {
  const auto begin = std::chrono::steady_clock::now();
  const std::string deep =
      doubling(R"({"properties":{"a":%,"b":%}})", R"({"properties":{"who":{"x-phi":true}}})");
  EXPECT_EQ(places(deep + "}"), "/");
  EXPECT_EQ(places(doubling(R"({"properties":{"a":%,"b":%}})", "{}") +
                   R"(,"properties":{"who":{"x-phi":true}}})"),
            "/who")
      << "what leads to no mark costs nothing";
  std::string many = R"({"properties":{)";
  for (int i = 0; i <= 1000; ++i)
    many += (i == 0 ? "\"n" : ",\"n") + std::to_string(i) + R"(":{"x-phi":true})";
  EXPECT_EQ(places(many + "}}"), "/");
  // A chain of long names: the places together would fill memory.
  std::string chain = R"({"$ref":"#/$defs/c0","$defs":{)";
  for (int i = 0; i < 2000; ++i) {
    chain += "\"c" + std::to_string(i) + R"(":{"properties":{")" + std::string(400, 'n') +
             R"(":{"$ref":"#/$defs/c)" + std::to_string(i + 1) + "\"}}},";
  }
  const auto result = Schema::compile(Json::parse(chain + R"("c2000":{"x-phi":true}}})").value());
  ASSERT_TRUE(result.ok()) << result.error().message;
  ASSERT_EQ(result->phi_places().size(), 1U) << "a place above the mark";
  EXPECT_EQ(result->phi_places().begin()->find_first_not_of("/n"), std::string::npos);
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(30));
}

}  // namespace
}  // namespace rabt::schema_places_test
