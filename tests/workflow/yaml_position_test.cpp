#include "hub/workflow/yaml/yaml_position.hpp"

#include <gtest/gtest.h>

#include "hub/workflow/yaml/yaml.hpp"

namespace rabt::workflow::yaml_position_test {
namespace {

// The place of the character `!` of the value of `k`, by way of the parsed text.
std::string place_of_mark(std::string_view file) {
  const YamlOutcome outcome = parse_yaml(file);
  if (outcome.root == nullptr) return outcome.fault.message;
  const YamlNode& node = *outcome.root->find("k")->value;
  const auto offsets = scalar_offsets(file, node);
  if (!offsets.has_value()) return "no offsets for " + node.text();
  EXPECT_EQ(offsets->size(), node.text().size() + 1);
  const std::size_t at = node.text().find('!');
  if (at == std::string::npos) return "no mark";
  EXPECT_EQ(file[(*offsets)[at]], '!') << file;
  const TextPlace place = LineIndex(file).at((*offsets)[at]);
  return std::to_string(place.line) + ':' + std::to_string(place.column);
}

TEST(YamlPosition, CountsCharactersAndNotBytes) {
  EXPECT_EQ(place_of_mark("k: a!"), "1:5");
  EXPECT_EQ(place_of_mark("k: ربط!"), "1:7");
  EXPECT_EQ(place_of_mark("\"\xF0\x9F\x98\x80\": 1\nk: \xF0\x9F\x98\x80!"), "2:5");
  const YamlOutcome outcome = parse_yaml("{ا: 1, ب: 2}");
  EXPECT_EQ(outcome.root->entries[1].column, 8);
  EXPECT_EQ(outcome.root->entries[1].value->column, 11);
}

TEST(YamlPosition, UndoesEscapesOfQuotedTexts) {
  EXPECT_EQ(place_of_mark("k: 'it''s!'"), "1:10");
  EXPECT_EQ(place_of_mark(R"(k: "a\tb\"!")"), "1:11");
  EXPECT_EQ(place_of_mark(R"(k: "\u0627\x41\U0001F600!")"), "1:25");
  EXPECT_EQ(place_of_mark("k: \"a\\\n   b!\""), "2:5");
  EXPECT_EQ(place_of_mark("k: &anchor 'x!'"), "1:14");
  EXPECT_EQ(place_of_mark("k: !!str 'x!'"), "1:12");
}

TEST(YamlPosition, UnfoldsFlowScalarsOverSeveralLines) {
  EXPECT_EQ(place_of_mark("k: a\n  b\n  c!\n"), "3:4");
  EXPECT_EQ(place_of_mark("k: a  \n\n\n  b!\n"), "4:4");
  EXPECT_EQ(place_of_mark("k: 'a\n\n  b\n   c!'\n"), "4:5");
  EXPECT_EQ(place_of_mark("k: \"a \n  b!\"\n"), "2:4");
  EXPECT_EQ(place_of_mark("k: a\r\n  b!\r\n"), "2:4");
}

TEST(YamlPosition, ReadsBlockScalars) {
  EXPECT_EQ(place_of_mark("k: |\n  a\n  b!\n"), "3:4");
  EXPECT_EQ(place_of_mark("k: |-\n  a\n\n    b!\n"), "4:6");
  EXPECT_EQ(place_of_mark("k: |+ # why\n\n  a!\n\n\nz: 1\n"), "3:4");
  EXPECT_EQ(place_of_mark("k: |2\n    a!\n"), "2:6");
  EXPECT_EQ(place_of_mark("k: >\n  a\n  b!\n"), "3:4");
  EXPECT_EQ(place_of_mark("k: >-\n  a\n  b\n\n  c!\n"), "5:4");
  EXPECT_EQ(place_of_mark("k: >-\n  a\n\n\n  b!\n"), "5:4");
  EXPECT_EQ(place_of_mark("k: >-\n  a\n    b\n    c!\n  d\n"), "4:6");
  EXPECT_EQ(place_of_mark("k: >-\n  a\n\n    b\n\n  c!\n"), "6:4");
  EXPECT_EQ(place_of_mark("k: >+\n  a!\n\n\n"), "2:4");
  EXPECT_EQ(place_of_mark("k: >-\r\n  a\r\n  b!\r\n"), "3:4");
}

TEST(YamlPosition, AnEmptyValueStandsAtItsKey) {
  const YamlOutcome outcome = parse_yaml("a:\n  b:\n\n  # later\n  c: 1\nd: [1]\ne:\n  -\n  - 2\n");
  const YamlEntry& b = outcome.root->find("a")->value->entries[0];
  EXPECT_EQ(b.value->line, 2);
  EXPECT_EQ(b.value->column, 3);
  const YamlNode& item = *outcome.root->find("e")->value->items[0];
  EXPECT_EQ(item.line, 8);
  EXPECT_EQ(item.column, 3);
}

TEST(YamlPosition, AnAliasLeadsToItsAnchor) {
  const YamlOutcome outcome = parse_yaml("a: &x 'y'\nk: *x\n");
  const YamlNode& node = *outcome.root->find("k")->value;
  const auto offsets = scalar_offsets("a: &x 'y'\nk: *x\n", node);
  ASSERT_TRUE(offsets.has_value());
  EXPECT_EQ(offsets->front(), 7U);
}

}  // namespace
}  // namespace rabt::workflow::yaml_position_test
