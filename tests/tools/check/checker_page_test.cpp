#include <gtest/gtest.h>

#include <fstream>
#include <iterator>

#include "tools/check/tests.hpp"

namespace rabt::check::checker_page_test {
namespace {

std::string page(const std::string& name) {
  const char* root = std::getenv("RABT_SOURCE_DIR");
  std::ifstream in(std::string(root == nullptr ? "." : root) + "/docs/plugins/" + name);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

TEST(CheckerPage, HasEachTestWithItsSentenceAndNoOther) {
  const std::string text = page("checker.md");
  std::size_t rows = 0;
  for (std::size_t at = 0; (at = text.find("\n| `", at)) != std::string::npos; ++at) {
    const auto begin = at + 4;
    const std::string name = text.substr(begin, text.find('`', begin) - begin);
    if (find_test(name) != nullptr) ++rows;
  }
  EXPECT_EQ(rows, all_tests().size());
  for (const TestInfo& test : all_tests()) {
    const std::string clause = test.clause.empty() ? "" : " (" + std::string(test.clause) + ")";
    const std::string row =
        "| `" + std::string(test.name) + "` | " + std::string(test.sentence) + clause + " |";
    EXPECT_NE(text.find(row), std::string::npos) << row;
  }
}

TEST(ClausesPage, NamesTheTestsOfEachClause) {
  const std::string text = page("clauses.md");
  for (const TestInfo& test : all_tests()) {
    if (test.clause.empty()) continue;
    const auto line = text.find("| **" + std::string(test.clause) + "** |");
    ASSERT_NE(line, std::string::npos) << test.clause;
    const std::string row = text.substr(line, text.find('\n', line) - line);
    EXPECT_NE(row.find("`" + std::string(test.name) + "`"), std::string::npos) << test.name;
  }
  for (const char* clause : {"A1", "A2", "A3", "A4", "A5", "A6", "A7", "A8"}) {
    EXPECT_TRUE(std::any_of(all_tests().begin(), all_tests().end(), [&](const TestInfo& test) {
      return test.clause == clause;
    })) << clause;
  }
}

TEST(Tests, HaveNamesThatAreUniqueAndCanBeFound) {
  for (const TestInfo& test : all_tests()) {
    ASSERT_NE(find_test(test.name), nullptr);
    EXPECT_EQ(find_test(test.name)->id, test.id) << test.name;
    EXPECT_EQ(&info_of(test.id), find_test(test.name)) << test.name;
    EXPECT_TRUE(test.sentence.ends_with('.')) << test.name;
  }
  EXPECT_EQ(find_test("no-such-test"), nullptr);
}

}  // namespace
}  // namespace rabt::check::checker_page_test
