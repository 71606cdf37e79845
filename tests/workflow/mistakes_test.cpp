#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <regex>
#include <set>
#include <sstream>

#include "files.hpp"
#include "hub/workflow/lint/lint_report.hpp"
#include "hub/workflow/lint/lint_rules.hpp"
#include "lint_catalog.hpp"

// Files of tests/workflow/mistakes: each ends with the findings it must give, no more and no less,
//     # expect: <severity> <code> <line>:<column> <part of message or suggestion>
// or with `# expect: nothing`.
namespace rabt::workflow::mistakes_test {
namespace {

namespace fs = std::filesystem;

std::string place_and_code(const Diagnostic& diagnostic) {
  return std::string(to_string(diagnostic.severity)) + ' ' + diagnostic.code + ' ' +
         std::to_string(diagnostic.line) + ':' + std::to_string(diagnostic.column);
}

struct Expected {
  std::string head;  // severity code line:column
  std::string part;
};

std::vector<Expected> expected_of(const std::string& text, bool& said) {
  constexpr std::string_view kMark = "# expect: ";
  std::vector<Expected> out;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with(kMark)) continue;
    said = true;
    line = line.substr(kMark.size());
    if (line == "nothing") continue;
    std::size_t end = 0;
    for (int words = 0; words < 3 && end != std::string::npos; ++words)
      end = line.find(' ', end + 1);
    out.push_back({line.substr(0, end), end == std::string::npos ? "" : line.substr(end + 1)});
  }
  return out;
}

class Mistake : public testing::TestWithParam<fs::path> {};

TEST_P(Mistake, GivesExactlyItsFindings) {
  const std::string text = read(GetParam());
  const LintCatalog catalog;
  const ParsedDefinition result = parse_definition(text, &catalog);
  std::string found;
  for (const Diagnostic& one : result.diagnostics) {
    found += "# expect: " + place_and_code(one) + ' ' +
             (one.suggestion.empty() ? one.message : one.suggestion) + '\n';
  }
  bool said = false;
  const std::vector<Expected> expected = expected_of(text, said);
  EXPECT_TRUE(said) << "the file says nothing; it gives\n" << found;
  ASSERT_EQ(result.diagnostics.size(), expected.size()) << "it gives\n" << found;
  bool error = false;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    const Diagnostic& diagnostic = result.diagnostics[i];
    error = error || diagnostic.severity == Severity::error;
    EXPECT_EQ(place_and_code(diagnostic), expected[i].head) << diagnostic.message;
    const std::string words = diagnostic.message + " (" + diagnostic.suggestion + ")";
    EXPECT_NE(words.find(expected[i].part), std::string::npos) << words << "\ndoes not hold\n"
                                                               << expected[i].part;
  }
  EXPECT_EQ(result.definition == nullptr, error);
}

std::string name_of(const testing::TestParamInfo<fs::path>& file) {
  return file.param.stem().string();
}
INSTANTIATE_TEST_SUITE_P(Lint, Mistake,
                         testing::ValuesIn(files_in(fs::path(variable("RABT_SOURCE_DIR")) /
                                                        "tests/workflow/mistakes",
                                                    ".yaml")),
                         name_of);
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(Mistake);

TEST(LintMistakes, AreAtLeastEighty) {
  const std::string root = variable("RABT_SOURCE_DIR");
  if (root.empty()) GTEST_SKIP() << "RABT_SOURCE_DIR is not set";
  EXPECT_GE(files_in(fs::path(root) / "tests/workflow/mistakes", ".yaml").size(), 80U);
}

// docs/lint.md: a section `### code` for each rule, with an example that gives the code.
struct Section {
  std::string code;
  std::string severity;
  std::string example;  // from the line after `document`, or a whole file
};

std::vector<Section> sections(const std::string& page) {
  std::vector<Section> out;
  std::istringstream lines(page);
  bool inside = false;
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("### ")) {
      out.push_back({line.substr(4), "", ""});
    } else if (line.starts_with("```")) {
      inside = !inside && line == "```yaml";
    } else if (inside && !out.empty()) {
      out.back().example += line + '\n';
    } else if (!out.empty() && out.back().severity.empty() && !line.empty()) {
      out.back().severity = line.substr(0, line.find_first_of(".: "));
    }
  }
  return out;
}

