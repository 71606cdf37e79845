#include <gtest/gtest.h>

#include <chrono>
#include <ctime>
#include <iostream>

#include "hub/schema/schema.hpp"

namespace rabt::schema_fault_test {
namespace {

Schema compiled(const std::string& text) {
  auto parsed = Json::parse(text);
  EXPECT_TRUE(parsed.ok()) << text;
  auto schema = Schema::compile(parsed.ok() ? *parsed : Json());
  EXPECT_TRUE(schema.ok()) << (schema.ok() ? "" : schema.error().message);
  return schema.ok() ? *schema : Schema{};
}
std::string told(const Schema& schema, const std::string& value, std::size_t limit = 100) {
  std::string out;
  for (const SchemaFault& fault : schema.check_all(Json::parse(value).value(), limit))
    out += fault.instance_path + " | " + fault.schema_path + " | " + fault.message + "\n";
  return out;
}
std::string refusal(const Json& document) {
  const auto schema = Schema::compile(document);
  return schema.ok() ? "" : schema.error().message;
}

TEST(SchemaFaults, AllAreListedUpToTheLimit) {
  const Schema schema = compiled(R"({
    "required": ["id"],
    "properties": {"a": {"type": "integer", "minimum": 3}, "b": {"items": {"$ref": "#/$defs/t"}}},
    "additionalProperties": {"type": "boolean"},
    "$defs": {"t": {"maxLength": 1, "pattern": "^x"}}})");
  const std::string value = R"({"a": 1, "b": ["x", "yy"], "Jane Doe": 3})";
  EXPECT_EQ(told(schema, value),
            " | /required | lacks the required member \"id\"\n"
            "/a | /properties/a/minimum | is below the minimum\n"
            "/b/1 | /$defs/t/maxLength | must have at most 1 characters\n"
            "/b/1 | /$defs/t/pattern | does not match the pattern\n"
            "/* | /additionalProperties/type | must be boolean, is integer\n");
  EXPECT_EQ(schema.check_all(Json::parse(value).value(), 2).size(), 2U);
  EXPECT_EQ(told(schema, R"({"id": true})"), "");
  EXPECT_EQ(schema.check(Json::parse(value).value())->schema_path, "/required");
}

TEST(SchemaFaults, TheAlternativeThatCameNearestIsNamed) {
  const Schema schema = compiled(R"({"oneOf": [
    {"type": "string"},
    {"required": ["kind", "x"], "properties": {"kind": {"const": "a"}, "x": {"type": "integer"}}},
    {"required": ["kind", "y", "z"], "properties": {"kind": {"const": "b"}}}]})");
  EXPECT_EQ(
      told(schema, R"({"kind": "b"})"),
      " | /oneOf | matches none of the 3 alternatives; number 3 is nearest: lacks the required "
      "member \"y\"\n"
      " | /oneOf/2/required | lacks the required member \"z\"\n");
  EXPECT_EQ(
      told(schema, R"({"kind": "a", "x": "s"})"),
      " | /oneOf | matches none of the 3 alternatives; number 2 is nearest: /x must be integer, "
      "is string\n");
  EXPECT_EQ(told(compiled(R"({"oneOf": [true, {"type": "null"}]})"), "null"),
            " | /oneOf | matches 2 of the 2 alternatives, must match exactly one\n");
}

TEST(SchemaFaults, NamesThatCameWithTheValueAreHidden) {
  EXPECT_EQ(
      told(compiled(R"({"patternProperties": {"^J": {"type": "integer"}}})"), R"({"Jane": "x"})"),
      "/* | /patternProperties/^J/type | must be integer, is string\n");
  EXPECT_EQ(told(compiled(R"({"propertyNames": {"maxLength": 2}})"), R"({"Jane": "x"})"),
            "/* | /propertyNames/maxLength | must have at most 2 characters\n");
  EXPECT_EQ(told(compiled(R"({"properties": {"a": {}}, "unevaluatedProperties": false})"),
                 R"({"Jane": "x"})"),
            " | /unevaluatedProperties | has a member that no part of the schema describes\n");
  EXPECT_EQ(told(compiled(R"({"dependentRequired": {"a": ["b"]}})"), R"({"a": 1})"),
            " | /dependentRequired | lacks the required member \"b\", which \"a\" needs\n");
}

