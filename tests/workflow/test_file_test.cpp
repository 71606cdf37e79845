#include "hub/workflow/simulate/test_file.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "harness.hpp"

namespace rabt::workflow::test_file_test {
namespace {

std::string diagnostics_of(std::string_view yaml) {
  return all_text(parse_test_file(yaml).diagnostics);
}

TestReport report_of(std::string_view workflow, std::string_view tests,
                     const TestOptions& options = {}) {
  const ParsedTestFile file = parse_test_file(tests);
  if (file.file == nullptr) throw std::runtime_error(all_text(file.diagnostics));
  Result<TestReport> report = run_tests(*file.file, {parsed(workflow)}, options);
  if (!report.ok()) throw std::runtime_error(report.error().message);
  return std::move(*report);
}

// The differences of the only case, one a line.
std::string differences(std::string_view workflow, std::string_view one_case) {
  std::string tests = "workflow: w.yaml\ncases:\n  - name: one\n";
  tests += one_case;
  const TestReport report = report_of(workflow, tests);
  std::string out;
  for (const std::string& line : report.cases.at(0).differences) out += line + '\n';
  return out;
}

std::vector<std::string> uncovered(std::string_view workflow, std::string_view tests) {
  const TestReport report = report_of(workflow, tests);
  for (const TestedCase& tested_case : report.cases) {
    EXPECT_TRUE(tested_case.passed())
        << tested_case.name << ": " << tested_case.differences.front();
  }
  std::vector<std::string> out;
  for (const CoverageItem& item : report.coverage) {
    if (item.count == 0) out.push_back(item.task + (item.branch.empty() ? "" : ": " + item.branch));
  }
  return out;
}

constexpr std::string_view kCall =
    "do:\n"
    "  - ask:\n"
    "      call: check:1.0.0@payer\n"
    "      with: {id: '${ .id }', more: {a: 1, b: [1, 2]}}\n";

// ---- the format

TEST(TestFile, AMistakeInAnExpressionIsShownAtItsCharacter) {
  const auto place = [](const std::string& output) {
    const ParsedTestFile file = parse_test_file(
        "workflow: w.yaml\ncases:\n  - name: one\n    given:\n      replies:\n"
        "        payer/check:\n          output: " +
        output + "\n    expect: {status: completed}\n");
    if (file.diagnostics.size() != 1) return all_text(file.diagnostics);
    const Diagnostic& diagnostic = file.diagnostics[0];
    return std::to_string(diagnostic.line) + ':' + std::to_string(diagnostic.column) + ' ' +
           diagnostic.code;
  };
  EXPECT_EQ(place("'${ .a | lenght }'"), "7:28 expression.unknown_function");
  EXPECT_EQ(place("'${ \"مرحبا\" | lenght }'"), "7:33 expression.unknown_function");
  EXPECT_EQ(place("{a: \"${ \\\"x\\\" + $nobody }\"}"), "7:35 expression.unknown_variable");
  EXPECT_EQ(place(">-\n            ${ .a\n            | $nobody }"),
            "9:15 expression.unknown_variable");
}

TEST(TestFile, AWorkflowThatASetOfEventsStartsTakesTheSetAsItsInput) {
  const std::string workflow =
      "schedule: {on: {all: [{with: {type: a}}, {with: {type: b}}]}}\n"
      "do: [{s: {set: '${ map(.data) }'}}]\n";
  EXPECT_EQ(differences(workflow,
                        "    start: {input: [{data: 1}, {data: 2}]}\n"
                        "    expect: {status: completed, output_exactly: [1, 2]}\n"),
            "");
  EXPECT_NE(
      differences(workflow, "    start: {event: {type: a}}\n    expect: {status: completed}\n")
          .find("write the list of events as `input`"),
      std::string::npos);
}

constexpr std::string_view kRequest =
    "do: [{ask: {call: http, with: {method: get, endpoint: https://example.org/a}}}]\n";

TEST(TestFile, ARequestIsAnsweredWithStatusHeadersAndBody) {
  const auto with = [](const std::string& reply, const std::string& expect) {
    return differences(kRequest, "    given: {replies: {http/request: " + reply +
                                     "}}\n    expect: " + expect + '\n');
  };
  EXPECT_EQ(with("{output: {status: 200, body: {id: 7}}}", "{output: {id: 7}}"), "");
  EXPECT_EQ(with("{output: {status: 404}}", "{error: {status: 404}}"), "");
  EXPECT_EQ(with("{output: {status: 200, headers: {Content-Type: text/plain}, body: yes it is}}",
                 "{output: yes it is}"),
            "");
  EXPECT_EQ(with("{output: '${ {status: 201, body: .method} }'}", "{output: GET}"), "");
  EXPECT_EQ(with("{output: '${ {id: 7} }'}", "{status: faulted}"),
            "given.replies: line 4: the answer of http/request must have a `status`, such as "
            "{status: 200, body: {id: 7}}; got {\"id\":7}\n");
}

TEST(TestFile, AWrongAnswerOfARequestIsShownWithAnExample) {
  const auto found = [](const std::string& replies) {
    return diagnostics_of("workflow: w\ncases:\n  - name: a\n    given: {replies: {" + replies +
                          "}}\n    expect: {status: completed}\n");
  };
  EXPECT_EQ(found("http/request: {output: {id: 7}}"),
            "test.yaml:4:46: error: the answer of http/request needs a `status` (write `output: "
            "{status: 200, body: {id: 7}}`) [test.missing_key]\n"
            "test.yaml:4:47: error: unknown key `id` in the answer of http/request (write `output: "
            "{status: 200, body: {id: 7}}`) [test.unknown_key]\n");
  EXPECT_NE(found("http/request: [{output: fine}]")
                .find("the answer of http/request is a mapping with `status` (write"),
            std::string::npos);
  EXPECT_NE(found("http/request: {output: {status: 99}}").find("a whole number from 100 to 599"),
            std::string::npos);
  EXPECT_NE(found("http/request: {output: {status: 429, headers: {retry-after: 120}}}")
                .find("the header `retry-after` must be a text (put it in quotes)"),
            std::string::npos);
  for (const std::string name : {"http", "http/get", "'https://example.org/a'", "openapi"}) {
    EXPECT_NE(found(name + ": {output: {status: 200}}").find("did you mean `http/request`?"),
              std::string::npos)
        << name;
  }
}

TEST(TestFile, FilesOfChildrenAreDefinitions) {
  for (const std::string wrong : {"workflows: [child.yaml]\n", "children: [child.yaml]\n"}) {
    EXPECT_NE(diagnostics_of("workflow: w\n" + wrong + "cases: [{name: a, expect: {path: [b]}}]\n")
                  .find("(`definitions: [PATH]` gives the workflows that the tested one starts)"),
              std::string::npos)
        << wrong;
  }
  EXPECT_NE(diagnostics_of("workflow: w\ncases: [{name: a, definitions: [child.yaml], expect: "
                           "{path: [b]}}]\n")
                .find("(`definitions: [PATH]` at the top of the file gives"),
            std::string::npos);
  EXPECT_NE(diagnostics_of("workflows: w\ncases: [{name: a, expect: {path: [b]}}]\n")
                .find("did you mean `workflow`?"),
            std::string::npos);
}

TEST(TestFile, MistakesAreNamedWithTheirPlace) {
  EXPECT_EQ(diagnostics_of("workflow: w.yaml\ncase: []\n"),
            "test.yaml:1:1: error: a test file needs `cases:` with at least one case "
            "[test.missing_key]\n"
            "test.yaml:2:1: error: unknown key `case` in a test file (did you mean `cases`?) "
            "[test.unknown_key]\n");
  const std::string found = diagnostics_of(
      "workflow: w.yaml\n"
      "cases:\n"
      "  - name: a\n"
      "    given:\n"
      "      replies:\n"
      "        check:1.0.0@payer: {output: 1}\n"
      "        payer/check: [{outptu: 1}, {output: 1, transient: true}, {transient: {status: "
      "20}}]\n"
      "      events: [{at: PT1M, after: {task: x}, event: {type: t}}, {at: soon, event: {data: "
      "1}}]\n"
      "    expect:\n"
      "      statsu: completed\n"
      "      duration: long\n"
      "      output: {a: '${ .b | }'}\n"
      "  - name: a\n"
      "    expect: {status: done}\n");
  for (const char* letter : {
           "6:9: error: `check:1.0.0@payer` is no action (write payer/check) [test.value]",
           "7:24: error: unknown key `outptu` in a reply (did you mean `output`?) "
           "[test.unknown_key]",
           "a reply is one thing: `output` or `transient` [test.value]",
           "status must be a whole number from 300 to 599 [test.value]",
           "8:16: error: an event needs one of `at`, `after` [test.missing_key]",
           "`at` is a time after the start or a point in time (write +PT5M or "
           "2026-03-10T09:00:00Z)",
           "an event needs a `type`",
           "10:7: error: unknown key `statsu` in expect (did you mean `status`?) "
           "[test.unknown_key]",
           "duration must be a duration (such as PT5M)",
           "[expression.syntax]",
           "13:5: error: two cases have the name `a` [test.value]",
           "status is one of completed, faulted, cancelled, waiting, parked, not_started",
       }) {
    EXPECT_NE(found.find(letter), std::string::npos) << letter << "\nnot in\n" << found;
  }
  EXPECT_NE(diagnostics_of("workflow: [\n").find("[yaml.syntax]"), std::string::npos);
  EXPECT_NE(diagnostics_of("workflow: w\ncases: [{name: a}]\n").find("proves nothing"),
            std::string::npos);
}

// ---- what is expected

TEST(TestFile, ArgumentsAndOutputsAreComparedAsSubsetsUnlessExactly) {
  constexpr std::string_view kGiven =
      "    start: {input: {id: 7}}\n"
      "    given: {replies: {payer/check: {output: {x: 1, y: {z: 2}}}}}\n";
  const auto with = [&](std::string_view expect) {
    return differences(kCall, std::string(kGiven) + "    expect: " + std::string(expect) + '\n');
  };
  EXPECT_EQ(with("{output: {x: 1}, calls: [{call: payer/check, with: {more: {a: 1}}}]}"), "");
  EXPECT_EQ(with("{output: {x: '${ . > 0 }', y: {z: '${ . == 2 }'}}}"), "");
  EXPECT_EQ(with("{output: {x: '${ . > 1 }'}}"), "output.x: expected  . > 1 , got 1\n");
  EXPECT_EQ(with("{output: {x: 2, q: 1}}"),
            "output.x: expected 2, got 1\noutput.q: expected, but it is not there\n");
  EXPECT_EQ(with("{output_exactly: {x: 1}}"), "output.y: not expected, got {\"z\":2}\n");
  EXPECT_EQ(with("{output_exactly: {x: 1, y: {z: 2}}}"), "");
  EXPECT_EQ(with("{calls: [{call: payer/check, with: {more: {b: [1]}}}]}"),
            "calls: expected payer/check with these arguments; there were\n      1. payer/check\n"
            "    call 1 (payer/check).more.b: expected 1 items, got 2: [1,2]\n");
  EXPECT_EQ(with("{calls: [{call: payer/check, with_exactly: {id: 7}}]}"),
            "calls: expected payer/check with these arguments; there were\n      1. payer/check\n"
            "    call 1 (payer/check).more: not expected, got {\"a\":1,\"b\":[1,2]}\n");
  EXPECT_EQ(with("{not_called: [payer/check], call_count: {payer/check: 2}}"),
            "not_called: payer/check was called 1 times\n"
            "call_count: expected 2 calls of payer/check, got 1\n");
  EXPECT_EQ(with("{status: faulted, error: {status: 500}}"),
            "status: expected faulted, got completed\n"
            "error: there is none, the instance is completed\n");
}

TEST(TestFile, OrderIsLookedAtWithAndWithoutGaps) {
  constexpr std::string_view kThree =
      "do: [{a: {set: {x: 1}}}, {b: {call: one:1.0.0@r}}, {c: {call: two:1.0.0@r}},"
      " {d: {call: one:1.0.0@r}}]\n";
  const auto with = [&](std::string_view expect) {
    return differences(kThree,
                       "    given: {replies: {r/one: {output: 1}, r/two: {output: 2}}}\n"
                       "    expect: " +
                           std::string(expect) + '\n');
  };
  EXPECT_EQ(with("{calls: [r/one, r/one], path: [a, d]}"), "");
  EXPECT_EQ(with("{calls_exactly: [r/one, r/two, r/one], path_exactly: [a, b, c, d]}"), "");
  EXPECT_EQ(with("{calls: [r/two, r/two]}"),
            "calls: expected r/two after r/two; there were\n      1. r/one\n      2. r/two\n"
            "      3. r/one\n");
  EXPECT_EQ(with("{calls_exactly: [r/one, r/one]}"),
            "calls: expected r/one as number 2; there were\n      1. r/one\n    > 2. r/two\n"
            "      3. r/one\n");
  EXPECT_EQ(with("{calls_exactly: [r/one, r/two]}"),
            "calls: nothing more was expected after number 2; there were\n      1. r/one\n"
            "      2. r/two\n    > 3. r/one\n");
  EXPECT_NE(with("{path_exactly: [a, b, d]}"), "");
  EXPECT_NE(with("{path: [d, a]}"), "");
}

TEST(TestFile, ACallWithoutAReplyFailsTheCase) {
  EXPECT_EQ(differences(kCall, "    start: {input: {id: 1}}\n    expect: {status: waiting}\n"),
            "given.replies: payer/check was called by task `ask` and has no reply; arguments "
            "{\"id\":1,\"more\":{\"a\":1,\"b\":[1,2]}}\n");
}

TEST(TestFile, RepliesAreChosenByOrderNumberArgumentsAndTask) {
  constexpr std::string_view kLoop =
      "do:\n"
      "  - each:\n"
      "      for: {in: '${ . }'}\n"
      "      do:\n"
      "        - a: {call: x:1.0.0@r, with: {n: '${ $item }'}, export: {as: '${ $context + "
      "{(\"k\" + ($item | tostring)): $output} }'}}\n"
      "  - last: {call: x:1.0.0@r}\n";
  EXPECT_EQ(differences(kLoop,
                        "    start: {input: [1, 2, 3, 4, 5]}\n"
                        "    given:\n"
                        "      replies:\n"
                        "        r/x:\n"
                        "          - {when: {n: 3}, output: three}\n"
                        "          - {task: last, output: end}\n"
                        "          - {from: 5, output: '${ \"call \\($call) of \\(.n)\" }'}\n"
                        "          - {times: 2, output: early}\n"
                        "          - {output: later}\n"
                        "    expect: {context: {k1: early, k2: early, k3: three, k4: later, k5: "
                        "call 5 of 5}, output: end}\n"),
            "");
}

TEST(TestFile, FailuresDelaysAndSilenceArePlayed) {
  constexpr std::string_view kTry =
      "do:\n"
      "  - t:\n"
      "      try: [{c: {call: x:1.0.0@r}}]\n"
      "      catch: {as: e, retry: {delay: PT10S, when: '${ .status == 503 }', limit: {attempt: "
      "{count: 2}}}, do: [{h: {set: {was: '${ $e.status }', code: '${ $e.title }'}}}]}\n";
  const auto with = [&](std::string_view replies, std::string_view expect) {
    return differences(kTry, "    given: {replies: {r/x: " + std::string(replies) +
                                 "}}\n    expect: " + std::string(expect) + '\n');
  };
  EXPECT_EQ(with("[{transient: true, delay: PT1S}, {output: 5, delay: PT2S}]",
                 "{output: 5, duration: PT13S}"),
            "");
  EXPECT_EQ(with("[{permanent: {status: 404, code: no.such}}]",
                 "{output: {was: 404, code: no.such}, duration: PT0S}"),
            "");
  EXPECT_EQ(with("{transient: true}", "{output: {was: 503}, call_count: {r/x: 3}}"), "");
  EXPECT_EQ(with("{transient: {retry_after: PT5M}}", "{output: {was: 503}, duration: PT10M}"), "");
  EXPECT_EQ(with("[{ambiguous: true}, {output: 1}]", "{output: 1, duration: {max: PT1S}}"), "");
  EXPECT_EQ(with("{cancelled: true}", "{output: {was: 409}}"), "");
  EXPECT_EQ(with("{never: true}", "{status: waiting}"), "");
  EXPECT_EQ(with("[{output: 1, delay: PT2S}]", "{duration: {min: PT3S}}"),
            "duration: expected at least 3.000 s, got 2.000 s\n");
}

TEST(TestFile, AnAmbiguousActionThatCannotBeRepeatedWaitsForAPerson) {
  EXPECT_EQ(differences("do: [{a: {call: x:1.0.0@r}}]\n",
                        "    given: {replies: {r/x: [{ambiguous: true}, {output: 1}]}, "
                        "idempotency: {r/x: none}}\n"
                        "    expect: {status: parked, call_count: {r/x: 1}}\n"),
            "");
  EXPECT_EQ(differences("do: [{a: {call: x:1.0.0@r}}]\n",
                        "    given: {replies: {r/x: [{ambiguous: true}, {output: 1}]}, "
                        "idempotency: {r/x: none}, decisions: {r/x: {again: true}}}\n"
                        "    expect: {output: 1, call_count: {r/x: 2}}\n"),
            "");
  EXPECT_EQ(differences("do: [{a: {call: x:1.0.0@r}}]\n",
                        "    given: {replies: {r/x: {ambiguous: true}}, idempotency: {r/x: none}, "
                        "decisions: {r/x: {output: {n: 2}}}}\n"
                        "    expect: {output: {n: 2}, call_count: {r/x: 1}}\n"),
            "");
}

TEST(TestFile, EventsComeAtTimesAndAfterTasksAndCalls) {
  constexpr std::string_view kListen =
      "do:\n"
      "  - a: {call: x:1.0.0@r, export: {as: '${ $context + {id: $output} }'}}\n"
      "  - l:\n"
      "      listen:\n"
      "        to:\n"
      "          all:\n"
      "            - {with: {type: e.one}, correlate: {i: {from: .data.id, expect: '${ $context.id "
      "}'}}}\n"
      "            - {with: {type: e.two}}\n"
      "            - {with: {type: e.three}}\n";
  EXPECT_EQ(differences(kListen,
                        "    given:\n"
                        "      replies: {r/x: {output: k7, delay: PT10S}}\n"
                        "      events:\n"
                        "        - {after: {task: l, state: waiting}, delay: PT5S, event: {type: "
                        "e.one, data: {id: '${ .id }'}}}\n"
                        "        - {after: {call: r/x}, delay: PT30S, event: {type: e.two, data: "
                        "2}}\n"
                        "        - {at: +PT1M, event: {type: e.three, data: 3}}\n"
                        "    expect: {output: [{id: k7}, 2, 3], duration: PT1M}\n"),
            "");
  EXPECT_EQ(differences(kListen,
                        "    given:\n"
                        "      replies: {r/x: {output: k7}}\n"
                        "      events:\n"
                        "        - {after: {task: nobody}, event: {type: e.two}}\n"
                        "    expect: {status: waiting}\n"),
            "given.events: line 7: the event was never sent: task `nobody` was not completed\n");
}

TEST(TestFile, CancellingAtATimeOrAfterACall) {
  constexpr std::string_view kWait = "do: [{a: {call: x:1.0.0@r}}, {w: {wait: PT1H}}]\n";
  EXPECT_EQ(differences(kWait,
                        "    given: {replies: {r/x: {output: 1}}, cancel: {at: PT10M}}\n"
                        "    expect: {status: cancelled, duration: PT10M}\n"),
            "");
  EXPECT_EQ(differences(kWait,
                        "    given: {replies: {r/x: {output: 1, delay: PT7S}}, cancel: {after: "
                        "{call: r/x}, delay: PT1S}}\n"
                        "    expect: {status: cancelled, duration: PT8S}\n"),
            "");
}

// An action that only reads is dropped when no task waits for it any more.
TEST(TestFile, ACallThatIsLetGoHoldsTheEndUnlessItReads) {
  constexpr std::string_view kLate = "do: [{a: {call: x:1.0.0@r, timeout: {after: PT1M}}}]\n";
  const auto with = [&](std::string_view given, std::string_view expect) {
    return differences(kLate, "    given: {" + std::string(given) + "}\n    expect: {" +
                                  std::string(expect) + "}\n");
  };
  EXPECT_EQ(with("replies: {r/x: {output: 1, delay: PT5M}}", "status: faulted, duration: PT5M"),
            "");
  EXPECT_EQ(with("replies: {r/x: {output: 1, delay: PT5M}}, reads: [r/x]",
                 "status: faulted, duration: PT1M"),
            "");
  EXPECT_EQ(with("replies: {r/x: {never: true}}", "status: parked"), "");
  EXPECT_EQ(with("replies: {r/x: {never: true}}, decisions: {r/x: {output: 1}}",
                 "status: faulted, duration: PT1M"),
            "");
}

TEST(TestFile, DefaultsAreFilledInAndChangedByACase) {
  const TestReport report = report_of(
      "schedule: {on: {one: {with: {type: s.t, data: '${ .n > 0 }'}}}}\n"
      "do: [{a: {call: x:1.0.0@r, with: {n: '${ .[0].data.n }', m: '${ .[0].data.m }'}}}]\n",
      "workflow: w.yaml\n"
      "defaults:\n"
      "  start: {event: {type: s.t, data: {n: 1, m: 2}}}\n"
      "  given: {replies: {r/x: {output: usual}}}\n"
      "  expect: {status: completed, output: usual}\n"
      "cases:\n"
      "  - {name: as usual}\n"
      "  - name: changed\n"
      "    start: {change: {data: {n: 5, m: null}}}\n"
      "    given: {replies: {r/x: {output: special}}}\n"
      "    expect: {output: special, calls: [{call: r/x, with_exactly: {n: 5, m: null}}]}\n"
      "  - name: nothing starts\n"
      "    start: {change: {data: {n: 0}}}\n"
      "    expect: {status: not_started}\n");
  for (const TestedCase& tested_case : report.cases)
    EXPECT_TRUE(tested_case.passed())
        << tested_case.name << ": " << tested_case.differences.front();
  EXPECT_EQ(report.cases.size(), 3U);
}

TEST(TestFile, EmittedEventsAndFaultsAreCompared) {
  constexpr std::string_view kEmit =
      "do:\n"
      "  - e: {emit: {event: {with: {type: a.b, data: {n: 1}}}}}\n"
      "  - r: {raise: {error: {type: https://x/y, status: 418, title: no}}}\n";
  EXPECT_EQ(differences(kEmit,
                        "    expect: {status: faulted, emitted_exactly: [{type: a.b, data: {n: "
                        "1}}], error: {type: https://x/y, instance: /do/1/r}}\n"),
            "");
  EXPECT_NE(differences(kEmit, "    expect: {emitted: [{data: {n: 2}}]}\n")
                .find("emitted 1.data.n: expected 2, got 1"),
            std::string::npos);
  EXPECT_NE(differences(kEmit, "    expect: {emitted_exactly: []}\n"), "");
}

// ---- coverage

TEST(Coverage, SwitchCasesTheImplicitElseAndSkippedTasks) {
  constexpr std::string_view kChoice =
      "do:\n"
      "  - s: {switch: [{one: {when: '. == 1', then: a}}, {two: {when: '. == 2', then: a}}]}\n"
      "  - a: {if: '. != 9', set: {x: 1}}\n";
  EXPECT_EQ(uncovered(kChoice,
                      "workflow: w\ncases: [{name: a, start: {input: 2}, expect: {status: "
                      "completed}}]\n"),
            (std::vector<std::string>{"s: case one", "s: no case", "a: skipped"}));
  EXPECT_EQ(uncovered(kChoice,
                      "workflow: w\ndefaults: {expect: {status: completed}}\n"
                      "cases: [{name: a, start: {input: 2}}, {name: b, start: {input: 1}},"
                      " {name: c, start: {input: 9}}]\n"),
            std::vector<std::string>{});
}

TEST(Coverage, LoopsWithNoItemWithItemsAndEndedByWhile) {
  constexpr std::string_view kLoop =
      "do: [{l: {for: {in: .}, while: '$item < 5', do: [{a: {set: {x: 1}}}]}}]\n";
  const auto with = [&](std::string_view inputs) {
    return uncovered(kLoop, "workflow: w\ndefaults: {expect: {status: completed}}\ncases: [" +
                                std::string(inputs) + "]\n");
  };
  EXPECT_EQ(with("{name: a, start: {input: []}}"),
            (std::vector<std::string>{"l: an item", "l: ended by while", "l/a"}));
  EXPECT_EQ(with("{name: a, start: {input: [1, 2]}}"),
            (std::vector<std::string>{"l: no item", "l: ended by while"}));
  EXPECT_EQ(with("{name: a, start: {input: [7]}}"),
            (std::vector<std::string>{"l: no item", "l: an item", "l/a"}));
  EXPECT_EQ(with("{name: a, start: {input: []}}, {name: b, start: {input: [1, 7]}}"),
            std::vector<std::string>{});
}

TEST(Coverage, WhatACatchCanDo) {
  constexpr std::string_view kTry =
      "do:\n"
      "  - t:\n"
      "      try: [{c: {call: x:1.0.0@r, timeout: {after: PT1M}}}]\n"
      "      catch:\n"
      "        errors: {with: {type: "
      "https://open-workflow-specification.org/spec/1.0.0/errors/communication}}\n"
      "        retry: {when: '.status == 503', delay: PT1S, limit: {attempt: {count: 1}}}\n"
      "        do: [{h: {set: {x: 1}}}]\n";
  const auto with = [&](std::string_view replies, std::string_view status) {
    return uncovered(kTry, "workflow: w\ncases: [{name: a, given: {reads: [r/x], replies: {r/x: " +
                               std::string(replies) +
                               "}}, expect: {status: " + std::string(status) + "}}]\n");
  };
  using List = std::vector<std::string>;
  EXPECT_EQ(with("{output: 1}", "completed"), (List{"t: retried", "t: given up", "t: caught",
                                                    "t: not caught", "t/c: timed out", "t/h"}));
  EXPECT_EQ(with("[{transient: true}, {output: 1}]", "completed"),
            (List{"t: given up", "t: caught", "t: not caught", "t/c: timed out", "t/h"}));
  EXPECT_EQ(with("{transient: true}", "completed"),
            (List{"t: no error", "t: not caught", "t/c: timed out"}));
  EXPECT_EQ(with("{permanent: true}", "completed"),
            (List{"t: no error", "t: retried", "t: not caught", "t/c: timed out"}));
  EXPECT_EQ(with("{never: true}", "faulted"),
            (List{"t: no error", "t: retried", "t: caught", "t/h"}));
}

TEST(Coverage, WhoDecidesARaceAndWhatATimeoutEnds) {
  constexpr std::string_view kRace =
      "timeout: {after: PT1H}\n"
      "do:\n"
      "  - f:\n"
      "      timeout: {after: PT10M}\n"
      "      fork:\n"
      "        compete: true\n"
      "        branches:\n"
      "          - a: {listen: {to: {one: {with: {type: e.a}}}}}\n"
      "          - b: {do: [{l: {listen: {to: {one: {with: {type: e.b}}}}}}, {r: {raise: {error: "
      "{type: https://x/y, status: 418}}}}]}\n"
      "  - w: {wait: PT2H, if: '. == [\"slow\"]'}\n";
  const auto with = [&](std::string_view cases) {
    return uncovered(kRace, "workflow: w\ncases: [" + std::string(cases) + "]\n");
  };
  using List = std::vector<std::string>;
  constexpr std::string_view kA =
      "{name: a, given: {events: [{at: PT1M, event: {type: e.a, data: slow}}]}, expect: {status: "
      "faulted, error: {status: 408}}}";
  constexpr std::string_view kB =
      "{name: b, given: {events: [{at: PT1M, event: {type: e.b}}]}, expect: {status: faulted}}";
  EXPECT_EQ(with(kA), (List{"f: timed out", "f: b decides", "f/b/r", "w: skipped"}));
  EXPECT_EQ(with(kB), (List{": timed out", "f: timed out", "f: a decides", "w", "w: skipped"}));
  EXPECT_EQ(with("{name: c, expect: {status: faulted, duration: PT10M}}"),
            (List{": timed out", "f: a decides", "f: b decides", "f/b/r", "w", "w: skipped"}));
}

TEST(Coverage, FunctionsCountOnceWhereverTheyAreCalled) {
  constexpr std::string_view kFunctions =
      "use: {functions: {g: {do: [{x: {set: {a: 1}}}, {y: {if: '.a == 2', set: {a: 2}}}]}}}\n"
      "do: [{one: {call: g}}, {two: {call: g}}]\n";
  EXPECT_EQ(uncovered(kFunctions, "workflow: w\ncases: [{name: a, expect: {status: completed}}]\n"),
            (std::vector<std::string>{"g/y"}));
}

// ---- reports

TEST(TestReport, TextJsonAndJunitSayTheSame) {
  const TestReport report = report_of(
      "do: [{s: {switch: [{big: {when: '. > 5', then: end}}]}}, {a: {wait: {days: 2}}}]\n",
      "workflow: w.yaml\n"
      "cases:\n"
      "  - {name: good, start: {input: 9}, expect: {path: [s]}}\n"
      "  - {name: <bad> & \"مرحبا\", start: {input: 1}, expect: {output: {x: 1}, status: "
      "faulted}}\n");
  EXPECT_FALSE(report.passed());
  EXPECT_EQ(report_text(report, "w.test.yaml"),
            "w.test.yaml\n"
            "  ok      good  (completed after 00:00:00.000)\n"
            "          s (big)\n"
            "  FAILED  <bad> & \"مرحبا\"  (completed after 2 d 00:00:00.000)\n"
            "          s > a\n"
            "      - status: expected faulted, got completed\n"
            "      - output: expected an object, got 1\n"
            "1 of 2 cases passed; coverage 100.0 % (4 of 4 tasks and branches)\n");
  const Json json = report_json(report, "w.test.yaml");
  EXPECT_EQ(json["cases"][1]["differences"].size(), 2U);
  EXPECT_EQ(json["coverage"]["percent"].dump(), "100.0");
  const std::string junit = report_junit(report, "w.test.yaml");
  EXPECT_NE(junit.find("tests=\"2\" failures=\"1\""), std::string::npos);
  EXPECT_NE(junit.find("name=\"&lt;bad&gt; &amp; &quot;مرحبا&quot;\""), std::string::npos);
  EXPECT_NE(junit.find("<failure message=\"status: expected faulted, got completed\">"),
            std::string::npos);
}

TEST(TestReport, APercentageIsNeverRoundedUpToHundred) {
  TestReport report;
  report.coverage.resize(3);
  report.percent = 99.99;
  EXPECT_NE(report_text(report, "x").find("coverage 99.9 %"), std::string::npos);
}

TEST(TestFile, AnUnknownCaseIsNamed) {
  const ParsedTestFile file =
      parse_test_file("workflow: w\ncases: [{name: happy path, expect: {status: completed}}]\n");
  const auto report =
      run_tests(*file.file, {parsed("do: [{a: {set: {}}}]\n")}, {.only = "happy pth"});
  ASSERT_FALSE(report.ok());
  EXPECT_EQ(report.error().code, "test.unknown_case");
  EXPECT_NE(report.error().message.find("did you mean `happy path`?"), std::string::npos);
}

TEST(TestFile, ACallThatDependsOnItsArgumentsAloneNeedsNoReply) {
  const std::string tests =
      "workflow: w.yaml\ncases:\n  - name: one\n    start: {input: {id: 7}}\n"
      "    expect: {status: completed, output: {id: 7}}\n";
  TestOptions options;
  options.answer = [](const CallAction& call) -> std::optional<ActionOutcome> {
    if (call.action != "check") return std::nullopt;
    return ActionOutcome{.output = Json::object({{"id", call.arguments["id"]}})};
  };
  EXPECT_TRUE(report_of(kCall, tests, options).passed());
  EXPECT_FALSE(report_of(kCall, tests).passed()) << "the call has no reply";
  // A case may say otherwise.
  const std::string scripted =
      "workflow: w.yaml\ncases:\n  - name: one\n    start: {input: {id: 7}}\n"
      "    given: {replies: {payer/check: {output: {id: 8}}}}\n"
      "    expect: {status: completed, output: {id: 8}}\n";
  EXPECT_TRUE(report_of(kCall, scripted, options).passed());
}

// ---- the shipped workflow

std::string source_file(const std::string& name) {
  const char* root = std::getenv("RABT_SOURCE_DIR");  // NOLINT(concurrency-mt-unsafe)
  std::ifstream in(std::filesystem::path(root == nullptr ? "." : root) / name);
  return {std::istreambuf_iterator<char>(in), {}};
}

TEST(ShippedWorkflow, ItsCasesPassAndCoverEverything) {
  const ParsedTestFile tests = parse_test_file(source_file("workflows/consultation.test.yaml"));
  ASSERT_NE(tests.file, nullptr) << all_text(tests.diagnostics);
  const ParsedDefinition definition =
      parse_definition(source_file("workflows/consultation.yaml"), nullptr);
  ASSERT_NE(definition.definition, nullptr);
  const auto report = run_tests(*tests.file, {definition.definition}, {});
  ASSERT_TRUE(report.ok());
  EXPECT_TRUE(report->passed()) << report_text(*report, "consultation");
  EXPECT_EQ(report->covered, report->coverage.size()) << report_text(*report, "consultation");
  EXPECT_GE(report->cases.size(), 12U);
}

// The cases are worth something: each of these mistakes in the workflow makes one fail.
TEST(ShippedWorkflow, ItsCasesNoticeMistakes) {
  const ParsedTestFile tests = parse_test_file(source_file("workflows/consultation.test.yaml"));
  ASSERT_NE(tests.file, nullptr);
  const std::string yaml = source_file("workflows/consultation.yaml");
  struct Mistake {
    const char* from;
    const char* to;
    const char* noticed_by;
  };
  const Mistake mistakes[] = {
      {"!= \"eligible\"", "== \"error\"",
       "the desk has a visit claimed whose coverage is not eligible"},
      {"from: .data.task,", "from: .data.taskId,",
       "the desk has a visit claimed whose coverage is not eligible"},
      {".outcome == \"not-eligible\" and .inforce == false", "false",
       "the policy refuses a visit whose coverage is not in force by the payer's word"},
      {"$context.policy == \"refuse\" and $context.pays == null", "$context.policy == \"refuse\"",
       "the policy refuses nobody who has paid"},
      {"if .pays == \"again\" then", "if false then",
       "the desk has the payer asked once more, which answers then"},
      {"$context.undecided", "\"go-on\"", "the desk has not answered when the session begins"},
      {"$why == \"not-eligible\" or", "false or",
       "the coverage is not eligible, and the desk calls the visit off"},
      {"or $context.news.other != true then $context.pays", "then $context.pays",
       "the appointment moves while the desk is asked, and after it has answered"},
      {".status == \"completed\" or", "false or",
       "the hospital sends the booking of a visit that was held again"},
      {"select(.otherPatient != true and", "select(true and",
       "another patient was seen under the number before"},
      {".consultation == null and (.status == \"scheduled\"", "(.status == \"scheduled\"",
       "a session of the appointment is left of a consultation that was given up"},
      {"or .status == \"waiting\"", "or false",
       "the patient waits in a session of the appointment that was made over the API"},
      {"if $context.byAnother then", "if false then",
       "the desk gives the visit to another doctor, who holds it"},
      {"$by != null and .person == $by", "false",
       "the desk gives the visit to another doctor, and the hospital to a third, who holds it"},
      {"$booking or $name[2] == \"payment\"", "false",
       "cancellations and no-shows that name another patient are not obeyed"},
      {"$new != []", "$new == $ids and $ids != []",
       "a number of the patient comes with one of another person, and the session knows better"},
      {".otherPatient == false)", ".otherPatient != true)",
       "a session that the appointment does not lead to any more is nobody's word"},
      {"[*paid, *booked, *updated, *off, *missed]", "[*booked, *updated, *off, *missed]",
       "the patient pays after the visit, before the claim leaves"},
      {"[*paid, *booked, *updated, *off, *missed]", "[*paid, *booked, *updated]",
       "the appointment is cancelled after the end, before the claim"},
      {"$data.selfPay != true and ($lapsed | not)", "false",
       "a moved appointment whose message names no coverage keeps the known one"},
      {"$data.selfPay != true and", "true and",
       "the coverage is corrected to none after the end, and the patient pays"},
      {"any($data.assumed // []", "any([]",
       "the coverage that the configuration assumes replaces none that the hospital named"},
      {"$context.claim.adjudication != \"approved\" or", "false or",
       "the claim is rejected, the desk is told, and the visit is closed"},
      {"or $context.claim.outcome == \"error\" then", "then",
       "the payer takes a claim and refuses it later, and the desk is told"},
      {"$output.paid == true then \"self-pay\"", "$output.paid == true then null",
       "the patient pays while the visit takes place"},
      {"== \"coverage.not_in_force\"", "== \"x\"",
       "no coverage of the booking is in force, and the desk lets the patient pay"},
      {"$context.pays == \"self-pay\"", "$context.pays == \"x\"",
       "a patient who has paid is not claimed for, though the payer covers him"},
      {"$context.began == \"no-show\"", "$context.began == \"gone\"", "nobody comes"},
      {"map([(.appointment | del(.status))", "map([(.appointment)",
       "the record system sends what it has said already, with what the hub wrote into it"},
      {"count: 12", "count: 11", "the hub cannot move the session"},
      {"days: 400", "days: 399", "the whole case takes longer than 400 days"},
      {"days: 30", "days: 3", "the payer decides after four days"},
      {"then .undo = [] else", "then . else", "nobody comes"},
      {"$context.claim.outcome == \"error\"", "$context.claim.outcome == \"partial\"",
       "the claim is refused before adjudication"},
      {"expect: '${ $context.appointment.key }'", "expect: A-2",
       "the appointment is cancelled in time"},
      {"$context.undo | reverse", "[]", "the appointment is cancelled in time"},
      {"to: billed", "to: closed", "a visit from booking to report"},
      {"$context.visit.diagnoses", "$context.appointment.reasons",
       "a visit from booking to report"},
      {"org.rabt.consultation.failed.v1", "org.rabt.consultation.failed.v2",
       "the payer stays down for longer than a week"},
      {"from: .data.session,", "from: .data.sessionId,", "a visit from booking to report"},
      {"$context.decision == \"claim\"", "$context.decision == \"skip\"",
       "a visit that no clinician wrote about is not claimed"},
      {"anyLength: true", "anyLength: false", "the operator lets a short visit be claimed"},
      {"status: '${ $failure.status }'", "status: 500",
       "the payer stays down for longer than a week"},
      {"$why == \"no-show\" or", "", "nobody comes"},
      {"onFailure: ask", "onFailure: fail", "nothing is undone while a person is asked"},
      {"commit: true", "commit: false",
       "the operator cancels the instance while the visit takes place"},
      {"$context.besides != [] or $context.payer != $context.looked", "$context.besides != []",
       "another session has its claim while that of the booking waits for the payer, and another "
       "payer is named"},
      {"$context.news.person or $context.news.names", "$context.news.person",
       "the payer is named under an unknown number, and again when registration has merged the two "
       "records"},
      {"session: '${ .session }', reason", "session: S-2, reason",
       "the operator cancels the instance before the visit"},
      {"handsOver: ($output.another and", "handsOver: (true and",
       "it is in doubt whether the hospital gives the appointment to another patient"},
      {"or $context.news.about == \"booked\")", "or false)",
       "the desk was asked in doubt, and then it is sure that the appointment is another "
       "patient's"},
      {"endswith(\"/other-patient\") then \"other_patient\"", "endswith(\"/x\") then \"x\"",
       "the hospital gives the appointment to another patient, who has a visit of his own"},
      {"| .about == \"booked\" and (.time", "| .about == \"x\" and (.time",
       "an older booking of another patient comes late, and changes nothing"},
      {"source: ${ $context.news.source }", "source: /rabt/consultation",
       "another patient's booking changes once more while the session of the first one is called "
       "off"},
  };
  for (const Mistake& mistake : mistakes) {
    const std::string_view from = mistake.from;
    std::string wrong = yaml;
    bool changed = false;
    for (std::size_t at = wrong.find(from); at != std::string::npos; at = wrong.find(from, at)) {
      wrong.replace(at, from.size(), mistake.to);
      at += std::string_view(mistake.to).size();
      changed = true;
    }
    ASSERT_TRUE(changed) << from;
    const ParsedDefinition definition = parse_definition(wrong, nullptr);
    ASSERT_NE(definition.definition, nullptr) << mistake.to << all_text(definition.diagnostics);
    const auto report =
        run_tests(*tests.file, {definition.definition}, {.only = mistake.noticed_by});
    ASSERT_TRUE(report.ok()) << report.error().message;
    EXPECT_FALSE(report->passed()) << from << " -> " << mistake.to;
  }
}

}  // namespace
}  // namespace rabt::workflow::test_file_test