TEST(LintRules, SourceTableAndPageNameTheSameCodes) {
  const std::string root = variable("RABT_SOURCE_DIR");
  if (root.empty()) GTEST_SKIP() << "RABT_SOURCE_DIR is not set";
  // Codes of a running instance and of the simulator: nothing that a file can be told.
  const std::set<std::string> running = {
      "expression.budget",       "expression.runtime",    "expression.several_results",
      "expression.uri_template", "workflow.business_key", "workflow.child_cancelled",
      "workflow.child_faulted",  "workflow.correlation",  "workflow.input",
      "workflow.secret",         "workflow.stopped",      "workflow.unknown_child"};
  std::set<std::string> emitted;
  const std::regex code("\"((?:workflow|yaml|expression)\\.[a-z_]+)\"");
  for (const fs::path& file : files_in(fs::path(root) / "hub/workflow", ".cpp")) {
    if (file.stem() == "lint_rules") continue;
    const std::string text = read(file);
    for (std::sregex_iterator at(text.begin(), text.end(), code), end; at != end; ++at) {
      if (!running.contains((*at)[1])) emitted.insert((*at)[1]);
    }
  }
  std::set<std::string> listed;
  std::string before;
  for (const LintRule& rule : lint_rules()) {
    EXPECT_LT(before, rule.code) << "the table is in alphabetical order";
    before = rule.code;
    listed.insert(std::string(rule.code));
    EXPECT_EQ(find_lint_rule(rule.code), &rule);
    EXPECT_FALSE(rule.title.empty() || rule.remedy.empty()) << rule.code;
  }
  EXPECT_EQ(find_lint_rule("workflow.no_such_rule"), nullptr);
  std::set<std::string> written;
  for (const Section& section : sections(read(fs::path(root) / "docs/lint.md"))) {
    EXPECT_TRUE(written.insert(section.code).second) << section.code << " stands twice";
    if (const LintRule* rule = find_lint_rule(section.code); rule != nullptr) {
      std::string severity = section.severity;
      severity[0] = static_cast<char>(std::tolower(static_cast<unsigned char>(severity[0])));
      EXPECT_EQ(severity, to_string(rule->severity)) << section.code;
    }
  }
  EXPECT_EQ(listed, emitted) << "hub/workflow/lint/lint_rules.cpp against what the source can say";
  EXPECT_EQ(written, listed) << "docs/lint.md against hub/workflow/lint/lint_rules.cpp";
}

TEST(LintRules, EveryExampleOfThePageGivesItsCode) {
  const std::string root = variable("RABT_SOURCE_DIR");
  if (root.empty()) GTEST_SKIP() << "RABT_SOURCE_DIR is not set";
  const LintCatalog catalog;
  std::size_t examples = 0;
  for (const Section& section : sections(read(fs::path(root) / "docs/lint.md"))) {
    if (section.example.empty()) continue;
    ++examples;
    const std::string text =
        section.example.starts_with("document:") ? section.example : document(section.example);
    const ParsedDefinition result = parse_definition(text, &catalog);
    EXPECT_TRUE(
        std::any_of(result.diagnostics.begin(), result.diagnostics.end(),
                    [&](const Diagnostic& diagnostic) { return diagnostic.code == section.code; }))
        << section.code << "\n"
        << all_text(result.diagnostics);
  }
  EXPECT_GE(examples, 50U);
}

TEST(LintReport, ShowsTheLineWithAMarkUnderTheCharacter) {
  LintedFile file{
      "dir/a.yaml", document("do:\n  - ا:\n      then: nowhere\n      set: {b: 1}\n"), {}, ""};
  file.diagnostics = parse_definition(file.text, nullptr).diagnostics;
  EXPECT_EQ(lint_text(file),
            "dir/a.yaml:4:13: error: no task `nowhere` in this list: `then` cannot leave its list "
            "[workflow.unknown_task]\n"
            "  4 |       then: nowhere\n"
            "    |             ^~~~~~~\n");
}

TEST(LintReport, ShowsNoCredentialAndNoTerminalControls) {
  LintedFile file{"a\x1b[31m.yaml",
                  document("do:\n  - a:\n      set:\n        key: sk_live_0123456789abcdef\n"
                           "      \"th\\e[31men\": end\n"),
                  {},
                  ""};
  file.diagnostics = parse_definition(file.text, nullptr).diagnostics;
  ASSERT_EQ(file.diagnostics.size(), 2U);
  const std::string text = lint_text(file);
  EXPECT_EQ(text.find("sk_live"), std::string::npos) << text;
  EXPECT_EQ(text.find('\x1b'), std::string::npos) << text;
  for (const std::string& other : {lint_json({file}).dump(), lint_sarif({file}).dump()})
    EXPECT_EQ(other.find("sk_live"), std::string::npos);
}

TEST(LintReport, CutsALongLineAroundTheMark) {
  LintedFile file{
      "a.yaml",
      document("do:\n  - a:\n      set: {b: '" + std::string(400, 'x') + "', c: '${ $nope }'}\n"),
      {},
      ""};
  file.diagnostics = parse_definition(file.text, nullptr).diagnostics;
  const std::string text = lint_text(file);
  EXPECT_NE(text.find("| ...xxx"), std::string::npos) << text;
  std::istringstream lines(text);
  std::string shown;
  std::string mark;
  std::getline(lines, shown);
  std::getline(lines, shown);
  std::getline(lines, mark);
  EXPECT_LT(shown.size(), 200U);
  EXPECT_EQ(shown.substr(mark.find('^'), 5), "$nope") << text;
}

