#include <gtest/gtest.h>

#include <chrono>

#include "harness.hpp"
#include "hub/workflow/parse/deployed.hpp"

namespace rabt::workflow::execution_test {
namespace {

using Texts = std::vector<std::string>;

constexpr const char* kTimeout =
    "https://open-workflow-specification.org/spec/1.0.0/errors/timeout";
constexpr const char* kCommunication =
    "https://open-workflow-specification.org/spec/1.0.0/errors/communication";

// ---- data flow
// ----------------------------------------------------------------------------------------------------

TEST(DataFlow, EachStepSeesWhatTheSpecificationSays) {
  Play run(R"(
do:
  - one:
      input: {from: .a}
      set: {doubled: '${ . * 2 }', input: '${ $input }', raw: '${ $task.input.a }'}
      output: {as: '{value: .doubled, input}'}
      export: {as: '${ $context + {one: $output.value} }'}
  - two:
      set: {before: '${ . }', context: '${ $context.one }'}
output: {as: '. + {context: $context}'}
)",
           json(R"({"a":21})"));
  EXPECT_EQ(run.output().dump(), R"({"before":{"value":42,"input":21},"context":{"one":42}})");
}

TEST(DataFlow, ASkippedTaskPassesItsRawInputAndIgnoresThen) {
  Play run("do:\n  - a: {if: .no, set: {x: 1}, then: end}\n  - b: {set: {seen: '${ . }'}}\n",
           json(R"({"k":1})"));
  EXPECT_EQ(run.output().dump(), R"({"seen":{"k":1}})");
  EXPECT_EQ(run.traces(), (Texts{"a:skipped", "b:started", "b:completed"}));
}

TEST(DataFlow, ExportReplacesTheContext) {
  Play run(
      "do:\n  - a: {set: {x: 1}, export: {as: '{first: .x}'}}\n  - b: {set: {y: 2}, export: {as: "
      "'{second: .y}'}}\n");
  (void)run.output();
  EXPECT_EQ(run.execution.context().dump(), R"({"second":2})");
}

TEST(DataFlow, SchemasGuardInputOutputAndContext) {
  const auto type_of = [](std::string_view body, const Json& input) {
    return Play(body, input).error();
  };
  Json error =
      type_of("input: {schema: {document: {type: object}}}\ndo: [{a: {set: {b: 1}}}]\n", Json(5));
  EXPECT_EQ(error["type"].as_string(),
            "https://open-workflow-specification.org/spec/1.0.0/errors/validation");
  EXPECT_EQ(error["status"].as_int64(), 400);
  EXPECT_EQ(error["instance"].as_string(), "/");
  error = type_of("do:\n  - a: {set: {b: 1}, output: {schema: {document: {required: [c]}}}}\n", {});
  EXPECT_EQ(error["detail"].as_string(), "the value lacks the required member \"c\"");
  EXPECT_EQ(error["instance"].as_string(), "/do/0/a");
  error = type_of("do:\n  - a: {set: {b: 1}, export: {as: ., schema: {document: {type: array}}}}\n",
                  {});
  EXPECT_EQ(error["title"].as_string(), "the context does not conform to its schema");
}

TEST(DataFlow, NoResultIsNullAndSeveralAreAnError) {
  EXPECT_EQ(Play("do:\n  - a: {set: {x: '${ empty }'}}\n").output().dump(), R"({"x":null})");
  const Json error = Play("do:\n  - a: {set: {x: '${ 1, 2 }'}}\n").error();
  EXPECT_EQ(error["type"].as_string(),
            "https://open-workflow-specification.org/spec/1.0.0/errors/expression");
}

TEST(DataFlow, NumbersKeepTheirDigits) {
  EXPECT_EQ(Play("do:\n  - a: {set: {price: 10.10, big: 9007199254740993, same: '${ .p }'}}\n",
                 json(R"({"p":1.50})"))
                .output()
                .dump(),
            R"({"price":10.10,"big":9007199254740993,"same":1.50})");
}

TEST(DataFlow, VariablesDescribeTaskWorkflowAndRuntime) {
  Play run(
      "do:\n  - a:\n      set: '${ [$workflow.id, $workflow.input, "
      "$workflow.startedAt.epoch.milliseconds, "
      "$task.name, $task.reference, $task.startedAt.iso8601, $task.definition.then, $runtime.name] "
      "}'\n      then: end\n",
      json("[7]"));
  EXPECT_EQ(
      run.output().dump(),
      R"(["01J0000000000000000000TEST",[7],1773000000000,"a","/do/0/a","2026-03-08T20:00:00.000Z","end","rabt"])");
}

TEST(DataFlow, ContextBytesAreLimited) {
  const Json error =
      Play("do:\n  - a: {set: {x: '${ [range(60000)] }'}, export: {as: .}}\n").error();
  EXPECT_EQ(error["title"].as_string(), "$context is too large");
}

// ---- flow
// ---------------------------------------------------------------------------------------------------------

TEST(Flow, ExitLeavesTheListAndEndTheWorkflow) {
  EXPECT_EQ(Play("do:\n  - a:\n      do:\n        - b: {set: {x: 1}, then: exit}\n        - c: "
                 "{set: {x: 2}}\n"
                 "  - d: {set: {y: '${ .x }'}}\n")
                .output()
                .dump(),
            R"({"y":1})");
  Play run("do:\n  - a:\n      do:\n        - b: {set: {x: 1}, then: end}\n  - d: {set: {y: 1}}\n");
  EXPECT_EQ(run.output().dump(), R"({"x":1})");
  EXPECT_EQ(run.traces(), (Texts{"a:started", "b:started", "b:completed", "a:completed"}));
}

TEST(Flow, EndInABranchEndsEverything) {
  Play run(R"(
do:
  - race:
      fork:
        branches:
          - waits: {call: x:1.0.0@r}
          - ends:
              do:
                - set: {set: {x: 1}, export: {as: '{done: true}'}, then: end}
  - never: {set: {y: 1}}
)");
  EXPECT_EQ(run.output().dump(), R"({"x":1})");
  EXPECT_EQ(run.effects<CancelCall>().size(), 1U);
  EXPECT_EQ(run.execution.context().dump(), R"({"done":true})");
}

TEST(Flow, SwitchTakesTheFirstMatchInOrder) {
  const char* body = R"(
do:
  - choose:
      switch:
        - big: {when: .n > 10, then: big}
        - positive: {when: .n > 0, then: positive}
        - other: {then: exit}
  - big: {set: {r: big}, then: end}
  - positive: {set: {r: positive}, then: end}
)";
  EXPECT_EQ(Play(body, json(R"({"n":11})")).output().dump(), R"({"r":"big"})");
  EXPECT_EQ(Play(body, json(R"({"n":1})")).output().dump(), R"({"r":"positive"})");
  EXPECT_EQ(Play(body, json(R"({"n":0})")).output().dump(), R"({"n":0})");
}

