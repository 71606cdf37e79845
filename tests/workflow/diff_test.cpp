#include "hub/workflow/explain/diff.hpp"

#include <gtest/gtest.h>

namespace rabt::workflow::diff_test {
namespace {

using Lines = std::vector<std::string>;

constexpr const char* kHead =
    "document: {dsl: '1.0.3', namespace: test, name: sample, version: '1.0.0'}\n"
    "schedule: {on: {one: {with: {type: test.start.v1}}}}\n";

std::shared_ptr<const Definition> parse(const std::string& yaml) {
  const auto parsed = parse_definition(yaml, nullptr);
  for (const auto& diagnostic : parsed.diagnostics) {
    if (diagnostic.severity == Severity::error)
      ADD_FAILURE() << to_string(diagnostic, "test.yaml") << "\n" << yaml;
  }
  return parsed.definition;
}

// One line a difference: change what path [from -> to].
Lines compare_files(const std::string& from, const std::string& to) {
  Lines lines;
  const auto before = parse(from);
  const auto after = parse(to);
  if (before == nullptr || after == nullptr) return lines;
  for (const Difference& difference : diff(*before, *after)) {
    std::string line =
        std::string(to_string(difference.change)) + " " + difference.what + " " + difference.path;
    if (!difference.from.empty() || !difference.to.empty())
      line += " [" + difference.from + " -> " + difference.to + "]";
    lines.push_back(std::move(line));
  }
  return lines;
}
Lines compare_tasks(const std::string& from, const std::string& to) {
  return compare_files(kHead + std::string("do:\n") + from, kHead + std::string("do:\n") + to);
}

TEST(Diff, LayoutCommentsVersionAndTitleMakeNoDifference) {
  EXPECT_EQ(compare_files(kHead + std::string("do: [{a: {set: {x: 1, y: 2}}}]\n"),
                          "document:\n  version: '2.0.0'\n  name: sample\n  namespace: test\n"
                          "  dsl: '1.0.3'\n  title: Another title\n"
                          "schedule:\n  on:\n    one:\n      with: {type: test.start.v1}\n"
                          "do: # a comment\n  - a:\n      set:\n        y: 2\n        x: 1\n"),
            Lines{});
}

TEST(Diff, TasksThatAreNewOrGoneAreNamedByTheirPath) {
  EXPECT_EQ(compare_tasks("  - a: {set: {x: 1}}\n  - b: {wait: PT1M}\n",
                          "  - a: {set: {x: 1}}\n  - c: {set: {y: 1}}\n"),
            (Lines{"added task /do/c [ -> set]", "removed task /do/b [wait -> ]"}));
}

TEST(Diff, OnlyTheTaskThatMovedIsReportedAsMoved) {
  EXPECT_EQ(compare_tasks("  - a: {set: {x: 1}}\n  - b: {set: {x: 2}}\n  - c: {set: {x: 3}}\n",
                          "  - c: {set: {x: 3}}\n  - a: {set: {x: 1}}\n  - b: {set: {x: 2}}\n"),
            (Lines{"moved task /do/c [after b -> first]"}));
}

TEST(Diff, ATaskThatWentIntoAnotherListWasMovedAndNotRemoved) {
  EXPECT_EQ(compare_tasks("  - a: {set: {x: 1}}\n  - b: {set: {x: 2}}\n",
                          "  - group:\n      do:\n        - a: {set: {x: 1}}\n"
                          "  - b: {set: {x: 2}}\n"),
            (Lines{"added task /do/group [ -> do]", "removed task /do/a [set -> ]"}))
      << "a new list is one new task; what it holds is not looked into";
  EXPECT_EQ(
      compare_tasks("  - a: {set: {x: 1}}\n  - group:\n      do:\n        - b: {wait: PT1M}\n",
                    "  - group:\n      do:\n        - b: {wait: PT1M}\n"
                    "        - a: {set: {x: 1}}\n"),
      (Lines{"moved task /do/group/do/a [/do/a -> /do/group/do/a]"}));
}

TEST(Diff, WhatChangedInATaskIsSaidInTheLanguagesWords) {
  EXPECT_EQ(
      compare_tasks("  - a: {call: 'ask:1.0.0@payer', with: {n: 1}, timeout: {after: PT5M}}\n",
                    "  - a: {call: 'ask:1.1.0@payer', with: {n: 2}, timeout: {after: PT9M},"
                    " if: '${ true }'}\n"),
      (Lines{"changed call /do/a/call [ask:1.0.0@payer -> ask:1.1.0@payer]",
             "changed arguments /do/a/with [{\"n\":1} -> {\"n\":2}]",
             "changed timeout /do/a/timeout [{\"after\":\"PT5M\"} -> {\"after\":\"PT9M\"}]",
             "added condition /do/a/if [ -> ${ true }]"}));
  EXPECT_EQ(compare_tasks("  - a: {set: {x: 1}}\n", "  - a: {wait: PT1M}\n"),
            (Lines{"changed kind /do/a [set -> wait]"}));
  EXPECT_EQ(compare_tasks("  - a: {set: {x: 1}, input: {schema: {document: {type: object}}}}\n",
                          "  - a: {set: {x: 1}, input: {schema: {document: {type: array}}}}\n"),
            (Lines{"changed schema /do/a/input/schema [{\"document\":{\"type\":\"object\"}} -> "
                   "{\"document\":{\"type\":\"array\"}}]"}));
}

TEST(Diff, RetriesCasesAndNestedTasksAreFoundWhereTheyStand) {
  const std::string head =
      "  - t:\n      try:\n        - a: {call: 'ask:1.0.0@payer'}\n"
      "      catch:\n        as: error\n        retry:\n";
  EXPECT_EQ(compare_tasks(head + "          {delay: PT1S, limit: {attempt: {count: 3}}}\n",
                          head + "          {delay: PT1S, limit: {attempt: {count: 5}}}\n"
                                 "        do:\n          - b: {set: {x: 1}}\n"),
            (Lines{"changed retry /do/t/catch/retry "
                   "[{\"delay\":\"PT1S\",\"limit\":{\"attempt\":{\"count\":3}}} -> "
                   "{\"delay\":\"PT1S\",\"limit\":{\"attempt\":{\"count\":5}}}]",
                   "added task /do/t/catch/do/b [ -> set]"}));
  EXPECT_EQ(compare_tasks("  - s:\n      switch:\n        - one: {when: '${ .x }', then: end}\n",
                          "  - s:\n      switch:\n        - one: {when: '${ .y }', then: end}\n"
                          "        - other: {then: exit}\n"),
            (Lines{"changed when /do/s/switch/one/when [${ .x } -> ${ .y }]",
                   "added case /do/s/switch/other"}));
  EXPECT_EQ(compare_tasks("  - f: {fork: {branches: [{a: {wait: PT1M}}]}}\n",
                          "  - f: {fork: {branches: [{a: {wait: PT2M}}], compete: true}}\n"),
            (Lines{"changed wait /do/f/fork/branches/a/wait [PT1M -> PT2M]",
                   "added compete /do/f/fork/compete [ -> true]"}));
}

TEST(Diff, ListsInsideDataAreValuesAndNoTasks) {
  EXPECT_EQ(
      compare_tasks("  - a: {set: {do: [{x: {y: 1}}]}}\n", "  - a: {set: {do: [{x: {y: 2}}]}}\n"),
      (Lines{"changed set /do/a/set [{\"do\":[{\"x\":{\"y\":1}}]} -> "
             "{\"do\":[{\"x\":{\"y\":2}}]}]"}));
}

TEST(Diff, StartsBusinessKeySecretsAndSharedPartsAreComparedByName) {
  const std::string body = "do: [{a: {wait: PT1M}}]\n";
  EXPECT_EQ(
      compare_files(kHead +
                        std::string("use: {secrets: [old], timeouts: {short: {after: PT1M}}, "
                                    "functions: {f: {call: 'ask:1.0.0@payer'}}}\n") +
                        body,
                    "document: {dsl: '1.0.3', namespace: test, name: sample, version: '1.1.0', "
                    "metadata: {rabt: {businessKey: '${ .k }'}}}\n"
                    "schedule: {on: {one: {with: {type: test.other.v1}}}}\n"
                    "use: {secrets: [new], timeouts: {short: {after: PT2M}}, "
                    "functions: {f: {call: 'ask:1.2.0@payer'}}}\n" +
                        body),
      (Lines{"added business key /document/metadata/rabt/businessKey [ -> ${ .k }]",
             "changed start events /schedule/on [{\"one\":{\"with\":{\"type\":\"test.start.v1\"}}} "
             "-> {\"one\":{\"with\":{\"type\":\"test.other.v1\"}}}]",
             "changed call /use/functions/f/call [ask:1.0.0@payer -> ask:1.2.0@payer]",
             "added secret /use/secrets/new",
             "changed timeout /use/timeouts/short [{\"after\":\"PT1M\"} -> {\"after\":\"PT2M\"}]",
             "removed secret /use/secrets/old"}));
}

TEST(Diff, ALongValueIsNotShown) {
  const std::string text(200, 'x');
  EXPECT_EQ(compare_tasks("  - a: {set: {x: 1}}\n", "  - a: {set: {x: " + text + "}}\n"),
            (Lines{"changed set /do/a/set [{\"x\":1} -> ]"}));
}

}  // namespace
}  // namespace rabt::workflow::diff_test
