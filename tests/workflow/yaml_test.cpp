#include "hub/workflow/yaml/yaml.hpp"

#include <gtest/gtest.h>

namespace rabt::workflow::yaml_test {
namespace {

Json value_of(std::string_view text) {
  const YamlOutcome outcome = parse_yaml(text);
  EXPECT_NE(outcome.root, nullptr) << outcome.fault.message;
  return outcome.root ? to_json(*outcome.root) : Json();
}

YamlFault fault_of(std::string_view text, const YamlLimits& limits = {}) {
  const YamlOutcome outcome = parse_yaml(text, limits);
  EXPECT_EQ(outcome.root, nullptr);
  return outcome.fault;
}

TEST(Yaml, TypesPlainScalarsByTheCoreSchemaOnly) {
  EXPECT_EQ(
      value_of("{a: on, b: yes, c: no, d: true, e: FALSE, f: null, g: ~, h: 1e3, i: 0x1F, j: 0o17}")
          .dump(),
      R"({"a":"on","b":"yes","c":"no","d":true,"e":false,"f":null,"g":null,"h":1e3,"i":31,"j":15})");
  EXPECT_EQ(value_of("on: 1").dump(), R"({"on":1})");
}

TEST(Yaml, QuotedAndBlockScalarsAreTexts) {
  EXPECT_EQ(value_of("a: '1'\nb: \"true\"\nc: |\n  5\nd: 'null'").dump(),
            R"({"a":"1","b":"true","c":"5\n","d":"null"})");
}

TEST(Yaml, NumbersKeepTheirDigits) {
  EXPECT_EQ(
      value_of("[10.10, 9007199254740993, 123456789012345678901234567890, +7, 007, .5, -0.10]")
          .dump(),
      "[10.10,9007199254740993,123456789012345678901234567890,7,7,0.5,-0.10]");
  EXPECT_EQ(fault_of("a: .inf").code, "yaml.number");
  EXPECT_EQ(value_of("[1.0.3, 1-2, 0x, e3]").dump(), R"(["1.0.3","1-2","0x","e3"])");
}

TEST(Yaml, KnowsWhereThingsStand) {
  const YamlOutcome outcome = parse_yaml("a:\n  - b: 'x'\n    cc:   7\n");
  const YamlNode& item = *outcome.root->find("a")->value->items.front();
  EXPECT_EQ(item.find("cc")->line, 3);
  EXPECT_EQ(item.find("cc")->column, 5);
  EXPECT_EQ(item.find("cc")->value->column, 11);
  EXPECT_EQ(item.find("b")->value->column, 8);
  EXPECT_TRUE(item.find("b")->value->quoted);
}

TEST(Yaml, RefusesADuplicateKeyWhereItStands) {
  const YamlFault fault = fault_of("a: 1\nb:\n  c: 1\n  d: 2\n  c: 3\n");
  EXPECT_EQ(fault.code, "yaml.duplicate_key");
  EXPECT_EQ(fault.line, 5);
  EXPECT_EQ(fault.column, 3);
}

TEST(Yaml, ExpandsAliasesUpToALimit) {
  EXPECT_EQ(value_of("a: &x {k: 1}\nb: *x\n").dump(), R"({"a":{"k":1},"b":{"k":1}})");
  std::string bomb = "a0: &a0 [1,1,1,1,1,1,1,1,1,1]\n";
  for (int i = 1; i < 12; ++i) {
    const std::string name = "a" + std::to_string(i);
    const std::string before = "*a" + std::to_string(i - 1);
    bomb += name + ": &" + name + " [" + before;
    for (int k = 0; k < 9; ++k) bomb += "," + before;
    bomb += "]\n";
  }
  EXPECT_EQ(fault_of(bomb).code, "yaml.size");
  EXPECT_EQ(fault_of("a: &a [*a]").code, "yaml.syntax");
}

TEST(Yaml, RefusesWhatIsTooDeepOrTooLarge) {
  const YamlLimits limits{.max_bytes = 1000, .max_depth = 8, .max_nodes = 100};
  EXPECT_NE(parse_yaml(std::string(8, '[') + std::string(8, ']'), limits).root, nullptr);
  EXPECT_EQ(fault_of(std::string(9, '[') + std::string(9, ']'), limits).code, "yaml.depth");
  EXPECT_EQ(fault_of(std::string(1001, ' '), limits).code, "yaml.size");
  EXPECT_EQ(fault_of(std::string(5000, '[')).code.substr(0, 5), "yaml.");
}

TEST(Yaml, RefusesWhatIsNoText) {
  EXPECT_EQ(fault_of("a: \xff").code, "yaml.encoding");
  EXPECT_EQ(fault_of(std::string_view("a: \0b", 5)).code, "yaml.encoding");
  EXPECT_EQ(fault_of("a: \"\\0\"").code, "yaml.encoding");
  EXPECT_EQ(fault_of("? [a]\n: 1").code, "yaml.key");
  EXPECT_EQ(fault_of("a: !secret x").code, "yaml.tag");
  EXPECT_EQ(fault_of("a: 1\n---\nb: 2").code, "yaml.documents");
}

TEST(Yaml, AKeyNeedsItsColonInABlockMapping) {
  EXPECT_EQ(fault_of("a: 1\nb\n").code, "yaml.syntax");
  EXPECT_EQ(fault_of("a: 1\n'b'\n").line, 2);
  EXPECT_EQ(value_of("a: 1\nb:\n'c' :\n\"d\":\n").dump(), R"({"a":1,"b":null,"c":null,"d":null})");
  EXPECT_EQ(value_of("{a, b: 1}").dump(), R"({"a":null,"b":1})");
  EXPECT_EQ(value_of("? a\n? b\n").dump(), R"({"a":null,"b":null})");
}

TEST(Yaml, HintsAtQuotesForAColonInAText) {
  const YamlFault fault = fault_of("a: ${ $x + { b: 1 } }\n");
  EXPECT_EQ(fault.line, 1);
  EXPECT_EQ(fault.code, "yaml.syntax");
}

}  // namespace
}  // namespace rabt::workflow::yaml_test