TEST(Flow, AJumpBackIsOtherWorkWithAnotherReference) {
  Play run(R"(
do:
  - poll: {call: poll:1.0.0@r}
  - check:
      switch:
        - again: {when: .more, then: poll}
)");
  const CallAction first = run.only<CallAction>();
  EXPECT_EQ(first.reference, "/do/0/poll");
  run.done(first, json(R"({"more":true})"));
  const CallAction second = run.only<CallAction>();
  EXPECT_EQ(second.reference, "/do/0/poll/visit/2");
  EXPECT_GT(second.id, first.id);
  run.done(second, json(R"({"more":false})"));
  EXPECT_EQ(run.output().dump(), R"({"more":false})");
}

TEST(Flow, AnEndlessLoopWithoutWaitingIsStopped) {
  const Json error = Play(R"(
do:
  - guarded:
      try:
        - a: {set: {x: 1}}
        - b: {set: {x: 2}, then: a}
      catch: {}
)")
                         .error();
  EXPECT_EQ(error["title"].as_string(), "the workflow runs without ever waiting");
}

TEST(Flow, ForRunsEachItemOnTheOutputOfTheOneBefore) {
  Play run(R"(
do:
  - loop:
      for: {each: x, in: .xs, at: i}
      while: $i < 3
      do:
        - add: {set: {sum: '${ (.sum // 0) + $x * 10 + $i }'}}
)",
           json(R"({"xs":[1,2,3,4]})"));
  EXPECT_EQ(run.output().dump(), R"({"sum":63})");
  const std::vector<TaskTrace> traces = run.effects<TaskTrace>();
  EXPECT_EQ(traces[3].reference, "/do/0/loop/for/1/do/0/add");
}

TEST(Flow, ForWithoutItemsPassesItsInput) {
  EXPECT_EQ(Play("do:\n  - l: {for: {in: .xs}, do: [{a: {set: {b: 1}}}]}\n", json(R"({"xs":[]})"))
                .output()
                .dump(),
            R"({"xs":[]})");
  EXPECT_EQ(Play("do:\n  - l: {for: {in: .xs}, do: [{a: {set: {b: 1}}}]}\n", json(R"({"xs":5})"))
                .error()["title"]
                .as_string(),
            "for.in must give an array");
  EXPECT_EQ(Play("do:\n  - l: {for: {in: '[range(10001)]'}, do: [{a: {set: {b: 1}}}]}\n")
                .error()["title"]
                .as_string(),
            "a loop has too many iterations");
}

TEST(Flow, ForTakesAnInlineListAndExitEndsOneIteration) {
  Play run(R"(
do:
  - loop:
      for: {in: [{n: 1}, {n: '${ 1 + 1 }'}]}
      do:
        - a: {set: '${ ((. // []) | if type == "array" then . else [] end) + [$item.n] }', then: exit}
        - b: {set: {never: true}}
)");
  EXPECT_EQ(run.output().dump(), "[1,2]");
}

TEST(Flow, LoopVariablesOfNestedLoopsDoNotMix) {
  Play run(R"(
do:
  - outer:
      for: {each: a, in: '[1, 2]', at: i}
      do:
        - inner:
            for: {each: b, in: '[10, 20]', at: k}
            do:
              - add: {set: '${ (if type == "array" then . else [] end) + [$a + $b + $i + $k] }'}
)");
  EXPECT_EQ(run.output().dump(), "[11,22,13,24]");
}

// ---- fork
// ---------------------------------------------------------------------------------------------------------

constexpr const char* kFork = R"(
do:
  - before: {set: {}, export: {as: '{base: 1, both: 0, gone: true}'}}
  - f:
      fork:
        branches:
          - one:
              do:
                - call: {call: a:1.0.0@r}
                - keep: {set: {n: 1}, export: {as: '$context + {one: 1, both: 1}'}}
          - two:
              do:
                - call: {call: b:1.0.0@r}
                - keep: {set: {n: 2}, export: {as: '$context + {two: $context.base, both: 2} | del(.gone)'}}
)";

TEST(Fork, GivesOutputsAndContextInBranchOrderWhoeverEndsFirst) {
  for (const bool reversed : {false, true}) {
    Play run(kFork);
    std::vector<CallAction> calls = run.opened<CallAction>();
    ASSERT_EQ(calls.size(), 2U);
    EXPECT_EQ(calls[0].reference, "/do/1/f/fork/branches/0/one/do/0/call");
    if (reversed) std::swap(calls[0], calls[1]);
    run.done(calls[0]);
    EXPECT_EQ(run.execution.status(), InstanceStatus::running);
    run.done(calls[1]);
    EXPECT_EQ(run.output().dump(), R"([{"n":1},{"n":2}])");
    EXPECT_EQ(run.execution.context().dump(), R"({"base":1,"both":2,"one":1,"two":1})");
  }
}

TEST(Fork, ABranchDoesNotSeeWhatAnotherExports) {
  Play run(R"(
do:
  - f:
      fork:
        branches:
          - one: {set: {n: 1}, export: {as: '{seen: true}'}}
          - two: {set: '${ $context.seen }'}
)");
  EXPECT_EQ(run.output().dump(), R"([{"n":1},null])");
}

