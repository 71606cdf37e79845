#include "gherkin.hpp"

#include <gtest/gtest.h>

#include "feature_runner.hpp"

namespace rabt::gherkin::gherkin_test {
namespace {

constexpr const char* kWhole = R"(# a comment
@all
Feature: F
  Free text, as long as it likes.

  Background: b
    Given a start

  @one @two
  Scenario: first
    When something:
      """yaml
      a: |
        b
        \"\"\"
      """
    # a comment
    And a table:
      | k | v\|w |
      | 1 | \\x\n |
    But no more

  Scenario Outline: row <n>
    Then <n> of <n> <other>
      ```
      <n>
      ```
    @few
    Examples: small
      | n |
      | 1 |
      | 2 |
    Examples:
      | n | other |
      | 3 | x     |
)";

TEST(Gherkin, ReadsWhatTheSubsetHas) {
  const Outcome outcome = parse(kWhole);
  ASSERT_TRUE(outcome.feature.has_value()) << outcome.fault.line << ": " << outcome.fault.message;
  const Feature& feature = *outcome.feature;
  EXPECT_EQ(feature.name, "F");
  ASSERT_EQ(feature.scenarios.size(), 4U);
  const Scenario& first = feature.scenarios[0];
  EXPECT_EQ(first.name, "first");
  EXPECT_EQ(first.line, 10);
  EXPECT_EQ(first.tags, (std::vector<std::string>{"all", "one", "two"}));
  ASSERT_EQ(first.steps.size(), 4U);
  EXPECT_EQ(first.steps[0].text, "a start");
  EXPECT_EQ(first.steps[0].keyword, "Given");
  EXPECT_EQ(first.steps[1].block, "a: |\n  b\n  \"\"\"\n");
  EXPECT_EQ(first.steps[1].block_type, "yaml");
  EXPECT_EQ(first.steps[2].keyword, "When");
  EXPECT_EQ(first.steps[2].table,
            (std::vector<std::vector<std::string>>{{"k", "v|w"}, {"1", "\\x\n"}}));
  EXPECT_EQ(first.steps[3].text, "no more");
  EXPECT_EQ(first.steps[3].line, 21);
  EXPECT_EQ(feature.scenarios[1].name, "row 1 (row 1)");
  EXPECT_EQ(feature.scenarios[1].tags, (std::vector<std::string>{"all", "few"}));
  EXPECT_EQ(feature.scenarios[2].steps[1].text, "2 of 2 <other>");
  EXPECT_EQ(feature.scenarios[2].steps[1].block, "2\n");
  EXPECT_EQ(feature.scenarios[3].steps[1].text, "3 of 3 x");
}

TEST(Gherkin, RefusesEverythingElseWithTheLine) {
  const auto fault = [](std::string_view text) {
    const Outcome outcome = parse(text);
    return outcome.feature ? std::string("read")
                           : std::to_string(outcome.fault.line) + ": " + outcome.fault.message;
  };
  const std::string head = "Feature: F\nScenario: s\n";
  EXPECT_EQ(fault(""), "1: a feature file starts with `Feature:`");
  EXPECT_EQ(fault("Scenario: s\n"), "1: a feature file starts with `Feature:`");
  EXPECT_EQ(fault(head), "2: the scenario `s` has no steps");
  EXPECT_EQ(fault(head + "And x\n"), "3: `And` has no Given, When or Then before it");
  EXPECT_EQ(fault(head + "Given x\nSoon y\n"), "4: expected `Scenario:`, found `Soon y`");
  EXPECT_EQ(fault(head + "Given x\n\"\"\"\nabc\n"), "4: the doc string never ends");
  EXPECT_EQ(fault(head + "\"\"\"\nabc\n\"\"\"\n"), "3: a doc string without a step");
  EXPECT_EQ(fault(head + "Given x\n|a|b|\n|c|\n"),
            "5: the rows of a table have equally many cells");
  EXPECT_EQ(fault(head + "Given x\n|a|b\n"), "4: a row ends with |");
  EXPECT_EQ(fault(head + "Given x\n|a|\n\"\"\"\n\"\"\"\n"),
            "5: the step has a table or doc string already");
  EXPECT_EQ(fault(head + "Given x\nBackground:\nGiven y\n"),
            "4: `Background:` stands before every scenario");
  EXPECT_EQ(fault("Feature: F\nRule: r\n"), "2: `Rule:` is not read here");
  EXPECT_EQ(fault("Feature: F\nScenario Outline: o\nGiven x\n"),
            "2: a scenario outline needs `Examples:`");
  EXPECT_EQ(fault("Feature: F\nScenario Outline: o\nGiven x\nExamples:\nGiven y\n"),
            "4: `Examples:` needs a table with a row of names");
  EXPECT_EQ(fault(head + "Given x\n@late\n"), "5: tags without a scenario");
  EXPECT_EQ(fault("@a b\nFeature: F\n"), "1: tags are words that start with @");
  EXPECT_EQ(fault("# language: fr\nFeature: F\n"), "1: only English keywords are read");
}

TEST(Gherkin, OutlinesDoNotMultiplyPastTheLimit) {
  std::string text = "Feature: F\nScenario Outline: o\n";
  for (int i = 0; i < 200; ++i) text += "Given x\n";
  text += "Examples:\n|n|\n";
  for (int i = 0; i < 100; ++i) text += "|1|\n";
  EXPECT_TRUE(parse(text).feature.has_value());  // 20,000 steps
  EXPECT_FALSE(parse(text + "|1|\n").feature.has_value());
  std::string wide = "Feature: F\nScenario Outline: o\nGiven ";
  for (int i = 0; i < 1000; ++i) wide += "<n>";
  wide += "\nExamples:\n|n|\n|" + std::string(5000, 'x') + "|\n";
  EXPECT_FALSE(parse(wide).feature.has_value());
  EXPECT_FALSE(parse(std::string(kMaxBytes + 1, '\n')).feature.has_value());
}

// Every kind of assertion must be able to fail.
TEST(FeatureRunner, ReportsWhatDoesNotHold) {
  const auto failures = [](const std::string& steps) {
    const Outcome outcome = parse(R"(Feature: F
  Background:
    Given a workflow that does:
    """yaml
    do:
      - a: {set: {x: 1}}
      - b: {if: '${ .call }', call: ask:1.0.0@payer, with: {n: 1}}
    """
    And the workflow input is:
    """yaml
    n: 1
    """
  Scenario: s
)" + steps);
    EXPECT_TRUE(outcome.feature.has_value()) << outcome.fault.message;
    if (!outcome.feature) return std::size_t{0};
    return workflow::run_scenario(outcome.feature->scenarios.front(), nullptr).size();
  };
  const std::string run = "When the workflow is executed\n";
  EXPECT_EQ(
      failures(run + "Then the workflow should complete with output:\n\"\"\"\nx: 1\n\"\"\"\n"), 0U);
  for (const char* wrong :
       {"Then the workflow should fault",
        "Then the workflow should cancel",
        "Then the workflow should be waiting",
        "Then the workflow should be running",
        "Then the workflow should complete with output:\n\"\"\"\nx: 2\n\"\"\"",
        "Then the workflow should fault with error:\n\"\"\"\nstatus: 400\n\"\"\"",
        "Then the workflow output should have properties 'x', 'y'",
        "Then the workflow output should have a 'x' property with value:\n\"\"\"\n2\n\"\"\"",
        "Then the workflow output should have a 'x' property containing 2 items",
        "Then the context should be:\n\"\"\"\na: 1\n\"\"\"",
        "Then b should run first",
        "Then b should run last",
        "Then a should run after b",
        "Then a should run before b",
        "Then a should run 2 times",
        "Then a should not run",
        "Then a should be skipped",
        "Then a should be retried 1 time",
        "Then b should complete",
        "Then a should cancel",
        "Then a should fault",
        "Then a should fault with error:\n\"\"\"\nstatus: 1\n\"\"\"",
        "Then a should complete with output:\n\"\"\"\nx: 2\n\"\"\"",
        "Then there should be 1 call to ask",
        "Then 1 call should be cancelled",
        "Then the call 1 to ask should have arguments:\n\"\"\"\nn: 1\n\"\"\"",
        "Then the call 1 to ask should have reference /do/1/b",
        "Then the call 1 to ask should be attempt 1",
        "Then a timer should be due in PT1S",
        "Then the event a.v1 should be emitted with:\n\"\"\"\n{}\n\"\"\"",
        "When the event is received:\n\"\"\"\ntype: a.v1\n\"\"\"",
        "When the action ask answers:\n\"\"\"\n{}\n\"\"\"",
        "Then the workflow should be refused with workflow.value",
        "Then the workflow should be accepted with the warning workflow.unused",
        "When the time passes soon",
        "Then something nobody wrote"}) {
    EXPECT_GE(failures(run + wrong + "\n"), 1U) << wrong;
  }
  EXPECT_EQ(failures("Then the workflow should complete\n"), 1U);  // never executed
}

}  // namespace
}  // namespace rabt::gherkin::gherkin_test
