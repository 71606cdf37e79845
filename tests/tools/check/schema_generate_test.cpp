#include "tools/check/schema_generate.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "hub/base/json_pointer.hpp"
#include "hub/schema/schema_regex.hpp"

namespace rabt::schema_generate_test {
namespace {

Json parsed(std::string_view text) {
  return Json::parse(text).value();
}

class Generated : public ::testing::TestWithParam<const char*> {};
TEST_P(Generated, ValuesConformAndNearOnesDoNot) {
  const Json document = parsed(GetParam());
  const Schema schema = Schema::compile(document).value();
  SchemaGenerator generator(document, 7);
  for (int i = 0; i < 50; ++i) {
    const auto value = generator.valid();
    ASSERT_TRUE(value) << GetParam();
    EXPECT_FALSE(schema.check(*value)) << value->dump() << " for " << GetParam();
    const auto near = generator.near_valid();
    ASSERT_TRUE(near) << GetParam();
    EXPECT_TRUE(schema.check(*near)) << near->dump() << " for " << GetParam();
  }
}
INSTANTIATE_TEST_SUITE_P(
    All, Generated,
    ::testing::Values(
        R"({"type":"object","required":["a"],"properties":{"a":{"type":"string","pattern":"^[A-Z]{2}[0-9a-f]{32}$"}},"additionalProperties":false})",
        R"({"type":"array","minItems":2,"uniqueItems":true,"items":{"type":"integer","minimum":3,"maximum":9}})",
        R"({"type":"number","multipleOf":0.1,"minimum":1,"maximum":2})", R"({"enum":[1,"a",null]})",
        R"({"type":["integer","null"],"exclusiveMinimum":4})",
        R"({"type":"object","properties":{"d":{"type":"string","format":"date"}},"patternProperties":{"^x-[a-z]+$":{"type":"boolean"}},"minProperties":2,"additionalProperties":false,"required":["d"]})",
        R"({"$defs":{"n":{"type":"string","minLength":3,"maxLength":5}},"type":"array","items":{"$ref":"#/$defs/n"}})",
        R"({"allOf":[{"type":"object","required":["a"]},{"properties":{"a":{"type":"integer"}}}]})",
        R"({"oneOf":[{"type":"string","minLength":2},{"type":"object","required":["k"],"properties":{"k":{"const":1}}}]})",
        R"({"type":"object","properties":{"kind":{"enum":["a","b"]},"x":{"type":"string"}},"required":["kind"],"if":{"properties":{"kind":{"const":"a"}}},"then":{"required":["x"]}})",
        R"({"type":"object","dependentRequired":{"a":["b"]},"properties":{"a":{"type":"integer"},"b":{"type":"integer"}}})",
        R"({"type":"string","pattern":"^(ab|c[d-f]+|\\d{2,3})?-\\w+$"})",
        R"({"type":"object","additionalProperties":{"type":"integer"},"minProperties":1})"));

TEST(SchemaGenerator, TheSameSeedGivesTheSameValues) {
  const Json document = parsed(R"({"type":"object","properties":{"a":{},"b":{"type":"number"}}})");
  SchemaGenerator one(document, 42);
  SchemaGenerator two(document, 42);
  SchemaGenerator three(document, 43);
  std::string ones;
  std::string twos;
  std::string threes;
  for (int i = 0; i < 20; ++i) {
    ones += one.valid()->dump();
    twos += two.valid()->dump();
    threes += three.valid()->dump();
  }
  EXPECT_EQ(ones, twos);
  EXPECT_NE(ones, threes);
}

TEST(SchemaGenerator, MarkedTextsAreNamedWithTheirPlaceAndBecomeCanaries) {
  const Json document = parsed(R"({
    "type": "object", "required": ["patient", "note", "date"],
    "properties": {
      "patient": {"x-phi": true, "type": "object", "required": ["name", "tags"], "properties": {
        "name": {"type": "string"},
        "tags": {"type": "array", "minItems": 2, "items": {"type": "string"}}}},
      "date": {"x-phi": true, "type": "string", "format": "date"},
      "note": {"type": "string"}}})");
  SchemaGenerator generator(document, 3);
  generator.set_canary("CANARY");
  const auto value = generator.valid(SchemaGenerator::Size::smallest);
  ASSERT_TRUE(value);
  std::vector<std::string> places;
  for (const MarkedText& mark : generator.marked()) {
    places.push_back(mark.pointer);
    const Json* at = at_pointer(*value, mark.pointer);
    ASSERT_NE(at, nullptr) << mark.pointer;
    EXPECT_EQ(at->as_string(), mark.text);
    EXPECT_EQ(mark.text.starts_with("CANARY"), mark.pointer != "/date");
  }
  EXPECT_EQ(places, (std::vector<std::string>{"/patient/name", "/patient/tags/0", "/patient/tags/1",
                                              "/date"}));
}

TEST(SchemaGenerator, UsesTheExamplesOfTheSchema) {
  SchemaGenerator generator(
      parsed(
          R"({"type":"object","required":["a"],"properties":{"a":{"type":"string","examples":["https://api.example.org"]}}})"),
      1);
  EXPECT_EQ(generator.valid(SchemaGenerator::Size::smallest)->dump(),
            R"({"a":"https://api.example.org"})");
}

TEST(SchemaGenerator, SaysWhenNothingFits) {
  SchemaGenerator never(Json(false), 1);
  EXPECT_FALSE(never.valid());
  SchemaGenerator always(Json(true), 1);
  EXPECT_TRUE(always.valid());
  EXPECT_FALSE(always.near_valid());
}

TEST(SchemaGenerator, TextsForPatternsAreFoundByThePattern) {
  for (const char* pattern : {"^AC[0-9a-f]{32}$", "^[0-9]{4}-(0[1-9]|1[0-2])$", "^https?://[^ ]+$",
                              "a|b|", "^(?:x|y){3}$", "[^a-z]", "^\\S+@\\S+$", "^[\\w.-]+$",
                              "^\\/x\\.$", "^[ا-ي]{3}$", "(?<year>\\d{4})"}) {
    SeededSequence random(5);
    const auto compiled = schema::Pattern::compile(pattern).value();
    for (int i = 0; i < 50; ++i) {
      const auto text = text_for_pattern(pattern, random);
      ASSERT_TRUE(text) << pattern;
      EXPECT_TRUE(compiled->found_in(*text)) << *text << " for " << pattern;
    }
  }
  SeededSequence random(5);
  EXPECT_FALSE(text_for_pattern("(?=x)y", random));
  EXPECT_FALSE(text_for_pattern("\\p{Letter}", random));
}

// Schemas that people wrote for use: those of the shipped plugins.
TEST(SchemaGenerator, FillsTheSchemasOfTheShippedPlugins) {
  const char* root = std::getenv("RABT_SOURCE_DIR");
  ASSERT_NE(root, nullptr);
  int files = 0;
  for (const auto& entry :
       std::filesystem::recursive_directory_iterator(std::string(root) + "/plugins")) {
    if (entry.path().extension() != ".json" || entry.path().parent_path().filename() != "schemas")
      continue;
    std::ifstream in(entry.path());
    const std::string text((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
    const Json document = parsed(text);
    const Schema schema = Schema::compile(document).value();
    SchemaGenerator generator(document, 11);
    for (int i = 0; i < 10; ++i) {
      const auto value = generator.valid();
      ASSERT_TRUE(value) << entry.path();
      EXPECT_FALSE(schema.check(*value)) << entry.path();
    }
    ++files;
  }
  EXPECT_GT(files, 5);
}

}  // namespace
}  // namespace rabt::schema_generate_test
