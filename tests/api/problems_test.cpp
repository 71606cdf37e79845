#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <regex>
#include <set>
#include <sstream>

#include "hub/http/problem.hpp"
#include "hub/workflow/lint/lint_rules.hpp"
#include "tests/api/problem_codes.hpp"

// docs/problems.md against the sources: every code of an error is there or is a rule of the linter,
// the statuses are those that the hub answers, and no code is there that nobody answers.
namespace rabt::api::problems_test {
namespace {

namespace fs = std::filesystem;

std::string text_of(const fs::path& path) {
  std::ifstream in(path);
  std::stringstream out;
  out << in.rdbuf();
  return out.str();
}

fs::path source() {
  const char* root = std::getenv("RABT_SOURCE_DIR");  // NOLINT(concurrency-mt-unsafe)
  return root != nullptr ? root : ".";
}

// The hub, and the programs that `rabt plugin check` and `rabt plugin new` start.
std::vector<test::SourceFile> sources() {
  std::vector<test::SourceFile> out;
  for (const char* folder : {"hub", "tools/check", "tools/scaffold"}) {
    for (const auto& file : fs::recursive_directory_iterator(source() / folder)) {
      const auto extension = file.path().extension();
      if (extension != ".cpp" && extension != ".hpp") continue;
      out.push_back({fs::relative(file.path(), source()).string(), text_of(file.path())});
    }
  }
  return out;
}

// A row of the page: `code`, where it is read, meaning.
struct Row {
  std::string where;
  std::string text;
};

std::map<std::string, Row> rows_of(const std::string& page, std::vector<std::string>& mistakes) {
  static const std::regex row(R"re(^\| `([a-z0-9_]+\.[a-z0-9_]+)` \| ([^|]+) \| (.+) \|$)re");
  std::map<std::string, Row> out;
  std::stringstream text(page);
  for (std::string line; std::getline(text, line);) {
    std::smatch found;
    if (!std::regex_match(line, found, row)) {
      if (line.starts_with("| `") && line.find('.') < line.find("` |"))
        mistakes.push_back("no row of a code: " + line);
      continue;
    }
    if (!out.emplace(found[1], Row{found[2], found[3]}).second)
      mistakes.push_back("twice: " + line);
  }
  return out;
}

std::set<int> statuses_of(const std::string& where) {
  std::set<int> out;
  std::stringstream text(where);
  for (std::string word; std::getline(text, word, ',');) out.insert(std::stoi(word));
  return out;
}

std::string shown(const std::set<int>& statuses) {
  std::string out;
  for (const int status : statuses) out += (out.empty() ? "" : ", ") + std::to_string(status);
  return out;
}

// Differences between the codes of the sources and those of the page, a sentence each.
std::vector<std::string> mistakes_of(const test::Codes& codes, const std::string& page) {
  const std::set<std::string> places{"rabt", "record", "health", "inside"};
  std::vector<std::string> out = codes.mistakes;
  const std::map<std::string, Row> rows = rows_of(page, out);
  std::map<std::string, std::string> texts;
  for (const auto& [code, row] : rows) {
    const auto found = codes.codes.find(code);
    if (found == codes.codes.end()) {
      out.push_back(code + " of docs/problems.md is a code that nobody answers; remove its row");
      continue;
    }
    const auto [same, fresh] = texts.emplace(row.text, code);
    if (!fresh) out.push_back(code + " and " + same->second + " say the same; make them one");
    const std::set<int>& statuses = found->second.statuses;
    if (places.contains(row.where)) {
      // Resources answer with their errors; only the reader of a configuration has errors that are
      // not answers.
      for (const std::string& file : found->second.files) {
        if (file.starts_with("hub/api/") && !statuses.empty() && !code.starts_with("config."))
          out.push_back(code + " is answered by " + file + " with " + shown(statuses));
      }
    } else if (row.where.find_first_not_of("0123456789, ") != std::string::npos) {
      out.push_back(code + ": \"" + row.where + "\" is no status and no place of the page");
    } else if (statuses_of(row.where) != statuses) {
      out.push_back(code + " has the status " + row.where + " on the page, and is answered with " +
                    shown(statuses));
    }
  }
  for (const auto& [code, from] : codes.codes) {
    if (!rows.contains(code) && workflow::find_lint_rule(code) == nullptr)
      out.push_back(code + " of " + *from.files.begin() + " is missing in docs/problems.md");
  }
  return out;
}

TEST(Problems, ThePageHasEveryCodeWithItsStatusAndNoOther) {
  const test::Codes codes = test::codes_of(sources());
  ASSERT_GT(codes.codes.size(), 500U) << "the sources were not read";
  for (const std::string& text : mistakes_of(codes, text_of(source() / "docs/problems.md")))
    ADD_FAILURE() << text;
}

// The rule itself, on sources that break it.
TEST(Problems, ACodeWithoutTextIsFoundHoweverItIsMade) {
  const auto mistakes = [](std::string text, const std::string& page) {
    const test::Codes codes = test::codes_of(
        {{"hub/a/a.hpp", "Error failed(int at, std::string code, std::string why);\n"},
         {"hub/a/b.cpp", std::move(text)}});
    std::string out;
    for (const std::string& word : mistakes_of(codes, page)) out += word + "\n";
    return out;
  };
  const std::string missing = "new.code of hub/a/b.cpp is missing in docs/problems.md\n";
  for (const char* text :
       {R"(return invalid("new.code", "x"))", R"(return denied(bad ? "new.code" : std::string(x)))",
        R"(constexpr std::string_view kNew = "new.code"; return conflict(std::string(kNew), "x"))",
        R"(return Error{ErrorKind::corrupt, "new.code", "x"};)",
        R"(return http::problem(413, "new.code", "x");)", R"(refuse({503, "new.code", "x"});)",
        R"(return failed(7, "new.code", "x");)", R"(out.code = late ? "new.code" : text;)"}) {
    EXPECT_EQ(mistakes(text, ""), missing) << text;
  }
  EXPECT_EQ(mistakes(R"(// invalid("new.code", "x")
                        log.error("new.code", {}); call(R"x(invalid("new.code"))x");)",
                     ""),
            "");
  const std::string made = R"(return not_found("new.code", "x");)";
  EXPECT_EQ(mistakes(made, "| `new.code` | 404 | there is none |\n"), "");
  EXPECT_EQ(mistakes(made, "| `new.code` | rabt | there is none |\n"), "");
  EXPECT_EQ(mistakes(made, "| `new.code` | 409 | there is none |\n"),
            "new.code has the status 409 on the page, and is answered with 404\n");
  EXPECT_EQ(mistakes(made, "| `new.code` | nowhere | there is none |\n"),
            "new.code: \"nowhere\" is no status and no place of the page\n");
  EXPECT_EQ(mistakes("", "| `old.code` | 404 | there is none |\n"),
            "old.code of docs/problems.md is a code that nobody answers; remove its row\n");
  EXPECT_EQ(
      mistakes(made + R"(return not_found("new.other", "x");)",
               "| `new.code` | 404 | there is none |\n| `new.other` | 404 | there is none |\n"),
      "new.other and new.code say the same; make them one\n");
  EXPECT_EQ(mistakes(R"(return not_found("missing", "x");)", ""),
            "hub/a/b.cpp: the code \"missing\" has no family\n");
  EXPECT_EQ(mistakes(R"(return not_found("new." + what, "x");)", ""),
            "hub/a/b.cpp: a code is put together with \"new.\"; kComposed says what it may be\n");
}

// Every code that the description says the hub answers is a string literal in a source, and is
// listed on the page.
TEST(Problems, TheDescriptionNamesNoCodeThatNobodyAnswers) {
  std::set<std::string> texts;
  static const std::regex quoted(R"re("([a-z_]+\.[a-z_]+)")re");
  for (const auto& file : fs::recursive_directory_iterator(source() / "hub")) {
    if (file.path().extension() != ".cpp" && file.path().extension() != ".hpp") continue;
    const std::string text = text_of(file.path());
    for (std::sregex_iterator at(text.begin(), text.end(), quoted), end; at != end; ++at)
      texts.insert((*at)[1]);
  }
  const std::string page = text_of(source() / "docs/problems.md");
  const std::string description = text_of(source() / "docs/openapi.yaml");
  const auto begin = description.find("\n  responses:\n    Wrong:");
  ASSERT_NE(begin, std::string::npos);
  const std::string answers =
      description.substr(begin, description.find("\n  schemas:\n", begin) - begin);
  static const std::regex named(R"re(`([a-z]+\.[a-z_]+)`)re");
  const std::set<std::string> keys{"server.rates", "privacy.patient_data"};
  std::size_t found = 0;
  for (std::sregex_iterator at(answers.begin(), answers.end(), named), end; at != end; ++at) {
    const std::string code = (*at)[1];
    if (keys.contains(code)) continue;
    ++found;
    EXPECT_TRUE(texts.contains(code)) << code << " of docs/openapi.yaml is answered by nobody";
    EXPECT_TRUE(page.find("| `" + code + "` |") != std::string::npos)
        << code << " is missing in docs/problems.md";
  }
  EXPECT_GT(found, 20U);
}

}  // namespace
}  // namespace rabt::api::problems_test