TEST(LintReport, SarifNamesRuleFileAndPlace) {
  LintedFile file{"my files/ä.yaml", document("do: []\n"), {}, ""};
  file.diagnostics = parse_definition(file.text, nullptr).diagnostics;
  const Json log = lint_sarif({file, {"gone.yaml", "", {}, "No such file"}});
  EXPECT_EQ(log["version"], Json("2.1.0"));
  const Json& run = log["runs"][0];
  EXPECT_EQ(run["columnKind"], Json("unicodeCodePoints"));
  EXPECT_EQ(run["tool"]["driver"]["rules"].size(), lint_rules().size());
  EXPECT_EQ(run["invocations"][0]["executionSuccessful"], Json(false));
  ASSERT_EQ(run["results"].size(), 1U);
  const Json& result = run["results"][0];
  EXPECT_EQ(result["ruleId"], Json("workflow.empty"));
  const auto index = result["ruleIndex"].as_int64();
  EXPECT_EQ(run["tool"]["driver"]["rules"][*index]["id"], Json("workflow.empty"));
  const Json& place = result["locations"][0]["physicalLocation"];
  EXPECT_EQ(place["artifactLocation"]["uri"], Json("my%20files/%C3%A4.yaml"));
  EXPECT_EQ(place["region"], json(R"({"startLine":2,"startColumn":5})"));
}

TEST(LintReport, JsonIsOneArrayOfFindings) {
  LintedFile file{"a.yaml", document("do: []\n"), {}, ""};
  file.diagnostics = parse_definition(file.text, nullptr).diagnostics;
  EXPECT_EQ(lint_json({file}).dump(),
            R"([{"file":"a.yaml","line":2,"column":5,"severity":"error","code":"workflow.empty",)"
            R"("message":"`do` needs at least one task"}])");
  EXPECT_EQ(lint_json({}).dump(), "[]");
}

// No false alarm on what others wrote.
TEST(LintExamples, OfTheSpecificationAreFineUnlessTheyAreOutsideOfTheProfile) {
  const fs::path folder = fs::path(variable("RABT_CONFORMANCE_DATA")) / "dsl/examples";
  const std::vector<fs::path> examples = files_in(folder, ".yaml");
  if (examples.empty()) GTEST_SKIP() << folder << " is not there";
  std::size_t inside = 0;
  std::string table;
  for (const fs::path& path : examples) {
    const ParsedDefinition result = parse_definition(read(path), nullptr);
    std::string outside;
    for (const Diagnostic& diagnostic : result.diagnostics) {
      if (diagnostic.severity != Severity::error) continue;
      if (diagnostic.code == "workflow.not_supported") {
        outside = diagnostic.message;
      } else {
        ADD_FAILURE() << to_string(diagnostic, path.filename().string());
      }
    }
    if (result.definition != nullptr) ++inside;
    table += (result.definition != nullptr ? "  inside   " : "  outside  ") +
             path.filename().string() + (outside.empty() ? "" : "  (" + outside + ")") + '\n';
  }
  std::cout << table << "  " << inside << " of " << examples.size() << " inside the profile\n";
  EXPECT_GT(inside, 0U);
}

TEST(LintExamples, TheSampleAndTheShippedWorkflowAreGood) {
  const std::string root = variable("RABT_SOURCE_DIR");
  if (root.empty()) GTEST_SKIP() << "RABT_SOURCE_DIR is not set";
  const std::string text = read(fs::path(root) / "workflows/consultation.yaml");
  const auto begin = std::chrono::steady_clock::now();
  constexpr int kTimes = 20;
  ParsedDefinition shipped;
  for (int i = 0; i < kTimes; ++i) shipped = parse_definition(text, nullptr);
  const auto took = std::chrono::duration_cast<std::chrono::microseconds>(
      std::chrono::steady_clock::now() - begin);
  std::cout << "  linting the shipped workflow: " << took.count() / kTimes << " us\n";
  EXPECT_EQ(all_text(shipped.diagnostics), "");
  const fs::path sample =
      fs::path(variable("RABT_CONFORMANCE_DATA")) / "workflow/consultation.yaml";
  if (!fs::exists(sample)) return;
  for (const Diagnostic& diagnostic : parse_definition(read(sample), nullptr).diagnostics)
    EXPECT_NE(diagnostic.severity, Severity::error) << to_string(diagnostic, "consultation.yaml");
}

}  // namespace
}  // namespace rabt::workflow::mistakes_test
