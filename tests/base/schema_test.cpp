#include "hub/base/schema.hpp"

#include <gtest/gtest.h>

namespace rabt {
namespace {

Schema compiled(const char* text) {
  auto schema = Schema::compile(Json::parse(text).value());
  EXPECT_TRUE(schema.ok()) << (schema.ok() ? "" : schema.error().message);
  return schema.ok() ? *schema : Schema{};
}
bool accepts(const char* schema, const char* value) {
  return !compiled(schema).check(Json::parse(value).value());
}
std::string code(const char* schema) {
  const auto result = Schema::compile(Json::parse(schema).value());
  return result.ok() ? "ok" : result.error().code;
}

struct Case {
  const char* schema;
  const char* good;
  const char* bad;
};
class SchemaKeyword : public ::testing::TestWithParam<Case> {};
TEST_P(SchemaKeyword, TakesTheGoodAndRefusesTheBad) {
  EXPECT_TRUE(accepts(GetParam().schema, GetParam().good)) << GetParam().schema;
  EXPECT_FALSE(accepts(GetParam().schema, GetParam().bad)) << GetParam().schema;
}
INSTANTIATE_TEST_SUITE_P(
    All, SchemaKeyword,
    ::testing::Values(
        Case{R"({"type":"integer"})", "1.0", "1.5"},
        Case{R"({"type":"integer"})", "90071992547409931234", "\"1\""},
        Case{R"({"type":"number"})", "3", "null"},
        Case{R"({"type":["string","null"]})", "null", "0"},
        Case{R"({"enum":[1,"a"]})", "1.0", "\"b\""},
        Case{R"({"const":{"a":[1]}})", R"({"a":[1.0]})", R"({"a":[2]})"},
        Case{R"({"minimum":3})", "3", "2.99"}, Case{R"({"maximum":3})", "3", "3.01"},
        Case{R"({"exclusiveMinimum":3})", "3.01", "3"},
        Case{R"({"exclusiveMaximum":3})", "2.99", "3"},
        Case{R"({"minLength":2})", "\"\u0631\u0628\"", "\"\u0631\""},
        Case{R"({"maxLength":2})", "\"\u0631\u0628\"", "\"abc\""},
        Case{R"({"minItems":1})", "[1]", "[]"}, Case{R"({"maxItems":1})", "[1]", "[1,2]"},
        Case{R"({"uniqueItems":true})", "[1,\"1\"]", "[1,2,1.0]"},
        Case{R"({"items":{"type":"string"}})", "[\"a\"]", "[\"a\",1]"},
        Case{R"({"required":["a"]})", R"({"a":null})", R"({"b":1})"},
        Case{R"({"properties":{"a":{"type":"string"}}})", R"({"a":"x","b":1})", R"({"a":1})"},
        Case{R"({"properties":{"a":true},"additionalProperties":false})", R"({"a":1})",
             R"({"b":1})"},
        Case{R"({"additionalProperties":{"type":"integer"}})", R"({"a":1})", R"({"a":"x"})"},
        Case{R"({"minProperties":1})", R"({"a":1})", "{}"},
        Case{R"({"maxProperties":1})", R"({"a":1})", R"({"a":1,"b":2})"},
        Case{R"({"allOf":[{"minimum":1},{"maximum":2}]})", "1", "3"},
        Case{R"({"anyOf":[{"type":"string"},{"minimum":5}]})", "6", "4"},
        Case{R"({"oneOf":[{"minimum":5},{"maximum":7}]})", "4", "6"},
        Case{R"({"not":{"type":"string"}})", "1", "\"a\""},
        Case{R"({"$defs":{"n":{"type":"integer"}},"properties":{"a":{"$ref":"#/$defs/n"}}})",
             R"({"a":1})", R"({"a":"x"})"},
        Case{R"({"type":"object","properties":{"next":{"$ref":"#"}},"required":["v"]})",
             R"({"v":1,"next":{"v":2}})", R"({"v":1,"next":{}})"},
        Case{R"({"$ref":"#/$defs/a~1b","$defs":{"a/b":{"type":"null"}}})", "null", "1"}));

TEST(Schema, BooleansAllowAllOrNothing) {
  EXPECT_TRUE(accepts("true", "1"));
  EXPECT_FALSE(accepts("false", "1"));
  EXPECT_FALSE(Schema{}.check(Json(1)));
}

TEST(Schema, PatternsAreEnforced) {
  EXPECT_TRUE(accepts(R"({"pattern":"^[12][0-9]{9}$"})", "\"1234567890\""));
  EXPECT_FALSE(accepts(R"({"pattern":"^[12][0-9]{9}$"})", "\"3234567890\""));
  EXPECT_TRUE(accepts(R"({"pattern":"^a"})", "5")) << "says nothing about other types";
  EXPECT_EQ(code(R"x({"pattern":"(?=a)"})x"), "schema.invalid");
}

TEST(Schema, FaultsNameThePlaceAndNeverTheValue) {
  const auto schema = compiled(
      R"({"properties":{"a/b":{"items":{"type":"integer"}}},"additionalProperties":{"type":"integer"}})");
  const auto fault = schema.check(Json::parse(R"({"a/b":[1,"Jane Doe"]})").value());
  ASSERT_TRUE(fault);
  EXPECT_EQ(fault->instance_path, "/a~1b/1");
  EXPECT_EQ(fault->schema_path, "/properties/a~1b/items/type");
  EXPECT_EQ(fault->message, "must be integer, is string");
  const auto hidden = schema.check(Json::parse(R"({"Jane Doe":"x"})").value());
  ASSERT_TRUE(hidden);
  EXPECT_EQ(hidden->instance_path, "/*")
      << "a key that the schema does not name may be patient data";
}

TEST(Schema, WhatItDoesNotEnforceDoesNotCompile) {
  EXPECT_EQ(code(R"({"if":{}})"), "schema.unsupported");
  EXPECT_EQ(code(R"({"properties":{"a":{"typ":"string"}}})"), "schema.unsupported");
  EXPECT_EQ(code(R"({"$ref":"https://example.test/x"})"), "schema.unsupported");
  EXPECT_EQ(code(R"({"$ref":"#/$defs/gone"})"), "schema.invalid");
  EXPECT_EQ(code(R"({"type":"strin"})"), "schema.invalid");
  EXPECT_EQ(code(R"({"minLength":-1})"), "schema.invalid");
  EXPECT_EQ(code(R"({"title":"t","x-phi":true,"format":"date","examples":[1]})"), "ok");
}

TEST(Schema, AReferenceThatLeadsBackToItselfEnds) {
  EXPECT_FALSE(accepts(
      R"({"$ref":"#/$defs/a","$defs":{"a":{"$ref":"#/$defs/b"},"b":{"$ref":"#/$defs/a"}}})", "1"));
}

TEST(Schema, KnowsWhichNamesArePatientData) {
  const auto schema = compiled(
      R"({"properties":{"name":{"x-phi":true},"list":{"items":{"properties":{"mrn":{"x-phi":true},"n":{}}}}}})");
  EXPECT_EQ(schema.phi_names(), (std::set<std::string>{"mrn", "name"}));
}

}  // namespace
}  // namespace rabt
