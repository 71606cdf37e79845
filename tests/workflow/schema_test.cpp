#include "hub/workflow/schema.hpp"

#include <gtest/gtest.h>

namespace rabt::workflow::schema_test {
namespace {

std::string check(std::string_view schema, std::string_view value) {
  const YamlOutcome yaml = parse_yaml(schema);
  const auto compiled =
      compile_schema(*yaml.root, [](int, int, const std::string&, const std::string& message,
                                    const std::string&) { ADD_FAILURE() << message; });
  return compiled ? violation(*compiled, Json::parse(value).value()) : "no schema";
}

TEST(Schema, ChecksEachKeyword) {
  struct Case {
    const char* schema;
    const char* good;
    const char* bad;
    const char* message;
  };
  const Case cases[] = {
      {"type: string", "\"a\"", "1", "the value must be string, is integer"},
      {"type: [string, 'null']", "null", "1", "the value must be null or string, is integer"},
      {"type: integer", "5", "5.5", "the value must be integer, is number"},
      {"required: [a]", R"({"a":1})", "{}", "the value lacks the required member \"a\""},
      {"properties: {a: {type: number}}", R"({"a":1})", R"({"a":"x"})",
       "/a must be number, is string"},
      {"items: {type: number}", "[1,2]", R"([1,"x"])", "/1 must be number, is string"},
      {"enum: [a, 2]", "2", "\"b\"", "the value must be one of the 2 values of the schema"},
      {"const: 1", "1", "2", "the value must be the one value of the schema"},
      {"minItems: 1", "[1]", "[]", "the value must have at least 1 items"},
      {"maxItems: 1", "[1]", "[1,2]", "the value must have at most 1 items"},
      {"minimum: 1.5", "1.5", "1", "the value is below the minimum"},
      {"maximum: 3", "3", "4", "the value is above the maximum"},
      {"minLength: 2", "\"\xD8\xB1\xD8\xA8\"", "\"a\"",
       "the value must have at least 2 characters"},
      {"maxLength: 1", "\"\xD8\xB1\"", "\"ab\"", "the value must have at most 1 characters"},
      {"pattern: '^[a-c]+$'", "\"abc\"", "\"abd\"", "the value does not match the pattern"},
      {"{$ref: '#/$defs/n', $defs: {n: {type: number}}}", "1", "\"a\"",
       "the value must be number, is string"},
      {"{if: {required: [a]}, then: {required: [b]}}", R"({"c":1})", R"({"a":1})",
       "the value lacks the required member \"b\""},
      {"{properties: {a: {}}, additionalProperties: false}", R"({"a":1})", R"({"secret":1})",
       "the value has a member that is not declared; declared are: a"},
  };
  for (const Case& one : cases) {
    EXPECT_EQ(check(one.schema, one.good), "") << one.schema;
    EXPECT_EQ(check(one.schema, one.bad), one.message) << one.schema;
  }
}

TEST(Schema, RefusesOtherKeywordsWithTheirPlace) {
  const YamlOutcome yaml = parse_yaml("type: object\nonOf: []\nx-phi: true\n");
  std::string found;
  const auto compiled =
      compile_schema(*yaml.root, [&](int line, int column, const std::string& code,
                                     const std::string& message, const std::string&) {
        found = std::to_string(line) + ':' + std::to_string(column) + ' ' + code + ' ' + message;
      });
  EXPECT_FALSE(compiled.has_value());
  EXPECT_EQ(found, "2:1 workflow.not_supported schema keyword `onOf` is not supported");
}

}  // namespace
}  // namespace rabt::workflow::schema_test