TEST(SchemaFaults, APlaceInTheMetaschemaIsNamedByItsUri) {
  const Schema schema = compiled(R"({"$ref": "https://json-schema.org/draft/2020-12/schema"})");
  EXPECT_EQ(
      told(schema, R"({"properties": {"a": {"minLength": -1}}})"),
      "/properties/*/minLength | "
      "https://json-schema.org/draft/2020-12/meta/validation#/$defs/nonNegativeInteger/minimum "
      "| is below the minimum\n");
}

TEST(SchemaLimits, ASchemaThatDoublesWithEachStepEndsWithAFault) {
  std::string text = R"({"$ref": "#/$defs/d0", "$defs": {)";
  for (int i = 0; i < 60; ++i) {
    const std::string next = "{\"$ref\":\"#/$defs/d" + std::to_string(i + 1) + "\"}";
    text += "\"d" + std::to_string(i) + R"(":{"allOf":[)" + next + "," + next + "]},";
  }
  text += R"("d60": {"type": "integer"}}})";
  const Schema schema = compiled(text);
  const std::clock_t start = std::clock();
  const auto fault = schema.check(Json(1));
  ASSERT_TRUE(fault);
  EXPECT_EQ(fault->message, "takes too many steps to check");
  EXPECT_FALSE(schema.check_all(Json(1), 10).empty());
  // Time of this process's processor, which a busy machine does not stretch.
  EXPECT_LT((std::clock() - start) / CLOCKS_PER_SEC, 60);
}