TEST(Fork, AFaultyBranchCancelsTheOthers) {
  Play run(kFork);
  const std::vector<CallAction> calls = run.opened<CallAction>();
  run.failed(calls[0], OutcomeKind::permanent);
  EXPECT_EQ(run.error()["instance"].as_string(), calls[0].reference);
  ASSERT_EQ(run.effects<CancelCall>().size(), 1U);
  EXPECT_EQ(run.effects<CancelCall>()[0].id, calls[1].id);
}

TEST(Fork, TheFirstToFinishWinsAndLosersAreCancelled) {
  Play run(R"(
do:
  - race:
      fork:
        compete: true
        branches:
          - skipped: {if: 'false', set: {winner: skipped}}
          - timer: {wait: PT1H, output: {as: '{winner: "timer"}'}, export: {as: '{timer: true}'}}
          - event:
              listen: {to: {one: {with: {type: e}}}}
              output: {as: '{winner: "event"}'}
          - action: {call: a:1.0.0@r, timeout: {after: PT5M}}
)");
  EXPECT_EQ(run.opened<StartTimer>().size(), 2U);
  run.fire(run.opened<StartTimer>()[0]);
  EXPECT_EQ(run.output().dump(), R"({"winner":"timer"})");
  EXPECT_EQ(run.execution.context().dump(), R"({"timer":true})");
  EXPECT_EQ(run.effects<CancelCall>().size(), 1U);
  EXPECT_EQ(run.effects<Unsubscribe>().size(), 1U);
  EXPECT_EQ(run.effects<CancelTimer>().size(), 1U);
  EXPECT_TRUE(run.execution.open().empty());
}

// ---- call and functions
// -------------------------------------------------------------------------------------------

TEST(Call, AsksForTheActionAndGoesOnWithItsOutput) {
  Play run(
      "do:\n  - room: {call: create-session:1.2.0@video, with: {reference: '${ .id }', n: 1}}\n",
      json(R"({"id":"C1"})"));
  const CallAction call = run.only<CallAction>();
  EXPECT_EQ(call.role, "video");
  EXPECT_EQ(call.action, "create-session");
  EXPECT_EQ(call.version, "1.2.0");
  EXPECT_EQ(call.arguments.dump(), R"({"reference":"C1","n":1})");
  EXPECT_EQ(call.reference, "/do/0/room");
  EXPECT_EQ(call.task, "room");
  EXPECT_EQ(call.attempt, 1);
  EXPECT_EQ(run.execution.status(), InstanceStatus::running);
  run.done(call, json(R"({"room":7})"));
  EXPECT_EQ(run.output().dump(), R"({"room":7})");
  EXPECT_EQ(run.execution.status(), InstanceStatus::completed);
}

TEST(Call, OutcomesBecomeErrors) {
  const auto error = [](OutcomeKind kind, const Json& detail) {
    Play run("do:\n  - a: {call: x:1.0.0@r}\n");
    run.failed(run.only<CallAction>(), kind, "vendor.says", detail);
    const Json found = run.error();
    EXPECT_EQ(found["type"].as_string(), kCommunication);
    EXPECT_EQ(found["title"].as_string(), "vendor.says");
    EXPECT_EQ(found["detail"].as_string(), "the vendor said no");
    EXPECT_EQ(found["instance"].as_string(), "/do/0/a");
    return *found["status"].as_int64();
  };
  EXPECT_EQ(error(OutcomeKind::transient, {}), 503);
  EXPECT_EQ(error(OutcomeKind::transient, json(R"({"status":429})")), 429);
  EXPECT_EQ(error(OutcomeKind::permanent, {}), 422);
  EXPECT_EQ(error(OutcomeKind::permanent, json(R"({"status":404})")), 404);
  EXPECT_EQ(error(OutcomeKind::ambiguous, json(R"({"status":500})")), 504);
}

TEST(Call, ALateOrUnknownResultHasNoEffect) {
  Play run("do:\n  - a: {call: x:1.0.0@r, timeout: {after: PT1S}}\n  - b: {call: y:1.0.0@r}\n");
  const CallAction call = run.only<CallAction>();
  run.fire(run.only<StartTimer>());
  EXPECT_EQ(run.error()["type"].as_string(), kTimeout);
  run.done(call);
  EXPECT_TRUE(run.last.empty());
}

TEST(Function, RunsItsTaskWithTheArgumentsAsInput) {
  Play run(R"(
use:
  functions:
    submit:
      try:
        - request: {call: submit-claim:1.0.0@payer, with: {encounter: '${ .encounter }', seen: '${ $context.k }'}}
      catch:
        retry: {delay: PT1S, limit: {attempt: {count: 1}}}
do:
  - keep: {set: {}, export: {as: '{k: 5}'}}
  - claim: {call: submit, with: {encounter: E1}, output: {as: .id}}
)");
  CallAction call = run.only<CallAction>();
  EXPECT_EQ(call.reference, "/do/1/claim/call/submit/try/0/request");
  EXPECT_EQ(call.arguments.dump(), R"({"encounter":"E1","seen":5})");
  run.failed(call, OutcomeKind::transient);
  run.fire(run.only<StartTimer>());
  EXPECT_EQ(run.only<CallAction>().attempt, 2);
  EXPECT_EQ(run.only<CallAction>().reference, call.reference);
  run.done(run.only<CallAction>(), json(R"({"id":"K1"})"));
  EXPECT_EQ(run.output().dump(), "\"K1\"");
}

// ---- try
// ----------------------------------------------------------------------------------------------------------

std::string try_with(std::string_view clause) {
  return "do:\n  - t:\n      try:\n        - a: {call: x:1.0.0@r}\n      catch: " +
         std::string(clause) + "\n";
}

TEST(Try, MatchesErrorsThroughEveryFamilyOfUris) {
  for (const char* uri :
       {"https://serverlessworkflow.io/spec/1.0.0/errors/communication",
        "https://open-workflow-specification.org/dsl/errors/types/communication",
        "https://serverlessworkflow.io/dsl/errors/types/communication", kCommunication}) {
    Play run(try_with("{errors: {with: {type: '" + std::string(uri) + "', status: 503}}}"),
             json("{\"k\":1}"));
    run.failed(run.only<CallAction>(), OutcomeKind::transient);
    EXPECT_EQ(run.output().dump(), R"({"k":1})") << uri;  // without a handler: the input of the try
  }
  Play other(try_with("{errors: {with: {status: 500}}}"));
  other.failed(other.only<CallAction>(), OutcomeKind::transient);
  EXPECT_EQ(other.error()["status"].as_int64(), 503);
}

