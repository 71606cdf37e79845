#include "hub/schema/schema.hpp"

#include <gtest/gtest.h>

namespace rabt::schema_test {
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
  EXPECT_EQ(code(R"({"nullable":true})"), "schema.unsupported");
  EXPECT_EQ(code(R"({"properties":{"a":{"typ":"string"}}})"), "schema.unsupported");
  EXPECT_EQ(code(R"({"$ref":"https://example.test/x"})"), "schema.unsupported");
  EXPECT_EQ(code(R"({"$ref":"#/$defs/gone"})"), "schema.invalid");
  EXPECT_EQ(code(R"({"type":"strin"})"), "schema.invalid");
  EXPECT_EQ(code(R"({"minLength":-1})"), "schema.invalid");
  EXPECT_EQ(code(R"({"title":"t","x-phi":true,"format":"date","examples":[1]})"), "ok");
}

TEST(Schema, AReferenceThatLeadsBackToItselfDoesNotCompile) {
  EXPECT_EQ(
      code(R"({"$ref":"#/$defs/a","$defs":{"a":{"$ref":"#/$defs/b"},"b":{"$ref":"#/$defs/a"}}})"),
      "schema.invalid");
  EXPECT_EQ(code(R"({"allOf":[{"not":{"$ref":"#"}}]})"), "schema.invalid");
  EXPECT_EQ(code(R"({"properties":{"a":{"$ref":"#"}}})"), "ok") << "each step goes into the value";
}

TEST(Schema, AMarkThatWouldMarkNothingDoesNotCompile) {
  for (const char* const mark :
       {R"("x-phi":"true")", R"("x-phi":"True")", R"("x-phi":"yes")", R"("x-phi":1)",
        R"("x-phi":null)", R"("x-phi":[true])", R"("x-PHI":true)", R"("X-Phi":true)"}) {
    for (const char* const around :
         {"{%}", R"({"properties":{"a":{%}}})", R"({"items":{"not":{%}}})",
          R"({"$defs":{"unused":{%}}})", R"({"contentSchema":{%}})"}) {
      std::string text = around;
      text.replace(text.find('%'), 1, mark);
      EXPECT_EQ(code(text.c_str()), "schema.invalid") << text;
    }
  }
  EXPECT_EQ(code(R"({"x-phi":false,"x-note":"yes","properties":{"x-phi":{}}})"), "ok");
  SchemaMistake mistake;
  EXPECT_FALSE(
      Schema::compile(Json::parse(R"({"properties":{"a":{"x-phi":"True"}}})").value(), {}, &mistake)
          .ok());
  EXPECT_EQ(mistake.pointer, "/properties/a/x-phi");
  EXPECT_EQ(mistake.message, "`x-phi` must be true or false");
  EXPECT_EQ(mistake.suggestion, "write `x-phi: true`, in lower case and without quotes");
}

TEST(Schema, KnowsWhichNamesArePatientData) {
  const auto schema = compiled(
      R"({"properties":{"name":{"x-phi":true},"list":{"items":{"properties":{"mrn":{"x-phi":true},"n":{}}}}}})");
  EXPECT_EQ(schema.phi_names(), (std::set<std::string>{"mrn", "name"}));
}

TEST(Schema, MarksOfPatientDataAreFoundThroughReferencesAndItems) {
  const auto schema = compiled(R"({
    "$defs": {
      "text": {"type": "string", "x-phi": true},
      "alias": {"allOf": [{"$ref": "#/$defs/text"}]},
      "person": {"properties": {"given": {"$ref": "#/$defs/alias"}}}
    },
    "properties": {
      "patient": {"$ref": "#/$defs/person"},
      "notes": {"type": "array", "items": {"$ref": "#/$defs/text"}},
      "contact": {"anyOf": [{"type": "null"}, {"$ref": "#/$defs/text"}]},
      "next": {"$ref": "#"},
      "room": {"type": "string"}
    }})");
  EXPECT_EQ(schema.phi_names(), (std::set<std::string>{"contact", "given", "notes"}));
}

TEST(Schema, TellsThePropertiesOfItsRootObject) {
  const auto schema = compiled(R"({
    "$ref": "#/$defs/base",
    "properties": {"b": {"$ref": "#/$defs/when"}, "a": {"type": ["integer", "null"]}},
    "allOf": [{"required": ["a"], "properties": {"c": true, "b": {"type": "string"}}}],
    "$defs": {
      "base": {"properties": {"d": {"type": "number", "x-phi": true}}, "required": ["d"]},
      "when": {"type": "string", "description": "RFC 3339"}
    }})");
  std::string text;
  for (const PropertyInfo& property : schema.properties()) {
    text += property.name + (property.required ? "!" : "") + " (" + property.type + ") " +
            property.description + (property.phi ? " phi" : "") + "\n";
  }
  EXPECT_EQ(text, "b (string) RFC 3339\na! (null or integer) \nd! (number)  phi\nc () \n");
  EXPECT_TRUE(compiled("true").properties().empty());
  EXPECT_TRUE(Schema{}.properties().empty());
}

TEST(Schema, UnknownKeywordsAreIgnoredOnlyWhenAsked) {
  const auto document = Json::parse(R"({"typo":1,"type":"string","properties":{"a":{"onOf":[]}}})");
  SchemaMistake mistake;
  const auto strict = Schema::compile(*document, SchemaOptions{}, &mistake);
  ASSERT_FALSE(strict.ok());
  EXPECT_EQ(strict.error().code, "schema.unsupported");
  EXPECT_EQ(mistake.pointer, "/typo");
  EXPECT_EQ(mistake.message, "schema keyword `typo` is not supported");
  EXPECT_EQ(mistake.suggestion, "did you mean `type`?");
  const auto lenient =
      Schema::compile(*document, SchemaOptions{.unknown = UnknownKeywords::ignore});
  ASSERT_TRUE(lenient.ok());
  EXPECT_TRUE(lenient->check(Json(1)));
}

TEST(Schema, ADialectDeclaredInTheDocumentSwitchesVocabulariesOff) {
  const auto document = Json::parse(R"({
    "$schema": "https://rabt.test/structure", "minimum": 5, "properties": {"a": false},
    "$defs": {"structure": {"$id": "https://rabt.test/structure",
      "$schema": "https://json-schema.org/draft/2020-12/schema",
      "$vocabulary": {"https://json-schema.org/draft/2020-12/vocab/core": true,
                      "https://json-schema.org/draft/2020-12/vocab/applicator": true,
                      "https://rabt.test/vocab/other": false}}}})");
  const auto lenient =
      Schema::compile(*document, SchemaOptions{.unknown = UnknownKeywords::ignore});
  ASSERT_TRUE(lenient.ok()) << lenient.error().message;
  EXPECT_FALSE(lenient->check(Json(1))) << "minimum is of a vocabulary that is not used";
  EXPECT_TRUE(lenient->check(Json::object({{"a", 1}})));
  const auto strict = Schema::compile(*document);
  ASSERT_FALSE(strict.ok());
  EXPECT_NE(strict.error().message.find("`minimum` is not supported"), std::string::npos);
}

TEST(Schema, AssertedFormatsAreCheckedAndUnknownOnesRefused) {
  const auto document = Json::parse(R"({"format":"date"})").value();
  EXPECT_FALSE(Schema::compile(document)->check(Json("tomorrow")));
  const SchemaOptions asserted{.formats = FormatMode::assert};
  const auto fault = Schema::compile(document, asserted)->check(Json("tomorrow"));
  ASSERT_TRUE(fault);
  EXPECT_EQ(fault->schema_path, "/format");
  EXPECT_FALSE(Schema::compile(document, asserted)->check(Json("2024-02-29")));
  const auto unknown = Schema::compile(Json::parse(R"({"format":"dat"})").value(), asserted);
  ASSERT_FALSE(unknown.ok());
  EXPECT_NE(unknown.error().message.find("did you mean `date`?"), std::string::npos);
}

TEST(Schema, NumbersAreComparedExactly) {
  EXPECT_FALSE(accepts(R"({"maximum":9007199254740992})", "9007199254740993"));
  EXPECT_FALSE(accepts(R"({"maximum":0.1})", "0.10000000000000000001"));
  EXPECT_TRUE(accepts(R"({"exclusiveMinimum":0.1})", "0.10000000000000000001"));
  EXPECT_TRUE(accepts(R"({"const":1})", "1.00"));
  EXPECT_FALSE(accepts(R"({"const":0.1})", "0.10000000000000000001"));
  EXPECT_TRUE(accepts(R"({"multipleOf":0.01})", "19.99"));
  EXPECT_FALSE(accepts(R"({"multipleOf":0.01})", "19.999"));
  EXPECT_TRUE(accepts(R"({"multipleOf":0.0001})", "0.0075"));
  // Beyond what a double holds: such numbers come from code, not from JSON text.
  const auto fits = [](const char* keyword, const char* bound, const Json& value) {
    const auto schema = Schema::compile(Json::object({{keyword, Json::number(bound)}}));
    return schema.ok() && !schema->check(value);
  };
  EXPECT_TRUE(fits("maximum", "1e400", Json::number("1e399")));
  EXPECT_FALSE(fits("maximum", "1e400", Json::number("1e401")));
  EXPECT_TRUE(fits("multipleOf", "7", Json::number("7e500")));
  EXPECT_FALSE(fits("multipleOf", "7", Json::number("1e500")));
  const Schema unique = compiled(R"({"uniqueItems":true})");
  EXPECT_TRUE(unique.check(Json::array({Json::number("1e400"), Json::number("10e399")})));
  EXPECT_FALSE(unique.check(Json::array({Json::number("1e400"), Json::number("1e401")})));
}

}  // namespace
}  // namespace rabt::schema_test
