#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <set>
#include <sstream>

#include "hub/workflow/expression/expression_ast.hpp"

// docs/expressions.md against the evaluator: its examples, its lists.
namespace rabt::workflow::expression_docs_test {
namespace {

std::vector<std::string> page() {
  const char* root = std::getenv("RABT_SOURCE_DIR");
  std::ifstream file(std::string(root == nullptr ? "." : root) + "/docs/expressions.md");
  EXPECT_TRUE(file.is_open()) << "RABT_SOURCE_DIR does not lead to docs/expressions.md";
  std::vector<std::string> lines;
  std::string line;
  while (std::getline(file, line)) lines.push_back(line);
  return lines;
}

// The blocks between ```kind and ```.
std::vector<std::vector<std::string>> fenced(const std::string& kind) {
  std::vector<std::vector<std::string>> blocks;
  bool inside = false;
  for (const std::string& line : page()) {
    if (line == "```" + kind) {
      inside = true;
      blocks.emplace_back();
    } else if (line == "```") {
      inside = false;
    } else if (inside) {
      blocks.back().push_back(line);
    }
  }
  return blocks;
}

TEST(ExpressionDocuments, EveryExampleGivesWhatThePageSays) {
  std::size_t examples = 0;
  const auto check = [&](const std::vector<std::string>& lines) {
    if (lines.empty()) return;
    ++examples;
    ASSERT_GE(lines.size(), 2U) << lines[0];
    const auto compiled = Expression::compile(lines[0], {});
    ASSERT_TRUE(compiled.expression.has_value()) << lines[0] << ": " << compiled.fault.message;
    const auto input = Json::parse(lines[1]);
    ASSERT_TRUE(input.ok()) << lines[1];
    const auto results = compiled.expression->all(*input, {}, default_expression_budget());
    ASSERT_TRUE(results.ok()) << lines[0] << ": " << results.error().message;
    ASSERT_EQ(results->size(), lines.size() - 2) << lines[0];
    for (std::size_t i = 0; i < results->size(); ++i) {
      const auto expected = Json::parse(lines[i + 2]);
      ASSERT_TRUE(expected.ok()) << lines[i + 2];
      EXPECT_EQ((*results)[i].dump(), expected->dump()) << lines[0];
    }
  };
  for (const auto& block : fenced("jq")) {
    std::vector<std::string> lines;
    for (const std::string& line : block) {
      if (!line.empty()) {
        lines.push_back(line);
        continue;
      }
      check(lines);
      lines.clear();
    }
    check(lines);
  }
  EXPECT_GE(examples, 20U);
}

TEST(ExpressionDocuments, ListExactlyTheFunctionsThereAre) {
  const auto blocks = fenced("functions");
  ASSERT_EQ(blocks.size(), 1U);
  std::set<std::string> listed;
  for (std::string line : blocks[0]) {
    if (const auto colon = line.find(':'); colon != std::string::npos) line.erase(0, colon + 1);
    std::istringstream words(line);
    std::string word;
    while (words >> word) {
      std::istringstream parts(word);
      std::string name;
      std::getline(parts, name, '/');
      std::string arity;
      bool any = false;
      while (std::getline(parts, arity, '/')) {
        any = true;
        EXPECT_TRUE(listed.insert(name + "/" + arity).second) << word << " is listed twice";
      }
      if (!any) {
        EXPECT_TRUE(listed.insert(name + "/0").second) << word << " is listed twice";
      }
    }
  }
  const std::vector<std::string> table = function_table();
  const std::set<std::string> known(table.begin(), table.end());
  EXPECT_EQ(known.size(), table.size()) << "a function is there twice";
  EXPECT_EQ(listed, known);
}

// The words between ` ` in the first column of the table under a heading.
std::set<std::string> first_column(const std::string& heading, const std::string& row) {
  std::set<std::string> words;
  bool here = false;
  for (const std::string& line : page()) {
    if (line.starts_with("## ")) here = line == heading;
    if (!here || !line.starts_with("| " + row)) continue;
    const std::string cell =
        row.empty() ? line.substr(1, line.find(" | ")) : line.substr(line.find(" | ") + 3);
    for (std::size_t at = cell.find('`'); at != std::string::npos;) {
      const std::size_t end = cell.find('`', at + 1);
      std::istringstream parts(cell.substr(at + 1, end - at - 1));
      std::string word;
      while (parts >> word) words.insert(word);
      at = cell.find('`', end + 1);
    }
  }
  return words;
}

TEST(ExpressionDocuments, ListExactlyTheRefusedNames) {
  std::set<std::string> listed;
  for (std::string name : first_column("## What is refused, and why", "")) {
    if (name.front() == '$') name.erase(0, 1);
    listed.insert(name);
  }
  const std::vector<std::string> names = forbidden_names();
  EXPECT_EQ(listed, std::set<std::string>(names.begin(), names.end()));
}

TEST(ExpressionDocuments, ListExactlyTheFormats) {
  const std::set<std::string> listed = first_column("## Language", "Formats");
  EXPECT_GE(listed.size(), 9U);
  for (const std::string& name : listed) {
    EXPECT_TRUE(find_format(name.substr(1)).has_value()) << name;
  }
  // The message of an unknown format names all there are.
  const auto outcome = Expression::compile("@none", {});
  std::istringstream words(outcome.fault.message.substr(outcome.fault.message.find("are ") + 4));
  std::string word;
  while (words >> word) EXPECT_TRUE(listed.contains(word)) << word;
}

}  // namespace
}  // namespace rabt::workflow::expression_docs_test