TEST(Try, ConditionsSeeTheErrorAsInputAndAsVariable) {
  Play caught(try_with("{as: e, when: .status == 503 and $e.status == 503 and $error.status == "
                       "503, do: [{h: {set: "
                       "{t: '${ $e.title }', in: '${ . }'}}}]}"),
              json("5"));
  caught.failed(caught.only<CallAction>(), OutcomeKind::transient);
  EXPECT_EQ(caught.output().dump(), R"({"t":"vendor.down","in":5})");
  EXPECT_EQ(caught.effects<TaskTrace>()[3].reference, "/do/0/t/catch/do/0/h");
  Play not_caught(try_with("{exceptWhen: .status == 503}"));
  not_caught.failed(not_caught.only<CallAction>(), OutcomeKind::transient);
  EXPECT_EQ(not_caught.error()["status"].as_int64(), 503);
}

TEST(Try, KeepsTheContextOfTheFailedTry) {
  Play run(R"(
do:
  - t:
      try:
        - a: {set: {x: 1}, export: {as: '{kept: true}'}}
        - b: {raise: {error: {type: https://x/e, status: 400, title: '${ "T" + "1" }'}}}
      catch:
        do: [{h: {set: {kept: '${ $context.kept }', title: '${ $error.title }', at: '${ $error.instance }'}}}]
)");
  EXPECT_EQ(run.output().dump(), R"({"kept":true,"title":"T1","at":"/do/0/t/try/1/b"})");
}

TEST(Try, AnErrorInTheHandlerGoesOutwards) {
  Play run(R"(
do:
  - outer:
      try:
        - inner:
            try: [{a: {raise: {error: {type: https://x/1, status: 400}}}}]
            catch:
              do: [{b: {raise: {error: {type: https://x/2, status: 401}}}}]
      catch:
        as: outerError
        do: [{h: {set: {type: '${ $outerError.type }'}, then: exit}}]
        then: end
  - never: {set: {}}
)");
  EXPECT_EQ(run.output().dump(), R"({"type":"https://x/2"})");
}

TEST(Try, RaisesNamedErrorsAndCaughtErrorsAgain) {
  Play run(R"(
use:
  errors:
    noShow: {type: https://x/no-show, status: 410, title: nobody came}
do:
  - t:
      try: [{a: {raise: {error: noShow}}}]
      catch:
        do: [{again: {raise: {error: '${ $error }'}}}]
)");
  EXPECT_EQ(
      run.error().dump(),
      R"({"type":"https://x/no-show","status":410,"title":"nobody came","instance":"/do/0/t/try/0/a"})");
}

std::vector<std::int64_t> delays(std::string_view policy, int failures,
                                 std::int64_t retry_after_ms = 0) {
  Play run(try_with("{retry: " + std::string(policy) + "}"));
  std::vector<std::int64_t> out;
  for (int i = 0; i < failures; ++i) {
    const std::vector<CallAction> calls = run.opened<CallAction>();
    if (calls.size() != 1) break;
    EXPECT_EQ(calls[0].reference, "/do/0/t/try/0/a");
    EXPECT_EQ(calls[0].attempt, i + 1);
    run.failed(calls[0], OutcomeKind::transient, "down", {}, retry_after_ms);
    const std::vector<StartTimer> timers = run.opened<StartTimer>();
    if (timers.empty()) break;
    EXPECT_EQ(timers[0].purpose, "retry");
    out.push_back(timers[0].due.ms - run.now.ms);
    run.fire(timers[0]);
  }
  return out;
}

TEST(Retry, DelaysFollowTheBackoff) {
  using Ms = std::vector<std::int64_t>;
  EXPECT_EQ(delays("{delay: PT2S, limit: {attempt: {count: 3}}}", 9), (Ms{2000, 2000, 2000}));
  EXPECT_EQ(delays("{delay: PT2S, backoff: {linear: {}}, limit: {attempt: {count: 4}}}", 9),
            (Ms{2000, 4000, 6000, 8000}));
  EXPECT_EQ(delays("{delay: PT2S, backoff: {exponential: {}}, limit: {attempt: {count: 4}}}", 9),
            (Ms{2000, 4000, 8000, 16000}));
  // Growth ends at a quarter of an hour; a delay that is longer stays as it is written.
  EXPECT_EQ(delays("{delay: PT10M, backoff: {exponential: {}}, limit: {attempt: {count: 3}}}", 9),
            (Ms{600000, 900000, 900000}));
  EXPECT_EQ(delays("{delay: PT30M, backoff: {linear: {}}, limit: {attempt: {count: 3}}}", 9),
            (Ms{1800000, 1800000, 1800000}));
  EXPECT_EQ(delays("{delay: PT1S, limit: {attempt: {count: 2}}}", 9, 5000), (Ms{5000, 5000}));
  EXPECT_EQ(delays("{delay: PT10S, limit: {duration: PT25S}}", 9), (Ms{10000, 10000}));
  EXPECT_EQ(delays("{limit: {attempt: {count: 2}}}", 9), (Ms{0, 0}));
}

TEST(Retry, JitterIsInItsRangeAndTheSameAtEveryReplay) {
  const char* policy =
      "{delay: PT1S, jitter: {from: PT0.1S, to: PT2S}, limit: {attempt: {count: 20}}}";
  const std::vector<std::int64_t> first = delays(policy, 20);
  EXPECT_EQ(first, delays(policy, 20));
  ASSERT_EQ(first.size(), 20U);
  for (const std::int64_t delay : first) {
    EXPECT_GE(delay, 1100);
    EXPECT_LE(delay, 3000);
  }
  EXPECT_NE(first[0], first[1]);
}

TEST(Retry, IsTriedFirstAndTheHandlerRunsWhenItIsExhausted) {
  Play run(try_with(
      "{retry: {delay: PT1S, limit: {attempt: {count: 1}}}, do: [{h: {set: {handled: true}}}]}"));
  run.failed(run.only<CallAction>(), OutcomeKind::transient);
  EXPECT_TRUE(run.effects<Finished>().empty());
  run.fire(run.only<StartTimer>());
  run.failed(run.only<CallAction>(), OutcomeKind::transient);
  EXPECT_EQ(run.output().dump(), R"({"handled":true})");
}

TEST(Retry, WithoutAHandlerTheErrorGoesOnWhenExhaustedOrNotWanted) {
  Play exhausted(try_with("{retry: {limit: {attempt: {count: 0}}}}"));
  exhausted.failed(exhausted.only<CallAction>(), OutcomeKind::transient);
  EXPECT_EQ(exhausted.error()["status"].as_int64(), 503);
  Play unwanted(
      try_with("{retry: {when: '${ $error.status >= 500 and .status >= 500 }', limit: {attempt: "
               "{count: 5}}}}"));
  unwanted.failed(unwanted.only<CallAction>(), OutcomeKind::permanent);
  EXPECT_EQ(unwanted.error()["status"].as_int64(), 422);
}

TEST(Retry, AnAttemptMayTakeOnlySoLong) {
  Play run(try_with("{retry: {delay: PT1S, limit: {attempt: {count: 1, duration: PT10S}}}}"));
  const CallAction first = run.only<CallAction>();
  run.fire(run.only<StartTimer>());
  ASSERT_EQ(run.effects<CancelCall>().size(), 1U);
  EXPECT_EQ(run.effects<CancelCall>()[0].id, first.id);
  run.fire(run.only<StartTimer>());
  EXPECT_EQ(run.only<CallAction>().attempt, 2);
  run.done(run.only<CallAction>());
  (void)run.output();
  EXPECT_TRUE(run.execution.open().empty());
}

// ---- time
// ---------------------------------------------------------------------------------------------------------

TEST(Wait, PassesItsInputAfterTheDuration) {
  for (const char* duration :
       {"{minutes: 1, seconds: 30}", "PT1M30S", "'${ \"PT\\(.s)S\" }'", "'${ {seconds: .s} }'"}) {
    Play run("do:\n  - w: {wait: " + std::string(duration) + "}\n", json(R"({"s":90})"));
    const StartTimer timer = run.only<StartTimer>();
    EXPECT_EQ(timer.due.ms - run.now.ms, 90'000) << duration;
    EXPECT_EQ(timer.purpose, "wait");
    EXPECT_EQ(run.execution.status(), InstanceStatus::waiting);
    run.fire(timer);
    EXPECT_EQ(run.output().dump(), R"({"s":90})");
  }
  EXPECT_EQ(Play("do:\n  - w: {wait: '${ 5 }'}\n").error()["title"].as_string(), "time.duration");
  EXPECT_EQ(Play("do:\n  - w: {wait: PT0S}\n", Json(1)).output().dump(), "1");
}

TEST(Timeout, CancelsEverythingBeneathAndRaises408) {
  Play run(R"(
use:
  timeouts:
    short: {after: {seconds: 10}}
do:
  - t:
      try:
        - both:
            timeout: short
            fork:
              branches:
                - call: {call: a:1.0.0@r}
                - nested: {do: [{w: {wait: PT1H}}]}
                - event: {listen: {to: {one: {with: {type: e}}}}}
      catch:
        errors: {with: {type: https://serverlessworkflow.io/spec/1.0.0/errors/timeout, status: 408}}
        do: [{h: {set: {at: '${ $error.instance }'}}}]
)");
  StartTimer limit;
  for (const StartTimer& timer : run.opened<StartTimer>()) {
    if (timer.purpose == "timeout") limit = timer;
  }
  run.fire(limit);
  EXPECT_EQ(run.output().dump(), R"({"at":"/do/0/t/try/0/both"})");
  EXPECT_EQ(run.effects<CancelCall>().size(), 1U);
  EXPECT_EQ(run.effects<CancelTimer>().size(), 1U);
  EXPECT_EQ(run.effects<Unsubscribe>().size(), 1U);
}

TEST(Timeout, OfTheWorkflowFaultsIt) {
  Play run("timeout: {after: PT1H}\ndo:\n  - t: {try: [{a: {call: x:1.0.0@r}}], catch: {}}\n");
  run.fire(run.only<StartTimer>());
  EXPECT_EQ(run.error()["type"].as_string(), kTimeout);
  EXPECT_EQ(run.effects<CancelCall>().size(), 1U);
}

TEST(Timeout, IsCancelledWhenTheTaskEnds) {
  Play run("do:\n  - a: {call: x:1.0.0@r, timeout: {after: '${ {seconds: .s} }'}}\n",
           json(R"({"s":3})"));
  const StartTimer timer = run.only<StartTimer>();
  EXPECT_EQ(timer.due.ms - run.now.ms, 3000);
  run.done(run.only<CallAction>());
  ASSERT_EQ(run.effects<CancelTimer>().size(), 1U);
  EXPECT_EQ(run.effects<CancelTimer>()[0].id, timer.id);
}

// ---- events
// -------------------------------------------------------------------------------------------------------

constexpr const char* kListenOne = R"(
do:
  - keep: {set: {}, export: {as: '{session: {id: "S1"}}'}}
  - l:
      timeout: {after: PT1H}
      listen:
        to:
          one:
            with: {type: ended.v1, data: '${ .ok }'}
            correlate:
              session: {from: .data.session, expect: '${ $context.session.id }'}
)";

TEST(Listen, TakesTheEventThatMatchesAndCorrelates) {
  Play run(kListenOne);
  EXPECT_EQ(run.execution.status(), InstanceStatus::waiting);
  EXPECT_FALSE(run.offer(event("ended.v1", json(R"({"session":"S2","ok":true})"))));
  EXPECT_FALSE(run.offer(event("ended.v1", json(R"({"session":"S1","ok":false})"))));
  EXPECT_FALSE(run.offer(event("ended.v10", json(R"({"session":"S1","ok":true})"))));
  EXPECT_FALSE(run.offer(event("xended.v1", json(R"({"session":"S1","ok":true})"))));
  EXPECT_FALSE(run.offer(event("ended.v1", {})));
  EXPECT_TRUE(run.offer(event("ended.v1", json(R"({"session":"S1","ok":true})"))));
  EXPECT_EQ(run.output().dump(), R"([{"session":"S1","ok":true}])");  // always an array
  EXPECT_EQ(run.effects<Unsubscribe>().size(), 1U);
}

TEST(Listen, SubscriptionAndEventHaveTheSameKey) {
  const auto definition = parsed(kListenOne);
  Play run(definition, {});
  const Subscribe subscribe = run.only<Subscribe>();
  ASSERT_EQ(subscribe.keys.size(), 1U);
  EXPECT_EQ(definition->correlation_keys(event("ended.v1", json(R"({"session":"S1"})"))),
            subscribe.keys);
  EXPECT_NE(definition->correlation_keys(event("ended.v1", json(R"({"session":"S2"})"))),
            subscribe.keys);
  EXPECT_TRUE(definition->correlation_keys(event("ended.v1", json("{}"))).empty());
  EXPECT_TRUE(definition->correlation_keys(event("other", json(R"({"session":"S1"})"))).empty());
}

TEST(Listen, AsksNoQuestionsOfWants) {
  Play run(kListenOne);
  const Subscribe subscribe = run.only<Subscribe>();
  const Json given = event("ended.v1", json(R"({"session":"S1","ok":true})"));
  EXPECT_TRUE(run.execution.wants(subscribe.id, given));
  EXPECT_TRUE(run.execution.wants(subscribe.id, given));
  EXPECT_FALSE(run.execution.wants(subscribe.id + 1, given));
}

TEST(Listen, ANullCorrelationIsAnErrorAndNotAWildcard) {
  Play run(
      "do:\n  - l:\n      timeout: {after: PT1H}\n      listen:\n        to:\n          one:\n     "
      "       with: {type: e}\n"
      "            correlate: {c: {from: .data.c, expect: '${ .missing }'}}\n",
      json("{}"));
  EXPECT_EQ(run.error()["title"].as_string(), "workflow.correlation");
}

TEST(Listen, AllNeedsOneEventForEachFilter) {
  Play run(R"(
do:
  - l:
      listen:
        read: envelope
        to:
          all:
            - with: {type: joined, data: '${ .role == "patient" }'}
            - with: {type: joined, data: '${ .role == "practitioner" }'}
            - with: {type: consent, source: /test}
      output: {as: '[.[].id]'}
)");
  EXPECT_EQ(run.only<Subscribe>().keys.size(), 2U);
  EXPECT_TRUE(run.offer(event("joined", json(R"({"role":"practitioner"})"), "1")));
  EXPECT_FALSE(run.offer(event("joined", json(R"({"role":"practitioner"})"), "2")));
  EXPECT_TRUE(run.offer(event("consent", {}, "3")));
  EXPECT_TRUE(run.offer(event("joined", json(R"({"role":"patient"})"), "4")));
  EXPECT_EQ(run.output().dump(), R"(["1","3","4"])");
}

TEST(Listen, AnyTakesOneOrUntil) {
  Play one("do:\n  - l: {listen: {to: {any: [{with: {type: a}}, {with: {type: b}}]}}}\n");
  EXPECT_TRUE(one.offer(event("b", Json(2))));
  EXPECT_EQ(one.output().dump(), "[2]");
  Play counted(
      "do:\n  - l: {listen: {to: {any: [{with: {type: a}}], until: '${ length == 2 }'}}}\n");
  EXPECT_TRUE(counted.offer(event("a", Json(1), "1")));
  EXPECT_FALSE(counted.offer(event("a", Json(1), "1")));  // the same event
  EXPECT_TRUE(counted.offer(event("a", Json(2), "2")));
  EXPECT_EQ(counted.output().dump(), "[1,2]");
  Play stopped(
      "do:\n  - l: {listen: {to: {any: [{with: {type: a}}], until: {one: {with: {type: "
      "stop}}}}}}\n");
  EXPECT_TRUE(stopped.offer(event("a", Json(1), "1")));
  EXPECT_TRUE(stopped.offer(event("stop", Json(9), "2")));
  EXPECT_EQ(stopped.output().dump(), "[1]");
}

TEST(Listen, DoesNotTakeTheSameEventInALaterActivation) {
  Play run(
      "do:\n  - loop:\n      for: {in: '[1, 2]'}\n      do:\n        - l: {listen: {to: {one: "
      "{with: {type: a}}}}}\n"
      "  - other: {listen: {to: {one: {with: {type: a}}}}}\n");
  EXPECT_TRUE(run.offer(event("a", Json(1), "1")));
  EXPECT_FALSE(run.offer(event("a", Json(1), "1")));
  EXPECT_TRUE(run.offer(event("a", Json(2), "2")));
  EXPECT_TRUE(run.offer(event("a", Json(1), "1")));  // another listen
  EXPECT_EQ(run.output().dump(), "[1]");
}

TEST(Emit, GivesACompleteEvent) {
  Play run(
      "do:\n  - tell: {emit: {event: {with: {type: told.v1, subject: '${ .s }', data: {a: '${ .a "
      "}'}}}}}\n",
      json(R"({"s":"x","a":1})"));
  const Json expected = json(
      R"({"specversion":"1.0","id":"01J0000000000000000000TEST:/do/0/tell","source":"/test/sample/1.0.0",
      "type":"told.v1","time":"2026-03-08T20:00:00.000Z","subject":"x","data":{"a":1}})");
  ASSERT_EQ(run.effects<Emit>().size(), 1U);
  EXPECT_EQ(run.effects<Emit>()[0].event, expected);
  EXPECT_EQ(run.output(), expected);
}

// Symptom: `emit` gave out events that no CloudEvent can be. Cause: only the kind of JSON value was
// looked at, and no name.
TEST(Emit, WhatIsNoCloudEventIsAnErrorAndNothingIsEmitted) {
  const auto emits = [](const std::string& attribute, const Json& value) {
    Play run("do:\n  - tell: {emit: {event: {with: {type: a.v1, " + attribute + ": '${ .v }'}}}}\n",
             Json::object({{"v", value}}));
    return run.effects<Emit>().size() == 1;
  };
  for (const char* name : {"example-extension", "Ext", "ext_1"}) {
    const std::string file =
        "document: {dsl: '1.0.3', namespace: t, name: s, version: '1.0.0'}\n"
        "do:\n  - tell: {emit: {event: {with: {type: a.v1, source: /t, " +
        std::string(name) + ": '${ .v }'}}}}\n";
    EXPECT_EQ(parse_definition(file, nullptr).definition, nullptr) << name;
    // One that was deployed before goes on, and its event is refused.
    const auto stored = parse_deployed(file);
    ASSERT_NE(stored.definition, nullptr) << name;
    EXPECT_TRUE(Play(stored.definition, json(R"({"v":"x"})")).effects<Emit>().empty()) << name;
  }
  for (const Json& good : {Json(true), Json(2147483647), Json(-2147483648LL), Json("1"), Json("")})
    EXPECT_TRUE(emits("ext", good)) << good.dump();
  for (const Json& bad : {Json(1.5), Json(2147483648LL), Json(-2147483649LL), json("[1]"),
                          json(R"({"a":1})"), Json("a\nb"), Json("a\u0085b"), Json("\uffff")})
    EXPECT_FALSE(emits("ext", bad)) << bad.dump();
  struct Case {
    const char* attribute;
    std::vector<const char*> good;
    std::vector<const char*> bad;
  };
  for (const Case& one : std::vector<Case>{
           {"source", {"/a", "urn:a:b", "https://a.example/x?y#z", "a"}, {"not a uri", "", "%zz"}},
           {"specversion", {"1.0"}, {"0.3", "1.1"}},
           {"dataschema", {"https://a.example/s"}, {"x y", "/relative", ""}},
           {"datacontenttype",
            {"application/json", "text/plain; charset=utf-8", "application/fhir+json"},
            {"nonsense", "a/", "/b", "a b/c", "text/plain;"}},
           {"time", {"2026-03-10T09:00:00+03:00"}, {"yesterday", "2026-03-10"}},
           {"subject", {"x"}, {"", "a\tb"}},
           {"id", {"x"}, {""}}}) {
    for (const char* good : one.good) EXPECT_TRUE(emits(one.attribute, Json(good))) << good;
    for (const char* bad : one.bad)
      EXPECT_FALSE(emits(one.attribute, Json(bad))) << one.attribute << ' ' << bad;
  }
  EXPECT_FALSE(emits("subject", Json(5)));
}

TEST(Schedule, InputIsAnArrayOfEventsOrOfTheirData) {
  const Json events = Json::array({event("t", json(R"({"a":1})"))});
  EXPECT_EQ(Play(parsed("schedule: {on: {one: {with: {type: t}}}}\ninput: {from: "
                        "'.[0].data.a'}\ndo: [{x: {set: '${ . }'}}]\n"),
                 events)
                .output()
                .dump(),
            "1");
  EXPECT_EQ(Play(parsed("schedule: {on: {one: {with: {type: t}}}, read: data}\ninput: {from: "
                        "'.[0].a'}\ndo: [{x: {set: '${ . }'}}]\n"),
                 events)
                .output()
                .dump(),
            "1");
}

// ---- the instance
// -------------------------------------------------------------------------------------------------

TEST(Instance, CancelEndsEverything) {
  Play run("do:\n  - t: {try: [{a: {call: x:1.0.0@r, timeout: {after: PT1H}}}], catch: {}}\n");
  run.send(Cancel{"the operator said so"});
  EXPECT_EQ(run.result().status, InstanceStatus::cancelled);
  EXPECT_EQ(run.effects<CancelCall>().size(), 1U);
  EXPECT_EQ(run.effects<CancelTimer>().size(), 1U);
  EXPECT_EQ(run.execution.status(), InstanceStatus::cancelled);
  run.send(Cancel{"again"});
  EXPECT_TRUE(run.last.empty());
}

TEST(Instance, TracesFollowEachTask) {
  Play run(
      "do:\n  - t: {try: [{a: {call: x:1.0.0@r}}], catch: {retry: {delay: PT1S, limit: {attempt: "
      "{count: 1}}}}}\n"
      "  - w: {wait: PT1S}\n");
  run.failed(run.only<CallAction>(), OutcomeKind::transient);
  run.fire(run.only<StartTimer>());
  run.done(run.only<CallAction>());
  EXPECT_EQ(run.traces(), (Texts{"t:started", "a:started", "a:faulted", "t:retried", "a:started",
                                 "a:completed", "t:completed", "w:started", "w:waiting"}));
  const std::vector<TaskTrace> traces = run.effects<TaskTrace>();
  EXPECT_EQ(traces[1].detail, "x:1.0.0@r");
  EXPECT_EQ(traces[1].kind, "call");
  EXPECT_EQ(traces[2].detail, "communication 503: vendor.down");
}

TEST(Instance, TracesHoldNoTitleThatWasComputed) {
  Play run("do:\n  - a: {raise: {error: {type: https://x/e, status: 400, title: '${ .name }'}}}\n",
           json(R"({"name":"secret"})"));
  (void)run.error();
  for (const TaskTrace& trace : run.effects<TaskTrace>())
    EXPECT_EQ(trace.detail.find("secret"), std::string::npos);
}

TEST(Instance, OpenNamesWhatIsAwaitedInOrderOfIds) {
  Play run(
      "do:\n  - f:\n      timeout: {after: PT1H}\n      fork:\n        branches:\n          - a: "
      "{call: x:1.0.0@r, with: {k: 1}}\n"
      "          - b: {wait: PT1S}\n          - c: {listen: {to: {one: {with: {type: t}}}}}\n");
  std::vector<std::string> asked;
  for (const Effect& effect : run.all) {
    if (std::holds_alternative<TaskTrace>(effect)) continue;
    asked.push_back(text_of(effect));
  }
  std::vector<std::string> open;
  for (const Effect& effect : run.execution.open()) open.push_back(text_of(effect));
  EXPECT_EQ(open, asked);
  EXPECT_EQ(open.size(), 4U);
}

TEST(Instance, TheSameInputsGiveTheSameEffects) {
  const auto definition = parsed(kFork);
  Play run(definition, json("{\"a\":1.10}"));
  run.done(run.opened<CallAction>()[1], json("{\"x\":1}"));
  run.done(run.opened<CallAction>()[0], json("{\"x\":2}"));
  // Through the journal's form and back, in another execution.
  Execution again(definition);
  std::vector<std::string> first;
  std::vector<std::string> second;
  for (const Effect& effect : run.all) first.push_back(text_of(effect));
  for (const Input& input : run.inputs) {
    const Result<Json> stored = Json::parse(to_json(input).dump());
    ASSERT_TRUE(stored.ok());
    const Result<Input> read = input_from_json(stored.value());
    ASSERT_TRUE(read.ok()) << read.error().message;
    for (const Effect& effect : again.apply(read.value())) second.push_back(text_of(effect));
  }
  EXPECT_EQ(first, second);
}

TEST(Instance, DeeplyNestedFunctionsAreStopped) {
  std::string body = "use:\n  functions:\n";
  for (int i = 0; i < 200; ++i) {
    body += "    f" + std::to_string(i) + ": {call: f" + std::to_string(i + 1) + "}\n";
  }
  body += "    f200: {set: {x: 1}}\ndo:\n  - a: {call: f0}\n";
  EXPECT_EQ(Play(body).error()["title"].as_string(), "tasks are nested too deeply");
}

TEST(InputJson, RoundTripsEveryInput) {
  std::vector<Input> inputs;
  const auto add = [&]<typename What>(What what) {
    inputs.emplace_back().at = {7};
    inputs.back().what.emplace<What>(std::move(what));
  };
  add(Start{"I", json("[1.10]")});
  add(ActionEnded{3, {OutcomeKind::done, json("{}"), "", "", {}, 0}});
  add(ActionEnded{3, {OutcomeKind::transient, {}, "c", "m", json(R"({"status":503})"), 7}});
  add(ActionEnded{3, {OutcomeKind::done, json("{}"), "", "", {}, 0}, 0, "user:u"});
  add(TimerFired{4});
  add(EventArrived{5, event("t", json("{}"))});
  add(Cancel{"why"});
  add(Rewound{3, 9, "the payer is back", "user:u"});
  add(Rewound{3, 9, "the file was mended", "user:u", "1.1.0", "1.0.0"});
  add(Again{7});
  for (const Input& input : inputs) {
    const Json stored = to_json(input);
    const Result<Input> read = input_from_json(stored);
    ASSERT_TRUE(read.ok()) << stored.dump();
    EXPECT_EQ(to_json(read.value()).dump(), stored.dump());
  }
  for (const char* wrong :
       {"{}", "5", R"({"at":1})", R"({"at":1,"stop":{}})",
        R"({"at":"1","timer_fired":{"timer":1}})", R"({"at":1,"timer_fired":{"timer":-1}})",
        R"({"at":1,"timer_fired":{"timer":1,"x":1}})", R"({"at":1,"again":{}})",
        R"({"at":1,"rewound":{"to":1,"next":2,"reason":"r"}})",
        R"({"at":1,"rewound":{"to":1,"next":2,"reason":"r","by":"b","version":"1.1.0"}})",
        R"({"at":1,"action_ended":{"call":1,"outcome":{"kind":"done"},"by":""}})",
        R"({"at":1,"action_ended":{"call":1,"outcome":{"kind":"maybe"}}})"}) {
    EXPECT_FALSE(input_from_json(json(wrong)).ok()) << wrong;
  }
}

// The interpreter's own cost; generous, so that only a change of order of magnitude fails.
TEST(Instance, ASimpleTurnIsCheap) {
  std::string body =
      "do:\n  - loop:\n      for: {in: '[range(2000)]'}\n      do:\n        - c: {call: x:1.0.0@r, "
      "with: {n: '${ $item }'}}\n";
  Play run(body);
  const auto start = std::chrono::steady_clock::now();
  Execution& execution = run.execution;
  std::uint64_t call = 1;
  for (int i = 0; i < 2000; ++i) {
    const std::vector<Effect> effects =
        execution.apply({run.now, ActionEnded{call, {OutcomeKind::done, {}, "", "", {}, 0}}});
    ASSERT_FALSE(effects.empty());
    ++call;
  }
  const auto spent = std::chrono::duration_cast<std::chrono::nanoseconds>(
      std::chrono::steady_clock::now() - start);
  RecordProperty("ns_per_turn", static_cast<int>(spent.count() / 2000));
  std::printf("one turn: %lld ns\n", static_cast<long long>(spent.count() / 2000));
  EXPECT_LT(spent.count() / 2000, 500'000);
  EXPECT_EQ(execution.status(), InstanceStatus::completed);
}

TEST(Errors, ShowNoTypeAndNoPlaceThatAnExpressionMade) {
  const auto shown = [](std::string_view error) {
    const Play play("do:\n  - a: {raise: {error: " + std::string(error) + "}}\n",
                    json(R"({"name":"Layla","kind":"timeout"})"));
    const Finished finished = play.result();
    const std::string trace = play.effects<TaskTrace>().back().detail;
    EXPECT_EQ(trace.find("Layla"), std::string::npos) << trace;
    return finished.shown.dump();
  };
  EXPECT_EQ(shown("{type: '${ .name }', status: 418, instance: '${ .name }'}"),
            R"({"status":418,"instance":"/do/0/a"})");
  EXPECT_EQ(shown("'${ {type: .name, status: 418, title: .name, instance: .name} }'"),
            R"({"status":418,"instance":"/do/0/a"})");
  // Texts of the file or the specification contain no patient data.
  EXPECT_EQ(shown("{type: 'https://x.example/no', status: 418}"),
            R"({"type":"https://x.example/no","status":418,"instance":"/do/0/a"})");
  const std::string standard = "https://open-workflow-specification.org/spec/1.0.0/errors/timeout";
  EXPECT_EQ(shown("{type: '${ \"" + standard.substr(0, standard.rfind('/') + 1) +
                  "\" + .kind }', status: 408}"),
            "{\"type\":\"" + standard + R"(","status":408,"instance":"/do/0/a"})");
}

}  // namespace
}  // namespace rabt::workflow::execution_test
