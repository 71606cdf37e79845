#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <set>

#include "hub/workflow/expression.hpp"

// The jq project's own tests, read from RABT_CONFORMANCE_DATA/vectors/jq (*.test; the files of
// jq 1.6). Blocks are separated by empty lines: program, input, outputs; or %%FAIL, program, error
// text.
namespace rabt::workflow::jq_suite_test {
namespace {

struct Block {
  std::string program;
  std::string input;
  std::vector<std::string> outputs;
  bool refused = false;  // %%FAIL: must not compile
  std::string place;
};

std::vector<Block> blocks(const std::filesystem::path& path) {
  std::vector<Block> out;
  std::ifstream file(path, std::ios::binary);
  std::string line;
  std::size_t number = 0;
  std::vector<std::string> lines;
  std::size_t first = 0;
  const auto close = [&] {
    if (lines.empty()) return;
    Block block;
    block.place = path.filename().string() + ":" + std::to_string(first);
    block.refused = lines[0].starts_with("%%FAIL");
    if (block.refused) lines.erase(lines.begin());
    if (!lines.empty()) block.program = lines[0];
    if (lines.size() > 1) block.input = lines[1];
    if (lines.size() > 2) block.outputs.assign(lines.begin() + 2, lines.end());
    out.push_back(std::move(block));
    lines.clear();
  };
  while (std::getline(file, line)) {
    ++number;
    const bool blank = line.find_first_not_of(" \t\r") == std::string::npos;
    if (blank) {
      close();
    } else if (line.front() != '#') {
      if (lines.empty()) first = number;
      lines.push_back(line);
    }
  }
  close();
  return out;
}

struct Excuse {
  std::string_view program;
  std::string_view reason;
};

// docs/expressions.md has each reason at greater length.
constexpr std::string_view kModules = "there are no modules";
constexpr std::string_view kNewerEmpty = "an empty match keeps its captures, as in later versions";
constexpr std::string_view kRe2 = "RE2: \\b knows ASCII words";
constexpr std::string_view kInput = "the input is no JSON: Infinity, NaN";
constexpr Excuse kExcuses[] = {
    {R"~([match("( )*"; "g")])~", kNewerEmpty},
    {R"~([match(".+?\\b")])~", kRe2},
    {".[] = 1", kInput},
    {R"~(import "a" as foo; import "b" as bar; def fooa: foo::a; [fooa, bar::a, bar::b, foo::a])~",
     kModules},
    {R"~(import "c" as foo; [foo::a, foo::c])~", kModules},
    {R"~(include "c"; [a, c])~", kModules},
    {"modulemeta", kModules},
    {R"~(import "test_bind_order" as check; check::check)~", kModules},
};

// Error in our answer; empty if there is none.
std::string check(const Block& block) {
  const auto compiled = Expression::compile(block.program, {});
  if (block.refused) return compiled.expression ? "it compiles" : "";
  if (!compiled.expression) return compiled.fault.message;
  std::string_view text = block.input;
  if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);
  const auto input = Json::parse(text);
  if (!input.ok()) return "the input is not JSON: " + input.error().message;
  std::vector<Json> results;
  const auto fault =
      compiled.expression->each(*input, {}, default_expression_budget(), [&](const Json& result) {
        results.push_back(result);
        return true;
      });
  for (std::size_t i = 0; i < std::max(results.size(), block.outputs.size()); ++i) {
    if (i >= results.size())
      return "no result where " + block.outputs[i] + " is expected; " +
             (fault ? fault->message : "");
    if (i >= block.outputs.size()) return "one result more: " + results[i].dump();
    const auto expected = Json::parse(block.outputs[i]);
    if (!expected.ok()) return "the expected output is not JSON: " + block.outputs[i];
    if (results[i] != *expected) return "gave " + results[i].dump() + " for " + block.outputs[i];
  }
  // A block lists the results up to an error; jq's own runner does not tell the two ends apart.
  return "";
}

TEST(JqSuite, PassesTheJqProjectSOwnTests) {
  const char* data = std::getenv("RABT_CONFORMANCE_DATA");
  const std::filesystem::path folder =
      std::filesystem::path(data == nullptr ? "" : data) / "vectors/jq";
  if (data == nullptr || !std::filesystem::is_directory(folder)) {
    GTEST_SKIP() << "RABT_CONFORMANCE_DATA/vectors/jq (the *.test files of jq) is absent";
  }
  std::size_t passed = 0;
  std::size_t excused = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().extension() != ".test") continue;
    const std::vector<Block> cases = blocks(entry.path());
    EXPECT_FALSE(cases.empty()) << entry.path();
    for (const Block& block : cases) {
      const std::string wrong = check(block);
      const auto* excuse =
          std::find_if(std::begin(kExcuses), std::end(kExcuses),
                       [&](const Excuse& e) { return e.program == block.program; });
      if (excuse == std::end(kExcuses)) {
        EXPECT_EQ(wrong, "") << block.place << ": " << block.program << "\n  input " << block.input;
        if (wrong.empty()) ++passed;
      } else {
        EXPECT_NE(wrong, "") << block.place << ": " << block.program
                             << " passes; it needs no excuse (" << excuse->reason << ")";
        ++excused;
      }
    }
  }
  std::cout << passed << " passed, " << excused << " excused\n";
  EXPECT_GT(passed, 0U);
}

}  // namespace
}  // namespace rabt::workflow::jq_suite_test
