#include "hub/cli/answer_form.hpp"

#include <gtest/gtest.h>

#include <regex>

#include "hub/schema/schema.hpp"

// Forms of answers: made from a schema, filled in, read again.
namespace rabt::cli::answer_form_test {
namespace {

Json parsed(const char* text) {
  return Json::parse(text).value();
}

const char* const kClaim = R"({
  "type": "object", "required": ["claim", "outcome", "errors", "final"],
  "properties": {
    "claim": {"type": "object", "required": ["value"], "properties": {
      "value": {"type": "string", "minLength": 1, "maxLength": 100, "description": "its number"},
      "system": {"type": "string"}}},
    "outcome": {"enum": ["queued", "complete"]},
    "errors": {"type": "array", "items": {"type": "object", "required": ["code"], "properties": {
      "code": {"type": "string"}, "display": {"type": ["string", "null"], "x-phi": true}}}},
    "final": {"type": "boolean"},
    "totals": {"type": "object", "properties": {"taxHalalas": {"type": "integer", "minimum": 0}}},
    "note": {"$ref": "#/$defs/note"},
    "on behalf": {"const": 1}},
  "$defs": {"note": {"type": "string", "format": "date"}}})";

TEST(AnswerForm, EachMemberHasItsTypeItsRulesAndItsDescription) {
  EXPECT_EQ(answer_form(parsed(kClaim)), R"(# claim: object; required
claim:
  # value: text; at least 1 characters; at most 100 characters; required. its number
  value:
#  # system: text; may be left out
#  system:
# outcome: one of queued, complete; required
outcome:
# errors: list; each object {code (text; required), display (text or null; patient data)}; required
errors: []
# final: true or false; required
final:
## totals: object; may be left out
#totals:
#  # taxHalalas: whole number; at least 0; may be left out
#  taxHalalas:
## note: text; format date; may be left out
#note:
## on behalf: always 1; may be left out
#"on behalf": 1
)");
}

TEST(AnswerForm, AFilledInFormIsAValueOfTheSchema) {
  std::string form = answer_form(parsed(kClaim));
  const auto fill = [&form](const char* line, const char* with) {
    form = std::regex_replace(form, std::regex(line), with);
  };
  // As it came it says nothing, and each member that is missing is named.
  const Schema schema = Schema::compile(parsed(kClaim)).value();
  EXPECT_EQ(schema.check_all(read_answer("f", form).value(), 20).size(), 3U);
  fill("  value:", "  value: '4711'");
  fill("outcome:\n", "outcome: queued\n");
  fill("final:\n", "final: true\n");
  fill("#\"on", "\"on");
  const Json value = read_answer("f", form).value();
  EXPECT_EQ(value.dump(),
            R"({"claim":{"value":"4711"},"outcome":"queued","errors":[],"final":true,)"
            R"("on behalf":1})");
  EXPECT_EQ(schema.check_all(value, 20).size(), 0U);
  // An object that may be left out is given without its first signs.
  form = std::regex_replace(form, std::regex("(^|\n)#(#|  |[a-z])"), "$1$2");
  fill("taxHalalas:\n", "taxHalalas: 15\n");
  fill("system:\n", "system: urn:x\n");
  fill("note:\n", "note: '2026-11-30'\n");
  const Json whole = read_answer("f", form).value();
  EXPECT_EQ(schema.check_all(whole, 20).size(), 0U) << whole.dump() << form;
  EXPECT_EQ(whole["totals"].dump(), R"({"taxHalalas":15})");
}

TEST(AnswerForm, WhatASchemaLeavesOpenIsSaid) {
  EXPECT_EQ(answer_form(Json()), "# anything\n{}\n");
  EXPECT_EQ(answer_form(parsed("{}")), "# anything\n{}\n");
  EXPECT_EQ(answer_form(parsed(R"({"type": "string", "maxLength": 3})")),
            "# text; at most 3 characters\n");
  EXPECT_EQ(answer_form(parsed(R"({"required": ["documents"]})")),
            "# documents: required\ndocuments:\n");
  EXPECT_EQ(answer_form(parsed(R"({"required": ["null"], "properties": {"null": {"not": {}}}})")),
            "# null: more rules, which the hub checks; required\n\"null\":\n");
  // A schema that contains itself ends.
  const std::string endless = answer_form(
      parsed(R"({"type": "object", "required": ["a"], "properties": {"a": {"$ref": "#"}}})"));
  EXPECT_NE(endless.find("a: {}\n"), std::string::npos) << endless;
  EXPECT_LT(endless.size(), 1000U);
}

TEST(AnswerForm, AFileThatIsNoYamlIsRefusedWithItsPlace) {
  EXPECT_EQ(read_answer("f", "").value(), Json::object());
  EXPECT_EQ(read_answer("f", "# nothing\n").value(), Json::object());
  EXPECT_EQ(read_answer("f", R"({"decision": "leave"})").value().dump(), R"({"decision":"leave"})");
  const auto wrong = read_answer("answer.yaml", "decision: leave\ndecision: go\n");
  ASSERT_FALSE(wrong.ok());
  EXPECT_EQ(wrong.error().code, "cli.output");
  EXPECT_EQ(wrong.error().message.find("answer.yaml:2:1: "), 0U) << wrong.error().message;
}

}  // namespace
}  // namespace rabt::cli::answer_form_test