TEST(SchemaLimits, ACircleThatTheValueDecidesEndsWithAFault) {
  const Schema schema = compiled(R"({"if": {"type": "integer"}, "then": {"$ref": "#"}})");
  EXPECT_FALSE(schema.check(Json("a")));
  const auto fault = schema.check(Json(1));
  ASSERT_TRUE(fault);
  EXPECT_EQ(fault->message, "is nested too deeply to check, or the schema leads back to itself");
  // A part that the budget cut off counts neither as a match nor as its opposite.
  EXPECT_TRUE(compiled(R"({"not": {"if": {"type": "integer"}, "then": {"$ref": "#/not"}}})")
                  .check(Json(1)));
  EXPECT_TRUE(
      compiled(R"({"anyOf": [{"if": {"type": "integer"}, "then": {"$ref": "#/anyOf/0"}}, true]})")
          .check(Json(1)));
}

TEST(SchemaLimits, TooManySchemasAndTooLongNamesDoNotCompile) {
  JsonObject many;
  for (int i = 0; i < 20'001; ++i) many.append_new("p" + std::to_string(i), Json(true));
  EXPECT_NE(refusal(Json::object({{"properties", Json(many)}})).find("too large"),
            std::string::npos);
  JsonObject some;
  for (int i = 0; i < 15'000; ++i) some.append_new("p" + std::to_string(i), Json(true));
  EXPECT_EQ(refusal(Json::object({{"properties", Json(some)}})), "");
  Json inner = Json::object({{"properties", Json(some)}});
  const std::string name(10'000, 'n');
  JsonObject outer;
  outer.append_new(name, std::move(inner));
  EXPECT_NE(refusal(Json::object({{"properties", Json(outer)}})).find("names are long"),
            std::string::npos);
}

TEST(SchemaLimits, NestingHasAnEnd) {
  const auto nested = [](int depth) {
    Json schema = Json(true);
    for (int i = 0; i < depth; ++i) schema = Json::object({{"not", schema}});
    return schema;
  };
  EXPECT_EQ(refusal(nested(64)), "");
  EXPECT_NE(refusal(nested(65)).find("nested too deeply"), std::string::npos);
}

TEST(SchemaLimits, ADeepValueEndsWithAFault) {
  Json value;
  for (int i = 0; i < 5000; ++i) value = Json::array({value});
  EXPECT_TRUE(compiled(R"({"items": {"$ref": "#"}})").check(value));
  EXPECT_TRUE(compiled(R"({"enum": [[]], "uniqueItems": true})").check(value));
}

TEST(SchemaLimits, PatternsHaveABudgetTogether) {
  JsonObject many;
  for (int i = 0; i < 200; ++i) {
    many.append_new("p" + std::to_string(i),
                    Json::object({{"pattern", "[^,]{1,1000}" + std::to_string(i)}}));
  }
  EXPECT_NE(refusal(Json::object({{"properties", Json(many)}})).find("too large together"),
            std::string::npos);
}

TEST(SchemaReferences, ResolveByUriAnchorAndPointer) {
  const Schema schema = compiled(R"({
    "$id": "https://rabt.test/dir/root",
    "properties": {
      "a": {"$ref": "other"}, "b": {"$ref": "#named"}, "c": {"$ref": "/x#in"},
      "d": {"$ref": "#/$defs/a%20b~1c/items"}, "e": {"$ref": "../dir/other#/properties/n"}},
    "$defs": {
      "o": {"$id": "other", "type": "object", "properties": {"n": {"type": "null"}}},
      "p": {"$anchor": "named", "type": "string"},
      "q": {"$id": "https://rabt.test/x", "$defs": {"r": {"$anchor": "in", "type": "array"}}},
      "a b/c": {"items": {"type": "boolean"}}}})");
  EXPECT_EQ(told(schema, R"({"a": {"n": null}, "b": "", "c": [], "d": true, "e": null})"), "");
  EXPECT_EQ(told(schema, R"({"a": 1, "b": 1, "c": 1, "d": 1, "e": 1})"),
            "/a | /$defs/o/type | must be object, is integer\n"
            "/b | /$defs/p/type | must be string, is integer\n"
            "/c | /$defs/q/$defs/r/type | must be array, is integer\n"
            "/d | /$defs/a b~1c/items/type | must be boolean, is integer\n"
            "/e | /$defs/o/properties/n/type | must be null, is integer\n");
}

TEST(SchemaReferences, WhatCannotBeFollowedIsNamed) {
  const auto says = [](const char* text, std::string_view part) {
    const std::string said = refusal(Json::parse(text).value());
    EXPECT_NE(said.find(part), std::string::npos) << said;
  };
  says(R"({"$ref":"https://elsewhere.test/a"})", "is in another document");
  says(R"({"$ref":"#nothing"})", "points to no anchor");
  says(R"({"$ref":"#/a/b"})", "points to nothing");
  says(R"({"$ref":"#/$defs/a","$defs":{"a":3}})", "must be a schema");
  says(R"({"$id":"a#b"})", "must have no fragment");
  says(R"({"$defs":{"a":{"$id":"x"},"b":{"$id":"x"}}})", "names already");
  says(R"({"$defs":{"a":{"$anchor":"x"},"b":{"$anchor":"x"}}})", "exists already");
  says(R"({"$anchor":"1"})", "must be a name");
  says(R"({"$schema":"http://json-schema.org/draft-07/schema#"})", "dialect");
  says(R"({"items":[true]})", "prefixItems");
}

// Printed, not asserted: what a check of arguments costs.
TEST(SchemaCost, OfATypicalArgumentObject) {
  const Schema schema = compiled(R"({
    "type": "object", "additionalProperties": false,
    "required": ["patient", "encounter", "identifier", "status", "period"],
    "properties": {
      "patient": {"$ref": "#/$defs/reference"}, "encounter": {"$ref": "#/$defs/reference"},
      "identifier": {"type": "array", "minItems": 1, "items": {"$ref": "#/$defs/identifier"}},
      "status": {"enum": ["planned", "in-progress", "finished", "cancelled"]},
      "period": {"type": "object", "required": ["start"], "properties": {
        "start": {"$ref": "#/$defs/instant"}, "end": {"$ref": "#/$defs/instant"}}},
      "name": {"type": "array", "items": {"type": "object", "properties": {
        "family": {"type": "string", "maxLength": 100},
        "given": {"type": "array", "items": {"type": "string"}}}}},
      "amount": {"type": "number", "minimum": 0, "multipleOf": 0.01},
      "contact": {"oneOf": [{"type": "null"}, {"type": "object", "required": ["phone"]}]}},
    "$defs": {
      "reference": {"type": "object", "required": ["reference"], "properties": {
        "reference": {"type": "string", "pattern": "^[A-Z][A-Za-z]+/[A-Za-z0-9.-]{1,64}$"}}},
      "identifier": {"type": "object", "properties": {
        "system": {"type": "string"}, "value": {"type": "string", "minLength": 1}}},
      "instant": {"type": "string", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}T"}}})");
  const Json value = Json::parse(R"({
    "patient": {"reference": "Patient/123e4567"}, "encounter": {"reference": "Encounter/9"},
    "identifier": [{"system": "https://hospital.test/mrn", "value": "1000234567"},
                   {"system": "https://hospital.test/visit", "value": "V-77"}],
    "status": "finished",
    "period": {"start": "2026-01-01T10:00:00Z", "end": "2026-01-01T10:20:00Z"},
    "name": [{"family": "Test", "given": ["One", "Two"]}], "amount": 150.25,
    "contact": {"phone": "+966500000000"}})")
                         .value();
  ASSERT_FALSE(schema.check(value)) << schema.check(value)->message;
  constexpr int kRounds = 2000;
  const auto start = std::chrono::steady_clock::now();
  for (int i = 0; i < kRounds; ++i) ASSERT_FALSE(schema.check(value));
  const auto spent = std::chrono::duration_cast<std::chrono::nanoseconds>(
      std::chrono::steady_clock::now() - start);
  std::cout << "  one check: " << static_cast<double>(spent.count()) / kRounds / 1000 << " us\n";
}

}  // namespace
}  // namespace rabt::schema_fault_test
