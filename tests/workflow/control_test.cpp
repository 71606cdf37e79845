#include <gtest/gtest.h>

#include "harness.hpp"

// listen, run.workflow, extensions, compensation and what metadata.rabt adds.
namespace rabt::workflow::control_test {
namespace {

using Texts = std::vector<std::string>;

constexpr const char* kTimeout =
    "https://open-workflow-specification.org/spec/1.0.0/errors/timeout";

std::string with_metadata(std::string_view rabt, std::string_view rest) {
  return "document:\n  dsl: '1.0.3'\n  namespace: test\n  name: sample\n  version: '1.0.0'\n"
         "  metadata: {rabt: " +
         std::string(rabt) + "}\n" + std::string(rest);
}

// ---- listen
// ---------------------------------------------------------------------------------------------------

TEST(Listen, AnyOfNothingIsEveryEvent) {
  const auto definition =
      parsed("do:\n  - a:\n      listen: {to: {any: [], until: '( . | length ) > 2'}}\n");
  Play run(definition, {});
  const Subscribe subscribe = run.only<Subscribe>();
  ASSERT_EQ(subscribe.keys, Texts{"*"});
  // A subscription finds the event: they have a key in common.
  EXPECT_EQ(definition->correlation_keys(event("org.any.thing", Json(1))), Texts{"*"});
  EXPECT_TRUE(run.offer(event("org.any.thing", Json(1), "1")));
  EXPECT_TRUE(run.offer(event("another", Json(2), "2")));
  EXPECT_FALSE(run.offer(event("another", Json(2), "2"))) << "taken already";
  EXPECT_TRUE(run.offer(event("third", Json(3), "3")));
  EXPECT_EQ(run.output().dump(), "[1,2,3]");
}

TEST(Listen, OnlyADefinitionThatListensToEverythingHasTheKeyOfEveryEvent) {
  const auto definition = parsed("do:\n  - a:\n      listen: {to: {one: {with: {type: t}}}}\n");
  EXPECT_EQ(definition->correlation_keys(event("t", Json(1))), Texts{"t"});
  EXPECT_EQ(definition->correlation_keys(event("u", Json(1))), Texts{});
}

TEST(Listen, AnyOfNothingWithoutUntilTakesTheFirstEvent) {
  Play run("do:\n  - a:\n      listen: {to: {any: []}}\n");
  EXPECT_TRUE(run.offer(event("whatever", Json(7))));
  EXPECT_EQ(run.output().dump(), "[7]");
}

TEST(Listen, UntilFalseListensUntilTheTaskIsEndedFromOutside) {
  for (const char* never : {"'${ false }'", "false"}) {
    Play run("do:\n  - a:\n      listen: {to: {any: [], until: " + std::string(never) +
             "}}\n      timeout: {after: PT1H}\n");
    for (int i = 0; i < 20; ++i)
      EXPECT_TRUE(run.offer(event("t", Json(i), "e" + std::to_string(i))));
    run.fire(run.only<StartTimer>());
    EXPECT_EQ(run.error()["type"].as_string(), kTimeout);
  }
}

TEST(Listen, UntilIsAStrategyOfItsOwn) {
  const auto body = [](std::string_view until) {
    return "do:\n  - a:\n      listen:\n        to:\n          any:\n            - with: {type: "
           "x}\n          until: " +
           std::string(until) + "\n";
  };
  Play one(body("{one: {with: {type: stop}}}"));
  EXPECT_TRUE(one.offer(event("x", Json(1), "1")));
  EXPECT_TRUE(one.offer(event("stop", Json(2), "2")));
  EXPECT_EQ(one.output().dump(), "[1]") << "what `until` takes is no part of the output";

  Play any(body("{any: [{with: {type: stop}}, {with: {type: halt}}]}"));
  EXPECT_TRUE(any.offer(event("halt", Json(2), "2")));
  EXPECT_EQ(any.output().dump(), "[]");

  Play all(body("{all: [{with: {type: stop}}, {with: {type: halt}}]}"));
  EXPECT_TRUE(all.offer(event("halt", Json(2), "2")));
  EXPECT_FALSE(all.offer(event("halt", Json(2), "3"))) << "that one is there already";
  EXPECT_TRUE(all.offer(event("x", Json(1), "4")));
  EXPECT_TRUE(all.offer(event("stop", Json(2), "5")));
  EXPECT_EQ(all.output().dump(), "[1]");

  Play every(body("{any: []}"));
  EXPECT_TRUE(every.offer(event("y", Json(2), "2")));
  EXPECT_EQ(every.output().dump(), "[]");
}

TEST(Listen, ReadsDataEnvelopeOrRaw) {
  const auto output = [](std::string_view read, const Json& given) {
    Play run("do:\n  - a:\n      listen: {to: {one: {with: {type: t}}}, read: " +
             std::string(read) + "}\n");
    EXPECT_TRUE(run.offer(given));
    return run.output().dump();
  };
  const Json object = event("t", json(R"({"b":1})"));
  EXPECT_EQ(output("data", object), R"([{"b":1}])");
  EXPECT_EQ(output("envelope", object), Json::array({object}).dump());
  EXPECT_EQ(output("raw", object), R"(["{\"b\":1}"])");
  EXPECT_EQ(output("raw", event("t", Json("MSH|^~"))), R"(["MSH|^~"])");
  EXPECT_EQ(output("raw", json(R"({"type":"t","id":"1","data_base64":"AAEC"})")), R"(["AAEC"])");
}

TEST(Listen, FiltersLookAtEveryAttribute) {
  Play run(R"(
do:
  - a:
      listen:
        to:
          one:
            with:
              type: t
              source: '${ startswith("/ward") }'
              subject: bed-7
              priority: '${ . > 3 }'
              data: '${ .temperature > 38 }'
)");
  const auto reading = [](const char* source, const char* subject, int priority, int temperature) {
    Json item = event("t", Json::object({{"temperature", temperature}}), "r");
    item.set("source", source);
    item.set("subject", subject);
    item.set("priority", priority);
    return item;
  };
  EXPECT_FALSE(run.offer(reading("/lab", "bed-7", 5, 39)));
  EXPECT_FALSE(run.offer(reading("/ward/2", "bed-8", 5, 39)));
  EXPECT_FALSE(run.offer(reading("/ward/2", "bed-7", 3, 39)));
  EXPECT_FALSE(run.offer(reading("/ward/2", "bed-7", 5, 37)));
  EXPECT_TRUE(run.offer(reading("/ward/2", "bed-7", 5, 39)));
}

TEST(Listen, WithoutExpectTheFirstExtractedValueWins) {
  const auto definition = parsed(R"(
do:
  - a:
      listen:
        to:
          all:
            - with: {type: temperature}
              correlate: {room: {from: .data.room}}
            - with: {type: humidity}
              correlate: {room: {from: .data.room}}
)");
  Play run(definition, {});
  const auto reading = [](const char* type, const char* room, const char* id) {
    return event(type, Json::object({{"room", room}}), id);
  };
  const Json first = reading("temperature", "r1", "1");
  EXPECT_EQ(run.only<Subscribe>().keys, (Texts{"temperature", "humidity"}));
  EXPECT_EQ(definition->correlation_keys(first), Texts{"temperature"});
  EXPECT_FALSE(run.offer(event("temperature", Json::object(), "0"))) << "no value to correlate by";
  EXPECT_TRUE(run.offer(first));
  EXPECT_FALSE(run.offer(reading("humidity", "r2", "2")));
  EXPECT_TRUE(run.offer(reading("humidity", "r1", "3")));
  EXPECT_EQ(run.output().dump(), R"([{"room":"r1"},{"room":"r1"}])");
}

TEST(Listen, TheFirstValueHoldsWithinOneActivationOnly) {
  Play run(R"(
do:
  - loop:
      for: {in: '[1, 2]'}
      do:
        - a:
            listen:
              to:
                any: [{with: {type: t}, correlate: {k: {from: .data}}}]
                until: length == 2
)");
  EXPECT_TRUE(run.offer(event("t", Json("x"), "1")));
  EXPECT_FALSE(run.offer(event("t", Json("y"), "2")));
  EXPECT_TRUE(run.offer(event("t", Json("x"), "3")));
  EXPECT_TRUE(run.offer(event("t", Json("y"), "4"))) << "the second activation starts anew";
  EXPECT_TRUE(run.offer(event("t", Json("y"), "5")));
  EXPECT_EQ(run.output().dump(), R"(["y","y"])");
}

constexpr const char* kForeach = R"(
do:
  - chat:
      listen:
        to:
          any: [{with: {type: said}}]
          until: {one: {with: {type: closed}}}
      foreach:
        item: message
        at: i
        do:
          - post: {call: post:1.0.0@chat, with: {text: '${ $message.text }', at: '${ $i }'}}
          - keep: {set: {posted: '${ .ok }', given: '${ $message.text }'}}
        output: {as: '{posted: .posted, i: $i}'}
        export: {as: '$context + {last: $output.i}'}
)";

Json said(int n) {
  return event("said", Json::object({{"text", "m" + std::to_string(n)}}), "s" + std::to_string(n));
}

TEST(Foreach, ProcessesOneEventAtATimeInTheOrderOfArrival) {
  Play run(kForeach);
  EXPECT_TRUE(run.offer(said(0)));
  const CallAction first = run.only<CallAction>();
  EXPECT_EQ(first.reference, "/do/0/chat/foreach/0/do/0/post");
  EXPECT_EQ(first.arguments.dump(), R"({"text":"m0","at":0})");
  EXPECT_TRUE(run.offer(said(1))) << "taken while the first is processed";
  EXPECT_TRUE(run.offer(said(2)));
  EXPECT_FALSE(run.offer(said(1))) << "taken once";
  EXPECT_EQ(run.opened<CallAction>().size(), 1U) << "the others wait";
  run.done(first, json(R"({"ok":true})"));
  const CallAction second = run.only<CallAction>();
  EXPECT_EQ(second.reference, "/do/0/chat/foreach/1/do/0/post");
  EXPECT_EQ(second.arguments.dump(), R"({"text":"m1","at":1})");
  EXPECT_EQ(run.execution.context().dump(), R"({"last":0})");
  EXPECT_TRUE(run.offer(event("closed", {}, "c")));
  EXPECT_TRUE(run.opened<Subscribe>().empty());
  EXPECT_FALSE(run.offer(said(3)));
  run.done(second, json(R"({"ok":true})"));
  run.done(run.only<CallAction>(), json(R"({"ok":false})"));
  EXPECT_EQ(run.output().dump(),
            R"([{"posted":true,"i":0},{"posted":true,"i":1},{"posted":false,"i":2}])");
  EXPECT_EQ(run.execution.context().dump(), R"({"last":2})");
}

TEST(Foreach, UntilIsLookedAtAfterEachIteration) {
  Play run(R"(
do:
  - a:
      listen: {to: {any: [], until: '$context.n >= 2 and length == 2 and $index == 1'}}
      foreach:
        do:
          - count: {call: count:1.0.0@r}
        export: {as: '{n: $output.n}'}
)");
  for (int i = 0; i < 4; ++i) EXPECT_TRUE(run.offer(said(i)));
  run.done(run.only<CallAction>(), json(R"({"n":1})"));
  EXPECT_EQ(run.opened<Subscribe>().size(), 1U);
  run.done(run.only<CallAction>(), json(R"({"n":2})"));
  EXPECT_EQ(run.output().dump(), R"([{"n":1},{"n":2}])") << "what still waited has no part in it";
}

TEST(Foreach, WithOneAndAllTheListenEndsWithItsLastEvent) {
  Play one(
      "do:\n  - a:\n      listen: {to: {one: {with: {type: t}}}}\n      foreach: {do: [{b: {set: "
      "{x: '${ . + $item + $index }'}}}]}\n");
  EXPECT_TRUE(one.offer(event("t", Json(20))));
  EXPECT_EQ(one.output().dump(), R"([{"x":40}])");
  Play all(
      "do:\n  - a:\n      listen: {to: {all: [{with: {type: t}}, {with: {type: u}}]}}\n      "
      "foreach: {output: {as: '. * 2'}}\n");
  EXPECT_TRUE(all.offer(event("u", Json(1), "1")));
  EXPECT_TRUE(all.offer(event("t", Json(2), "2")));
  EXPECT_EQ(all.output().dump(), "[2,4]") << "without `do` the event itself is the output";
}

TEST(Foreach, AFaultInAnIterationEndsTheListen) {
  Play run(kForeach);
  EXPECT_TRUE(run.offer(said(0)));
  EXPECT_TRUE(run.offer(said(1)));
  run.failed(run.only<CallAction>(), OutcomeKind::permanent);
  EXPECT_EQ(run.error()["instance"].as_string(), "/do/0/chat/foreach/0/do/0/post");
  EXPECT_EQ(run.effects<Unsubscribe>().size(), 1U);
}

TEST(Foreach, ExitLeavesTheIterationAndEndTheWorkflow) {
  Play run(
      "do:\n  - a:\n      listen: {to: {any: [], until: length == 2}}\n      foreach:\n        "
      "do:\n "
      "         - b: {set: {x: 1}, then: exit}\n          - c: {set: {x: 2}}\n");
  EXPECT_TRUE(run.offer(said(0)));
  EXPECT_TRUE(run.offer(said(1)));
  EXPECT_EQ(run.output().dump(), R"([{"x":1},{"x":1}])");
  Play end(
      "do:\n  - a:\n      listen: {to: {any: [], until: false}}\n      foreach:\n        do:\n "
      "         - b: {set: {x: 1}, then: end}\n  - never: {set: {y: 1}}\n");
  EXPECT_TRUE(end.offer(said(0)));
  EXPECT_EQ(end.output().dump(), R"({"x":1})");
}

// ---- schedule.on.all
// ------------------------------------------------------------------------------------------

TEST(StartOnAll, StartsWhenEachFilterHasMatchedWithTheSameValue) {
  const auto definition = parsed(R"(
schedule:
  on:
    all:
      - with: {type: paid}
        correlate: {order: {from: .data.order}}
      - with: {type: packed}
        correlate: {order: {from: .data.order}}
do: [{a: {set: {b: 1}}}]
)");
  const auto order = [](const char* type, int n) {
    return event(type, Json::object({{"order", n}}), type + std::to_string(n));
  };
  EXPECT_TRUE(definition->starts_on_all());
  EXPECT_FALSE(definition->starts_on(order("paid", 1))) << "not alone";
  EXPECT_EQ(definition->start_types(), (Texts{"paid", "packed"}));
  Json pending;
  std::vector<std::string> started;
  const auto offer = [&](const Json& item, std::int64_t at = 1000) {
    Definition::StartStep step = definition->collect_start(pending, item, {at});
    pending = json(step.pending.dump());  // it is stored as text
    if (step.start.has_value()) started.push_back(step.start->dump());
  };
  offer(order("packed", 1));
  offer(order("packed", 2));
  offer(order("unknown", 1));
  offer(order("paid", 3));
  EXPECT_TRUE(started.empty());
  EXPECT_EQ(pending.size(), 3U);
  offer(order("paid", 2));
  EXPECT_EQ(started, Texts{Json::array({order("paid", 2), order("packed", 2)}).dump()});
  EXPECT_EQ(pending.size(), 2U);
  offer(order("packed", 9), 1000 + 8LL * 86'400'000);
  EXPECT_EQ(pending.size(), 1U) << "what is older than a week is dropped";
}

TEST(StartOnAll, SetsFillInTheOrderOfArrivalAndAreBounded) {
  const auto definition = parsed(
      "schedule: {on: {all: [{with: {type: a}}, {with: {type: b}}]}}\ndo: [{a: {set: {b: 1}}}]\n");
  Json pending;
  for (int i = 0; i < 300; ++i) {
    pending =
        definition->collect_start(pending, event("a", Json(i), std::to_string(i)), {i}).pending;
  }
  EXPECT_EQ(pending.size(), 256U);
  const Definition::StartStep step =
      definition->collect_start(pending, event("b", Json("b"), "x"), {400});
  ASSERT_TRUE(step.start.has_value());
  EXPECT_EQ((*step.start)[0]["data"].as_int64(), 300 - 256) << "the oldest that is left";
  EXPECT_EQ(step.pending.size(), 255U);
}

// ---- run.workflow
// ---------------------------------------------------------------------------------------------

constexpr const char* kChild =
    "do:\n  - child:\n      run: {workflow: {namespace: test, name: other, version: '1.2.0', "
    "input: "
    "{patient: '${ .p }'}}";

TEST(RunWorkflow, StartsTheChildAndGivesItsOutput) {
  const auto definition = parsed(std::string(kChild) + "}\n");
  ASSERT_EQ(definition->children().size(), 1U);
  EXPECT_EQ(definition->children()[0].name_space, "test");
  EXPECT_EQ(definition->children()[0].name, "other");
  EXPECT_EQ(definition->children()[0].version, "1.2.0");
  EXPECT_EQ(definition->children()[0].line, 4);
  Play run(definition, json(R"({"p":7})"));
  const StartWorkflow child = run.only<StartWorkflow>();
  EXPECT_EQ(child.reference, "/do/0/child");
  EXPECT_EQ(child.input.dump(), R"({"patient":7})");
  EXPECT_TRUE(child.await);
  EXPECT_EQ(run.execution.status(), InstanceStatus::running);
  run.send(ActionEnded{child.id, {OutcomeKind::done, json(R"({"ok":1})"), "", "", {}, 0}});
  EXPECT_EQ(run.output().dump(), R"({"ok":1})");
}

TEST(RunWorkflow, WithoutAwaitItGoesOnWithItsInput) {
  Play run(std::string(kChild) + ", await: false}\n", json(R"({"p":7})"));
  ASSERT_EQ(run.effects<StartWorkflow>().size(), 1U);
  EXPECT_FALSE(run.effects<StartWorkflow>()[0].await);
  EXPECT_EQ(run.output().dump(), R"({"p":7})");
  EXPECT_TRUE(run.effects<CancelCall>().empty());
}

TEST(RunWorkflow, ReturnShapesTheOutput) {
  const auto output = [](std::string_view how) {
    Play run(std::string(kChild) + ", return: " + std::string(how) + "}\n");
    run.send(
        ActionEnded{run.only<StartWorkflow>().id, {OutcomeKind::done, Json(5), "", "", {}, 0}});
    return run.output().dump();
  };
  EXPECT_EQ(output("stdout"), "5");
  EXPECT_EQ(output("code"), "0");
  EXPECT_EQ(output("all"), R"({"code":0,"stdout":5,"stderr":null})");
  EXPECT_EQ(output("none"), "null");
}

TEST(RunWorkflow, TheChildsErrorIsTheParentsWithThePlaceInTheParent) {
  Play run(std::string(kChild) + "}\n");
  const Json error = json(
      R"({"type":"https://x/no-show","status":410,"title":"secret","detail":"d","instance":"/do/9/x"})");
  run.send(ActionEnded{
      run.only<StartWorkflow>().id,
      {OutcomeKind::permanent, {}, "workflow.faulted", "", Json::object({{"error", error}}), 0}});
  EXPECT_EQ(
      run.error().dump(),
      R"({"type":"https://x/no-show","status":410,"title":"secret","detail":"d","instance":"/do/0/child"})");
  for (const TaskTrace& trace : run.effects<TaskTrace>())
    EXPECT_EQ(trace.detail.find("secret"), std::string::npos) << "a child's title may hold data";
}

TEST(RunWorkflow, ACancelledOrMissingChildIsAnError) {
  Play cancelled(std::string(kChild) + "}\n");
  cancelled.send(ActionEnded{cancelled.only<StartWorkflow>().id,
                             {OutcomeKind::cancelled, {}, "engine.cancelled", "", {}, 0}});
  EXPECT_EQ(cancelled.error()["status"].as_int64(), 409);
  Play missing(std::string(kChild) + "}\n");
  missing.send(ActionEnded{missing.only<StartWorkflow>().id,
                           {OutcomeKind::permanent, {}, "engine.no_definition", "", {}, 0}});
  EXPECT_EQ(missing.error()["title"].as_string(), "engine.no_definition");
}

TEST(RunWorkflow, CancellingTheParentCancelsTheChild) {
  Play run(std::string(kChild) + "}\n");
  const StartWorkflow child = run.only<StartWorkflow>();
  run.send(Cancel{"operator"});
  ASSERT_EQ(run.effects<CancelCall>().size(), 1U);
  EXPECT_EQ(run.effects<CancelCall>()[0].id, child.id);
}

TEST(RunWorkflow, WithoutAVersionItIsTheLatest) {
  EXPECT_EQ(
      parsed("do:\n  - a: {run: {workflow: {namespace: n, name: m}}}\n")->children()[0].version,
      "latest");
}

// ---- extensions
// ------------------------------------------------------------------------------------------------

TEST(Extensions, RunBeforeAndAfterAndLeaveTheDataAlone) {
  Play run(R"y(
use:
  extensions:
    - outer:
        extend: all
        before:
          - log: {emit: {event: {with: {type: log, data: '${ "before \($task.reference) \(.)" }'}}}}
        after:
          - log: {emit: {event: {with: {type: log, data: '${ "after \($task.reference) \(.)" }'}}}}
    - inner:
        extend: set
        before: [{note: {set: {x: 0}}}]
        after: [{note: {set: {x: 0}}}]
do:
  - first: {set: {a: '${ . }'}}
  - group:
      do:
        - second: {wait: PT0S}
)y",
           Json(1));
  EXPECT_EQ(run.output().dump(), R"({"a":1})");
  Texts logged;
  for (const Emit& emit : run.effects<Emit>()) logged.push_back(emit.event["data"].as_string());
  EXPECT_EQ(logged,
            (Texts{"before /do/0/first 1", R"(after /do/0/first {"a":1})",
                   R"(before /do/1/group {"a":1})", R"(before /do/1/group/do/0/second {"a":1})",
                   R"(after /do/1/group/do/0/second {"a":1})", R"(after /do/1/group {"a":1})"}));
  Texts references;
  for (const TaskTrace& trace : run.effects<TaskTrace>()) {
    if (trace.state == "completed" && trace.reference.starts_with("/do/0"))
      references.push_back(trace.reference);
  }
  EXPECT_EQ(references, (Texts{"/do/0/first/extensions/outer/before/0/log",
                               "/do/0/first/extensions/inner/before/0/note",
                               "/do/0/first/extensions/inner/after/0/note",
                               "/do/0/first/extensions/outer/after/0/log", "/do/0/first"}));
}

// dsl-reference.md, Extension: the example that mocks a service, with an action in the place of the
// HTTP call.
constexpr const char* kMock = R"y(
use:
  extensions:
    - mockService:
        extend: call
        when: ($task.with.endpoint != null and ($task.with.endpoint | startswith("https://mocked.service.com"))) or ($task.with.endpoint.uri != null and ($task.with.endpoint.uri | startswith("https://mocked.service.com")))
        before:
          - mockResponse:
              set:
                statusCode: 200
                content:
                  foo:
                    bar: baz
              then: exit
          - never: {raise: {error: {type: https://x/y, status: 500}}}
do:
  - callHttp:
      call: get:1.0.0@http-client
      with: {endpoint: $ENDPOINT}
      output: {as: .content}
      metadata: {rabt: {compensate: {call: undo:1.0.0@http-client}}}
  - fails: {if: '$workflow.input == "fail"', raise: {error: {type: https://x/z, status: 500}}}
)y";

std::string mock(std::string_view endpoint) {
  std::string out = kMock;
  out.replace(out.find("$ENDPOINT"), 9, endpoint);
  return out;
}

TEST(Extensions, ExitBeforeReplacesTheTask) {
  Play run(mock("'https://mocked.service.com/x'"));
  EXPECT_EQ(run.output().dump(), R"({"foo":{"bar":"baz"}})") << "output.as still shapes it";
  EXPECT_TRUE(run.effects<CallAction>().empty());
  EXPECT_EQ(run.traces(), (Texts{"callHttp:started", "mockResponse:started",
                                 "mockResponse:completed", "callHttp:completed", "fails:skipped"}));
}

TEST(Extensions, WhatWasReplacedIsNotUndone) {
  Play run(mock("'https://mocked.service.com/x'"), Json("fail"));
  EXPECT_EQ(run.result().status, InstanceStatus::faulted);
  EXPECT_TRUE(run.effects<CallAction>().empty());
}

TEST(Extensions, OneWhoseConditionFailsDoesNotApply) {
  for (const char* endpoint : {"'https://fake.com/x'", "{uri: 'https://fake.com/sample'}"}) {
    Play run(mock(endpoint));
    EXPECT_EQ(run.only<CallAction>().reference, "/do/0/callHttp") << endpoint;
  }
  Play traced(mock("{uri: 'https://fake.com/sample'}"));
  const std::vector<TaskTrace> traces = traced.effects<TaskTrace>();
  ASSERT_EQ(traces.size(), 2U);
  EXPECT_EQ(traces[1].reference, "/do/0/callHttp/extensions/mockService");
  EXPECT_EQ(traces[1].state, "skipped");
  EXPECT_EQ(traces[1].detail, "when: expression.runtime");
}

TEST(Extensions, TheConditionSeesTheDefinitionAsDotAndAsTask) {
  const auto calls = [](std::string_view when) {
    Play run("use:\n  extensions:\n    - e:\n        extend: wait\n        when: '" +
             std::string(when) +
             "'\n        before: [{c: {call: x:1.0.0@r}}]\ndo:\n  - a: {wait: PT0S, metadata: {k: "
             "1}}\n");
    return run.effects<CallAction>().size();
  };
  EXPECT_EQ(calls(".wait == \"PT0S\""), 1U);
  EXPECT_EQ(calls("$task.wait == \"PT0S\" and $task.name == \"a\" and $task.metadata.k == 1"), 1U);
  EXPECT_EQ(calls("$task.definition.wait == \"PT1S\""), 0U);
}

TEST(Extensions, AFaultInOneIsTheTasksAndItsTryDoesNotCatchItItself) {
  Play run(R"(
use:
  extensions:
    - guard:
        extend: try
        before: [{check: {raise: {error: {type: https://x/guard, status: 403}}}}]
do:
  - outer:
      try:
        - inner: {try: [{a: {set: {b: 1}}}], catch: {}}
      catch: {}
)");
  // The extension guards both: the outer one faults before it can catch anything.
  EXPECT_EQ(run.error()["type"].as_string(), "https://x/guard");
  EXPECT_EQ(run.error()["instance"].as_string(), "/do/0/outer/extensions/guard/before/0/check");
}

TEST(Extensions, AnAfterThatFailsIsNotCaughtByTheTryItFollows) {
  Play run(
      "use:\n  extensions:\n    - e: {extend: try, after: [{r: {raise: {error: {type: "
      "https://x/y, status: 500}}}}]}\ndo:\n  - a: {try: [{b: {set: {c: 1}}}], catch: {}}\n");
  EXPECT_EQ(run.error()["instance"].as_string(), "/do/0/a/extensions/e/after/0/r");
}

TEST(Extensions, SkippedTasksAreNotExtendedAndLoopsKeepTheirPlaces) {
  Play run(R"(
use:
  extensions:
    - e: {extend: for, before: [{x: {set: {n: 0}}}], after: [{y: {set: {n: 0}}}]}
    - s: {extend: wait, before: [{x: {set: {n: 0}}}]}
do:
  - no: {if: false, wait: PT1H}
  - loop:
      for: {in: '[1]'}
      do:
        - w: {wait: PT0S}
)");
  (void)run.output();
  Texts references;
  for (const TaskTrace& trace : run.effects<TaskTrace>()) {
    if (trace.state == "started") references.push_back(trace.reference);
  }
  EXPECT_EQ(references,
            (Texts{"/do/1/loop", "/do/1/loop/extensions/e/before/0/x", "/do/1/loop/for/0/do/0/w",
                   "/do/1/loop/for/0/do/0/w/extensions/s/before/0/x",
                   "/do/1/loop/extensions/e/after/0/y"}));
}

TEST(Extensions, ASwitchStillDecidesWhereToGo) {
  Play run(
      "use:\n  extensions:\n    - e: {extend: switch, after: [{y: {set: {n: 0}}}]}\ndo:\n  - s: "
      "{switch: [{c: {when: 'true', then: last}}]}\n  - skipped: {set: {a: 1}}\n  - last: {set: "
      "{a: 2}}\n");
  EXPECT_EQ(run.output().dump(), R"({"a":2})");
}

// ---- compensation
// ----------------------------------------------------------------------------------------------

constexpr const char* kSaga = R"(
do:
  - room:
      call: create:1.0.0@video
      metadata: {rabt: {compensate: {call: end:1.0.0@video, with: {id: '${ .id }', who: '${ $context.who }'}}}}
      export: {as: '{who: "x"}'}
  - seat:
      call: reserve:1.0.0@desk
      metadata: {rabt: {compensate: {call: free:1.0.0@desk}}}
  - last:
      call: bill:1.0.0@payer
)";

Play until_bill() {
  Play run(kSaga);
  run.done(run.only<CallAction>(), json(R"({"id":"r1"})"));
  run.done(run.only<CallAction>());
  return run;
}

TEST(Compensation, RunsTheLastFirstWhenTheInstanceFaults) {
  Play run = until_bill();
  run.failed(run.only<CallAction>(), OutcomeKind::permanent, "payer.refused");
  EXPECT_TRUE(run.effects<Finished>().empty()) << "not over before it is undone";
  EXPECT_EQ(run.execution.status(), InstanceStatus::running);
  const CallAction seat = run.only<CallAction>();
  EXPECT_EQ(seat.reference, "/do/1/seat/compensate");
  EXPECT_EQ(seat.role + ' ' + seat.action, "desk free");
  EXPECT_EQ(seat.arguments.dump(), "{}");
  run.done(seat);
  const CallAction room = run.only<CallAction>();
  EXPECT_EQ(room.reference, "/do/0/room/compensate");
  EXPECT_EQ(room.arguments.dump(), R"({"id":"r1","who":"x"})");
  run.done(room);
  EXPECT_EQ(run.error()["title"].as_string(), "payer.refused");
  Texts states;
  for (const TaskTrace& trace : run.effects<TaskTrace>()) {
    if (trace.kind == "compensate") states.push_back(trace.task + ':' + trace.state);
  }
  EXPECT_EQ(states, (Texts{"seat:compensated", "room:compensated"}));
}

TEST(Compensation, RunsWhenTheInstanceIsCancelledAndCannotBeCancelledItself) {
  Play run = until_bill();
  run.send(Cancel{"operator"});
  EXPECT_EQ(run.only<CallAction>().reference, "/do/1/seat/compensate");
  run.send(Cancel{"again"});
  run.done(run.only<CallAction>());
  run.done(run.only<CallAction>());
  EXPECT_EQ(run.result().status, InstanceStatus::cancelled);
}

TEST(Compensation, DoesNotRunWhenTheWorkflowCompletes) {
  Play run = until_bill();
  run.done(run.only<CallAction>(), json(R"({"billed":true})"));
  EXPECT_EQ(run.output().dump(), R"({"billed":true})");
  EXPECT_EQ(run.effects<CallAction>().size(), 3U);
}

TEST(Compensation, IsRetriedWhileTheFailureIsTransientAndThenGivenUp) {
  Play run = until_bill();
  run.failed(run.only<CallAction>(), OutcomeKind::permanent, "payer.refused");
  std::vector<std::int64_t> delays;
  for (int i = 1; i <= 5; ++i) {
    EXPECT_EQ(run.only<CallAction>().attempt, i);
    run.failed(run.only<CallAction>(), OutcomeKind::transient);
    EXPECT_EQ(run.execution.status(), InstanceStatus::waiting);
    delays.push_back(run.only<StartTimer>().due.ms - run.now.ms);
    EXPECT_EQ(run.only<StartTimer>().purpose, "retry");
    run.fire(run.only<StartTimer>());
  }
  EXPECT_EQ(delays, (std::vector<std::int64_t>{10'000, 20'000, 40'000, 80'000, 160'000}));
  run.failed(run.only<CallAction>(), OutcomeKind::transient);
  EXPECT_EQ(run.only<CallAction>().reference, "/do/0/room/compensate")
      << "the next one has its turn";
  run.failed(run.only<CallAction>(), OutcomeKind::ambiguous, "vendor.unknown");
  EXPECT_EQ(run.error()["title"].as_string(), "payer.refused") << "the first error stays";
  Texts states;
  for (const TaskTrace& trace : run.effects<TaskTrace>()) {
    if (trace.state == "compensation-failed") states.push_back(trace.task + ' ' + trace.detail);
  }
  EXPECT_EQ(states, (Texts{"seat transient: vendor.down", "room ambiguous: vendor.unknown"}));
}

TEST(Compensation, NothingIsUndoneOnceATaskCommits) {
  std::string body = kSaga;
  body +=
      "      metadata: {rabt: {commit: true, compensate: {call: refund:1.0.0@payer}}}\n  - after: "
      "{raise: {error: {type: https://x/y, status: 500}}}\n";
  Play run(body);
  for (int i = 0; i < 3; ++i) run.done(run.only<CallAction>());
  EXPECT_EQ(run.only<CallAction>().action, "refund") << "what the commit itself pushed stays";
  run.done(run.only<CallAction>());
  EXPECT_EQ(run.result().status, InstanceStatus::faulted);
}

constexpr const char* kRace = R"(
do:
  - before: {call: a:1.0.0@r, metadata: {rabt: {compensate: {call: undo-before:1.0.0@r}}}}
  - race:
      fork:
        compete: true
        branches:
          - left:
              do:
                - l: {call: l:1.0.0@r, metadata: {rabt: {compensate: {call: undo-l:1.0.0@r}}}}
                - lw: {wait: PT1H}
          - right:
              do:
                - r: {call: r:1.0.0@r, metadata: {rabt: {compensate: {call: undo-r:1.0.0@r}}}}
                - rc: {call: rc:1.0.0@r}
  - after: {call: z:1.0.0@r}
)";

TEST(Compensation, UndoesTheLosersOfARaceAndLetsTheWinnerGoOn) {
  Play run(kRace);
  run.done(run.only<CallAction>());
  for (const CallAction& call : run.opened<CallAction>()) run.done(call);
  run.done(run.only<CallAction>(), json(R"({"won":"right"})"));
  const std::vector<CallAction> open = run.opened<CallAction>();
  ASSERT_EQ(open.size(), 2U);
  EXPECT_EQ(open[0].action, "undo-l");
  EXPECT_EQ(open[0].reference, "/do/1/race/fork/branches/0/left/do/0/l/compensate");
  EXPECT_EQ(open[1].action, "z");
  run.done(open[1], json(R"({"end":1})"));
  EXPECT_TRUE(run.effects<Finished>().empty()) << "the end waits until the loser is undone";
  run.done(open[0]);
  EXPECT_EQ(run.output().dump(), R"({"end":1})");
}

TEST(Compensation, TheWinnersAndWhatCameBeforeAreUndoneWhenTheInstanceFaultsLater) {
  Play run(kRace);
  run.done(run.only<CallAction>());
  for (const CallAction& call : run.opened<CallAction>()) run.done(call);
  run.done(run.only<CallAction>());
  std::vector<CallAction> open = run.opened<CallAction>();
  run.done(open[0]);
  run.failed(open[1], OutcomeKind::permanent);
  Texts undone;
  while (!run.opened<CallAction>().empty()) {
    undone.push_back(run.only<CallAction>().action);
    run.done(run.only<CallAction>());
  }
  EXPECT_EQ(undone, (Texts{"undo-r", "undo-before"}));
}

TEST(Compensation, WhatBranchesDidBeforeTheirForkFaultedIsNotForgotten) {
  Play run(R"(
do:
  - guarded:
      try:
        - both:
            fork:
              branches:
                - a: {do: [{x: {call: x:1.0.0@r, metadata: {rabt: {compensate: {call: ux:1.0.0@r}}}}}, {w: {wait: PT1H}}]}
                - b: {do: [{y: {call: y:1.0.0@r, metadata: {rabt: {compensate: {call: uy:1.0.0@r}}}}}, {q: {call: q:1.0.0@r}}]}
      catch: {do: [{c: {call: c:1.0.0@r}}]}
)");
  for (const CallAction& call : run.opened<CallAction>()) run.done(call);
  run.failed(run.only<CallAction>(), OutcomeKind::permanent);
  EXPECT_EQ(run.only<CallAction>().action, "c") << "a caught error undoes nothing";
  run.failed(run.only<CallAction>(), OutcomeKind::permanent);
  EXPECT_EQ(run.only<CallAction>().action, "uy") << "completed last";
  run.done(run.only<CallAction>());
  EXPECT_EQ(run.only<CallAction>().action, "ux");
}

TEST(Compensation, WorkRepeatedByARetryIsUndoneOnce) {
  Play run(R"(
do:
  - t:
      try:
        - a: {call: a:1.0.0@r, metadata: {rabt: {compensate: {call: ua:1.0.0@r, with: {n: '${ .n }'}}}}}
        - b: {call: b:1.0.0@r}
      catch: {retry: {limit: {attempt: {count: 1}}}}
)");
  run.done(run.only<CallAction>(), json(R"({"n":1})"));
  run.failed(run.only<CallAction>(), OutcomeKind::transient);
  run.fire(run.only<StartTimer>());
  run.done(run.only<CallAction>(), json(R"({"n":2})"));
  run.failed(run.only<CallAction>(), OutcomeKind::transient);
  EXPECT_EQ(run.only<CallAction>().arguments.dump(), R"({"n":2})");
  run.done(run.only<CallAction>());
  EXPECT_EQ(run.result().status, InstanceStatus::faulted);
}

TEST(Compensation, ArgumentsThatCannotBeMadeAreAFault) {
  Play run(
      "do:\n  - a: {call: a:1.0.0@r, metadata: {rabt: {compensate: {call: u:1.0.0@r, with: {x: '${ "
      "1 + \"a\" }'}}}}}\n");
  run.done(run.only<CallAction>());
  EXPECT_EQ(run.error()["title"].as_string(), "expression.runtime");
}

TEST(Compensation, TheCallIsAmongTheDefinitionsCalls) {
  const auto definition = parsed(kSaga);
  Texts calls;
  for (const Definition::Call& call : definition->calls()) calls.push_back(call.action);
  EXPECT_EQ(calls, (Texts{"create", "end", "reserve", "free", "bill"}));
}

// ---- metadata.rabt: until, usefulUntil, dataClass
// -------------------------------------------------------------------

TEST(WaitUntil, WaitsForAPointInTime) {
  const auto due = [](std::string_view until) {
    Play run("do:\n  - w: {wait: P1D, metadata: {rabt: {until: " + std::string(until) + "}}}\n",
             json(R"({"text":"2026-03-09T00:00:00+03:00","epoch":1773003600.5})"));
    return run.opened<StartTimer>().empty() ? std::int64_t{0} : run.only<StartTimer>().due.ms;
  };
  EXPECT_EQ(due("'2026-03-08T22:00:00Z'"), 1'773'007'200'000);
  EXPECT_EQ(due("'${ .text }'"), 1'773'003'600'000);
  EXPECT_EQ(due("'${ .epoch }'"), 1'773'003'600'500);
  EXPECT_EQ(due("'${ $task.startedAt.epoch.seconds + 60 }'"), 1'773'000'060'000);
  EXPECT_EQ(due("'2026-03-08T19:00:00Z'"), 0) << "the past is no wait";
  EXPECT_EQ(Play("do:\n  - w: {wait: P1D, metadata: {rabt: {until: '${ \"soon\" }'}}}\n")
                .error()["status"]
                .as_int64(),
            400);
}

TEST(UsefulUntil, ACallIsNotStartedWhenItIsTooLate) {
  Play run(
      "do:\n  - w: {wait: PT2H}\n  - c: {call: c:1.0.0@r, metadata: {rabt: {usefulUntil: "
      "'2026-03-08T21:00:00Z'}}}\n");
  run.fire(run.only<StartTimer>());
  EXPECT_TRUE(run.effects<CallAction>().empty());
  EXPECT_EQ(run.error()["type"].as_string(), kTimeout);
  EXPECT_EQ(run.error()["status"].as_int64(), 408);
  EXPECT_EQ(run.error()["instance"].as_string(), "/do/1/c");
}

TEST(UsefulUntil, NoRetryStartsBeyondIt) {
  for (const bool on_try : {true, false}) {
    const std::string until = "metadata: {rabt: {usefulUntil: '2026-03-08T20:25:00Z'}}";
    Play run(
        "do:\n  - t:\n      try: [{c: {call: c:1.0.0@r" + (on_try ? "" : ", " + until) +
        "}}]\n      catch: {retry: {delay: PT10M, limit: {attempt: {count: 9}}}, do: [{h: {set: "
        "{why: '${ $error.status }'}}}]}\n" +
        (on_try ? "      " + until + "\n" : ""));
    for (int i = 0; i < 2; ++i) {
      run.failed(run.only<CallAction>(), OutcomeKind::transient);
      run.fire(run.only<StartTimer>());
    }
    run.failed(run.only<CallAction>(), OutcomeKind::transient);
    EXPECT_EQ(run.output().dump(), R"({"why":408})") << on_try;
    EXPECT_EQ(run.effects<CallAction>().size(), 3U);
  }
}

TEST(Metadata, OtherVendorsKeysAreFree) {
  const ParsedDefinition result = parse_definition(
      with_metadata("{dataClass: patient, timeZone: Asia/Riyadh, businessKey: '.[0].id'}",
                    "do:\n  - a: {set: {b: 1}, metadata: {vendor: {compensate: 1}, note: x, rabt: "
                    "{dataClass: public}}}\n"),
      nullptr);
  EXPECT_NE(result.definition, nullptr) << all_text(result.diagnostics);
  EXPECT_EQ(
      parse_definition(with_metadata("{timezone: UTC}", "do: [{a: {set: {b: 1}}}]\n"), nullptr)
          .definition,
      nullptr);
  const ParsedDefinition zone = parse_definition(
      with_metadata("{timeZone: Asia/Riyad}", "do: [{a: {set: {b: 1}}}]\n"), nullptr);
  EXPECT_EQ(all_text(zone.diagnostics),
            "test.yaml:6:31: error: `Asia/Riyad` is not an IANA time zone (such as Asia/Riyadh) "
            "[workflow.value]\n");
}

TEST(Metadata, WhatIsNotHeardNeedsABusinessKey) {
  const auto said = [](const std::string& metadata) {
    return all_text(parse_definition(with_metadata(metadata, "do: [{a: {set: {b: 1}}}]\n"), nullptr)
                        .diagnostics);
  };
  EXPECT_EQ(said("{businessKey: '.[0].id', unheard: start}"), "");
  EXPECT_EQ(said("{businessKey: '.[0].id', unheard: drop}"), "");
  EXPECT_EQ(said("{businessKey: '.[0].id', unheard: again}"),
            "test.yaml:6:54: error: metadata.rabt.unheard is start or drop [workflow.value]\n");
  EXPECT_EQ(said("{unheard: start}"),
            "test.yaml:6:21: error: metadata.rabt.unheard is of no use without businessKey (every "
            "start event starts an instance: leave it out) [workflow.value]\n");
}

TEST(Errors, TypesOfAllThreeFamiliesAreTheSame) {
  for (const char* family : {"https://serverlessworkflow.io/spec/1.0.0/errors/",
                             "https://open-workflow-specification.org/spec/1.0.0/errors/",
                             "https://serverlessworkflow.io/dsl/errors/types/"}) {
    Play run(
        "do:\n  - t:\n      try: [{c: {call: c:1.0.0@r}}]\n      catch: {errors: {with: {type: " +
        std::string(family) + "communication}}, do: [{h: {set: {caught: true}}}]}\n");
    run.failed(run.only<CallAction>(), OutcomeKind::permanent);
    EXPECT_EQ(run.output().dump(), R"({"caught":true})") << family;
  }
}

TEST(Timeouts, AreWrittenOutOrNamedOnEveryKindOfTask) {
  for (const char* timeout :
       {"{after: PT1M}", "{after: {minutes: 1}}", "named", "{after: '${ \"PT1M\" }'}"}) {
    for (const char* task :
         {"call: c:1.0.0@r", "do: [{w: {wait: PT1H}}]", "wait: PT1H", "call: waits",
          "listen: {to: {any: []}}", "fork: {branches: [{w: {wait: PT1H}}]}",
          "run: {workflow: {namespace: a, name: b}}", "for: {in: '[1]'}, do: [{w: {wait: PT1H}}]",
          "try: [{w: {wait: PT1H}}], catch: {when: 'false'}"}) {
      Play run(
          "use:\n  timeouts: {named: {after: PT1M}}\n  functions: {waits: {wait: PT1H}}\ndo:\n  - "
          "a: {" +
          std::string(task) + ", timeout: " + timeout + "}\n");
      const std::vector<StartTimer> timers = run.opened<StartTimer>();
      ASSERT_FALSE(timers.empty()) << task << timeout;
      EXPECT_EQ(timers[0].due.ms - run.now.ms, 60'000);
      run.fire(timers[0]);
      EXPECT_EQ(run.error()["status"].as_int64(), 408) << task;
      EXPECT_TRUE(run.execution.open().empty());
    }
  }
}

}  // namespace
}  // namespace rabt::workflow::control_test
