#include "hub/plugin/package/schema_subset.hpp"

#include <gtest/gtest.h>

#include "hub/schema/schema.hpp"

namespace rabt::schema_subset_test {
namespace {

Json json(const char* text) {
  return Json::parse(text).value();
}

struct Pair {
  const char* narrow;
  const char* wide;
};
class Holds : public ::testing::TestWithParam<Pair> {};
TEST_P(Holds, NothingOfTheNarrowerSchemaIsRefused) {
  const auto fault = not_subset(json(GetParam().narrow), json(GetParam().wide));
  EXPECT_FALSE(fault) << fault->place << ": " << fault->message;
}
INSTANTIATE_TEST_SUITE_P(
    All, Holds,
    ::testing::Values(
        Pair{"{}", "true"}, Pair{"false", R"({"type":"string"})"},
        Pair{R"({"type":"integer"})", R"({"type":["number","null"]})"},
        Pair{R"({"enum":["a",null]})", R"({"type":["string","null"],"maxLength":1})"},
        Pair{R"({"enum":["a","bb"],"maxLength":1})", R"({"enum":["a"]})"},
        Pair{R"({"const":3})", R"({"minimum":3,"maximum":3})"},
        Pair{R"({"type":"boolean"})", R"({"enum":[true,false,null]})"},
        Pair{R"({"type":"string","minLength":2,"maxLength":3})",
             R"({"type":"string","minLength":1})"},
        Pair{R"({"type":"string","pattern":"^a$"})", R"({"pattern":"^a$"})"},
        Pair{R"({"type":"integer","exclusiveMinimum":3})", R"({"minimum":3})"},
        Pair{R"({"type":"number","minimum":4})", R"({"exclusiveMinimum":3})"},
        Pair{R"({"type":"integer"})", R"({"type":"number","multipleOf":1})"},
        Pair{R"({"type":"array","items":{"type":"integer"},"maxItems":2})",
             R"({"type":"array","items":{"type":"number"},"maxItems":2})"},
        Pair{
            R"({"type":"object","required":["a","b"],"properties":{"a":{"const":1}},"additionalProperties":false})",
            R"({"type":"object","required":["a"],"properties":{"a":{"type":"integer"},"c":{"type":"string"}}})"},
        Pair{
            R"({"type":"object","properties":{"a":{"type":"string"}},"additionalProperties":false})",
            R"({"type":"object","additionalProperties":{"type":"string"}})"},
        Pair{R"({"anyOf":[{"type":"string"},{"type":"null"}]})", R"({"type":["string","null"]})"},
        Pair{R"({"type":["string","null"]})", R"({"anyOf":[{"type":"string"},{"type":"null"}]})"},
        Pair{R"({"allOf":[{"type":"string"},{"maxLength":3}]})",
             R"({"type":"string","maxLength":4})"},
        Pair{R"({"type":"string","maxLength":3})",
             R"({"allOf":[{"type":"string"},{"maxLength":3}]})"},
        Pair{R"({"$ref":"#/$defs/a","$defs":{"a":{"type":"integer"}}})",
             R"({"$ref":"#/$defs/b","$defs":{"b":{"type":"number"}}})"},
        Pair{R"({"type":"array","contains":{"const":1}})", R"({"contains":{"const":1}})"}));

struct Wrong {
  const char* narrow;
  const char* wide;
  const char* place;
  const char* value;  // that the narrower schema takes and the wider one refuses
};
class Fails : public ::testing::TestWithParam<Wrong> {};
TEST_P(Fails, TheFaultNamesItsPlaceAndAValueProvesIt) {
  const Wrong& wrong = GetParam();
  const auto narrow = Schema::compile(json(wrong.narrow));
  const auto wide = Schema::compile(json(wrong.wide));
  ASSERT_TRUE(narrow.ok() && wide.ok());
  EXPECT_FALSE(narrow->check(json(wrong.value)));
  EXPECT_TRUE(wide->check(json(wrong.value)));
  const auto fault = not_subset(json(wrong.narrow), json(wrong.wide));
  ASSERT_TRUE(fault);
  EXPECT_FALSE(fault->undecided) << fault->message;
  EXPECT_EQ(fault->place, wrong.place) << fault->message;
}
INSTANTIATE_TEST_SUITE_P(
    All, Fails,
    ::testing::Values(
        Wrong{"true", R"({"type":"string"})", "", "1"},
        Wrong{R"({"type":"number"})", R"({"type":"integer"})", "", "0.5"},
        Wrong{R"({"type":["string","null"]})", R"({"type":"string"})", "", "null"},
        Wrong{R"({"enum":["a","b"]})", R"({"enum":["a"]})", "", "\"b\""},
        Wrong{R"({"type":"string"})", R"({"enum":["a"]})", "", "\"b\""},
        Wrong{R"({"type":"string"})", R"({"maxLength":3})", "", "\"four\""},
        Wrong{R"({"type":"string","maxLength":4})", R"({"maxLength":3})", "", "\"four\""},
        Wrong{R"({"type":"string"})", R"({"pattern":"^a"})", "", "\"b\""},
        Wrong{R"({"type":"integer","minimum":2})", R"({"minimum":3})", "", "2"},
        Wrong{R"({"type":"integer","minimum":3})", R"({"exclusiveMinimum":3})", "", "3"},
        Wrong{R"({"type":"array","items":{"type":"number"}})", R"({"items":{"type":"integer"}})",
              "/*", "[0.5]"},
        Wrong{R"({"type":"array","maxItems":3})", R"({"maxItems":2})", "", "[1,2,3]"},
        Wrong{R"({"type":"array"})", R"({"uniqueItems":true})", "", "[1,1]"},
        Wrong{R"({"type":"object","properties":{"a":true}})", R"({"required":["a"]})", "", "{}"},
        Wrong{R"({"type":"object","properties":{"a":{"type":"string"},"b":true}})",
              R"({"properties":{"a":{"type":"string","maxLength":1}}})", "/a", R"({"a":"xx"})"},
        Wrong{R"({"type":"object","properties":{"b":true},"additionalProperties":false})",
              R"({"properties":{"a":true},"additionalProperties":false})", "", R"({"b":1})"},
        Wrong{R"({"type":"object"})", R"({"properties":{"a":{"type":"string"}}})", "/a",
              R"({"a":1})"},
        Wrong{R"({"type":"object"})", R"({"additionalProperties":false})", "", R"({"z":1})"},
        Wrong{R"({"anyOf":[{"type":"string"},{"type":"number"}]})", R"({"type":"string"})", "",
              "1"}));

class Undecided : public ::testing::TestWithParam<Pair> {};
TEST_P(Undecided, SaysSoAndDoesNotGuess) {
  const auto fault = not_subset(json(GetParam().narrow), json(GetParam().wide));
  ASSERT_TRUE(fault);
  EXPECT_TRUE(fault->undecided) << fault->message;
}
INSTANTIATE_TEST_SUITE_P(
    All, Undecided,
    ::testing::Values(Pair{R"({"type":"string","pattern":"^ab$"})", R"({"pattern":"^a"})"},
                      Pair{R"({"type":"integer"})",
                           R"({"oneOf":[{"type":"integer"},{"type":"string"}]})"},
                      Pair{R"({"type":"integer"})", R"({"not":{"type":"string"}})"},
                      Pair{R"({"type":"integer","multipleOf":4})", R"({"multipleOf":2})"},
                      Pair{R"({"type":"object","unevaluatedProperties":false})",
                           R"({"unevaluatedProperties":false})"},
                      Pair{R"({"type":"object","patternProperties":{"^a":{"type":"string"}}})",
                           R"({"properties":{"a":{"type":"string"}}})"},
                      Pair{R"({"$ref":"https://example.org/x"})", R"({"type":"string"})"},
                      Pair{R"({"type":"array","items":{"$ref":"#"}})",
                           R"({"type":"array","items":{"$ref":"#"}})"}));

TEST(PhiCoverage, TheFirstUnmarkedPlaceIsNamed) {
  const Json marked = json(
      R"({"properties":{"who":{"properties":{"name":{"x-phi":true}}},"list":{"items":{"x-phi":true}}}})");
  const auto place = [&](const char* covering) {
    const auto fault = phi_not_covered(marked, json(covering));
    return fault ? fault->place : std::string("covered");
  };
  EXPECT_EQ(place("{}"), "/who/name");
  EXPECT_EQ(place(R"({"properties":{"who":{"x-phi":true}}})"), "/list/*");
  EXPECT_EQ(place(R"({"properties":{"who":{"x-phi":true},"list":{"items":{"x-phi":true}}}})"),
            "covered");
  EXPECT_EQ(place(R"({"x-phi":true})"), "covered");
  EXPECT_EQ(place(R"({"allOf":[{"x-phi":true}]})"), "covered");
  EXPECT_EQ(place(R"({"additionalProperties":{"$ref":"#/$defs/p"},"$defs":{"p":{"x-phi":true}}})"),
            "covered");
}

}  // namespace
}  // namespace rabt::schema_subset_test
