#include "hub/workflow/simulate/simulator.hpp"

#include <gtest/gtest.h>

#include "harness.hpp"
#include "hub/base/limits.hpp"

namespace rabt::workflow::simulator_test {
namespace {

constexpr std::int64_t kMinute = 60'000;
constexpr std::int64_t kDay = 86'400'000;

CallReply done(Json output, std::int64_t after_ms = 0) {
  return {CallReply::Kind::after, {OutcomeKind::done, std::move(output), "", "", {}, 0}, after_ms};
}
CallReply fails(OutcomeKind kind, std::int64_t after_ms = 0) {
  return {CallReply::Kind::after, {kind, {}, "vendor.down", "no", {}, 0}, after_ms};
}

std::string text_of(const Simulator& simulator) {
  std::string out;
  for (const SimulatedTrace& trace : simulator.traces()) {
    out += std::to_string(trace.instance) + ' ' + std::to_string(trace.at.ms) + ' ' +
           workflow::text_of(trace.trace) + '\n';
  }
  for (const SimulatedCall& call : simulator.calls()) {
    out += workflow::text_of(call.action) + ' ' + call.key + ' ' + std::to_string(call.at.ms) +
           ' ' + std::to_string(call.ended.ms) + '\n';
  }
  return out;
}

Json with_id(std::string_view type, Json data, std::string_view id) {
  return event(type, std::move(data), id);
}

TEST(Simulator, TimeJumpsToTheNextTimer) {
  Simulator simulator({}, {});
  const Timestamp start = simulator.now();
  simulator.start(parsed("do: [{a: {wait: PT1H}}, {b: {wait: {days: 2}}}]\n"), {});
  EXPECT_EQ(simulator.run(), Simulator::Stop::ended);
  EXPECT_EQ(simulator.instances()[0].status, InstanceStatus::completed);
  EXPECT_EQ(simulator.now().ms - start.ms, 60 * kMinute + 2 * kDay);
  EXPECT_EQ(simulator.instances()[0].ended, simulator.now());
}

TEST(Simulator, AnswersComeAtTheirTimeAndRetriesKeepTheKey) {
  int number = 0;
  Simulator simulator({}, {.call = [&](const SimulatedCall&) {
                        return ++number < 3 ? fails(OutcomeKind::transient, 100)
                                            : done(Json::object({{"x", 1}}), 50);
                      }});
  const Timestamp start = simulator.now();
  simulator.start(parsed("do:\n"
                         "  - t:\n"
                         "      try:\n"
                         "        - c: {call: act:1.0.0@role, with: {a: 1}}\n"
                         "      catch: {retry: {delay: PT10S, limit: {attempt: {count: 5}}}}\n"),
                  {});
  ASSERT_EQ(simulator.run(), Simulator::Stop::ended);
  ASSERT_EQ(simulator.calls().size(), 3U);
  EXPECT_EQ(simulator.calls()[0].key, simulator.calls()[2].key);
  EXPECT_EQ(simulator.calls()[2].action.attempt, 3);
  EXPECT_EQ(simulator.calls()[1].at.ms - start.ms, 10'100);
  EXPECT_EQ(simulator.now().ms - start.ms, 10'100 + 10'100 + 50);
  EXPECT_EQ(simulator.instances()[0].result.output.dump(), R"({"x":1})");
}

TEST(Simulator, AnEventBeforeATimerThatIsDueTogether) {
  const char* body =
      "do:\n"
      "  - race:\n"
      "      fork:\n"
      "        compete: true\n"
      "        branches:\n"
      "          - late: {wait: PT5M, then: continue}\n"
      "          - told: {listen: {to: {one: {with: {type: a.b.c}}}}}\n";
  Simulator simulator({}, {});
  simulator.start(parsed(body), Json::object());
  simulator.post(with_id("a.b.c", 7, "1"), {simulator.now().ms + 5 * kMinute});
  ASSERT_EQ(simulator.run(), Simulator::Stop::ended);
  EXPECT_EQ(simulator.instances()[0].result.output.dump(), "[7]");
}

TEST(Simulator, AnEarlyEventIsFoundByALaterListenUntilItIsTooOld) {
  const auto run = [](std::int64_t wait_ms) {
    Simulator simulator({}, {});
    simulator.start(
        parsed("do:\n  - w: {wait: {milliseconds: " + std::to_string(wait_ms) +
               "}}\n  - l: {listen: {to: {one: {with: {type: a.b.c}, correlate: {k: {from: "
               ".data.k, expect: '${ \"x\" }'}}}}}}\n"),
        Json::object());
    simulator.post(with_id("a.b.c", Json::object({{"k", "y"}}), "other"), simulator.now());
    simulator.post(with_id("a.b.c", Json::object({{"k", "x"}}), "mine"), simulator.now());
    const Simulator::Stop stop = simulator.run();
    return std::pair(stop, simulator.instances()[0].result.output.dump());
  };
  const std::int64_t kept = std::chrono::milliseconds(limits::kEventRetention).count();
  EXPECT_EQ(run(kept), std::pair(Simulator::Stop::ended, std::string(R"([{"k":"x"}])")));
  EXPECT_EQ(run(kept + 1).first, Simulator::Stop::waiting);
}

TEST(Simulator, TheSameEventAgainIsNotProcessedAndOneListenTakesItOnce) {
  Simulator simulator({}, {});
  simulator.start(parsed("do:\n"
                         "  - l: {listen: {to: {any: [{with: {type: a.b.c}}], until: 'length == "
                         "2'}}}\n"),
                  Json::object());
  simulator.post(with_id("a.b.c", 1, "1"), simulator.now());
  simulator.post(with_id("a.b.c", 2, "1"), simulator.now());
  EXPECT_EQ(simulator.run(), Simulator::Stop::waiting);
  EXPECT_EQ(simulator.instances()[0].status, InstanceStatus::waiting);
  simulator.post(with_id("a.b.c", 3, "2"), simulator.now());
  EXPECT_EQ(simulator.run(), Simulator::Stop::ended);
  EXPECT_EQ(simulator.instances()[0].result.output.dump(), "[1,3]");
}

TEST(Simulator, AnEmittedEventReachesTheOwnListenAndStartsOtherWorkflows) {
  Simulator simulator({}, {});
  const auto parent = parsed(
      "do:\n"
      "  - e: {emit: {event: {with: {type: a.b.c, data: {n: 1}}}}}\n"
      "  - l: {listen: {to: {one: {with: {type: a.b.c}}}}}\n");
  ParsedDefinition other = parse_definition(
      "document: {dsl: '1.0.3', namespace: test, name: other, version: '1.0.0'}\n"
      "schedule: {on: {one: {with: {type: a.b.c, data: '${ .n == 1 }'}}}}\n"
      "input: {from: '.[0].data.n'}\n"
      "do: [{s: {set: '${ . + 1 }'}}]\n",
      nullptr);
  ASSERT_NE(other.definition, nullptr) << all_text(other.diagnostics);
  simulator.deploy(other.definition);
  simulator.start(parent, Json::object());
  EXPECT_EQ(simulator.run(), Simulator::Stop::ended);
  ASSERT_EQ(simulator.instances().size(), 2U);
  EXPECT_EQ(simulator.instances()[0].result.output.dump(), R"([{"n":1}])");
  EXPECT_EQ(simulator.instances()[1].result.output.dump(), "2");
  EXPECT_EQ(simulator.emitted().size(), 1U);
}

// As the hub: a release is newer than its release candidate, whatever the order of deployment.
TEST(Simulator, AnEventStartsTheNewestVersionByTheOrderOfSemanticVersions) {
  const auto of = [](const std::string& version) {
    ParsedDefinition definition = parse_definition(
        "document: {dsl: '1.0.3', namespace: test, name: other, version: '" + version +
            "'}\nschedule: {on: {one: {with: {type: a.b.c}}}}\ndo: [{s: {set: {v: '" + version +
            "'}}}]\n",
        nullptr);
    EXPECT_NE(definition.definition, nullptr) << all_text(definition.diagnostics);
    return definition.definition;
  };
  for (const std::vector<std::string>& order :
       std::vector<std::vector<std::string>>{{"1.10.0-rc.1", "1.10.0", "1.9.0"},
                                             {"1.10.0", "1.9.0", "1.10.0-rc.1"},
                                             {"1.10.0-rc.1", "1.9.0", "1.10.0"}}) {
    Simulator simulator({}, {});
    for (const std::string& version : order) simulator.deploy(of(version));
    simulator.post(with_id("a.b.c", Json::object(), "1"), simulator.now());
    EXPECT_EQ(simulator.run(), Simulator::Stop::ended);
    ASSERT_EQ(simulator.instances().size(), 1U);
    EXPECT_EQ(simulator.instances()[0].result.output.dump(), R"({"v":"1.10.0"})");
  }
}

TEST(Simulator, ASetOfEventsStartsOneInstance) {
  Simulator simulator({}, {});
  const ParsedDefinition both = parse_definition(
      "document: {dsl: '1.0.3', namespace: test, name: sample, version: '1.0.0'}\n"
      "schedule: {read: data, on: {all: [{with: {type: a}}, {with: {type: b}}]}}\n"
      "do: [{s: {set: {got: '${ . }'}}}]\n",
      nullptr);
  ASSERT_NE(both.definition, nullptr) << all_text(both.diagnostics);
  simulator.deploy(both.definition);
  simulator.post(with_id("b", 1, "1"), simulator.now());
  EXPECT_EQ(simulator.run(), Simulator::Stop::ended);
  EXPECT_EQ(simulator.instances().size(), 0U) << "one of two events";
  simulator.post(with_id("a", 2, "2"), simulator.now());
  EXPECT_EQ(simulator.run(), Simulator::Stop::ended);
  ASSERT_EQ(simulator.instances().size(), 1U);
  EXPECT_EQ(simulator.instances()[0].result.output.dump(), R"({"got":[2,1]})");
}

TEST(Simulator, ABusinessKeyHasOneLiveInstance) {
  Simulator simulator({}, {});
  ParsedDefinition definition = parse_definition(
      "document:\n"
      "  dsl: '1.0.3'\n"
      "  namespace: test\n"
      "  name: sample\n"
      "  version: '1.0.0'\n"
      "  metadata: {rabt: {businessKey: '${ .[0].data.k }'}}\n"
      "schedule: {on: {one: {with: {type: a.b.c}}}}\n"
      "do: [{w: {wait: PT1H}}]\n",
      nullptr);
  ASSERT_NE(definition.definition, nullptr) << all_text(definition.diagnostics);
  simulator.deploy(definition.definition);
  const Timestamp start = simulator.now();
  for (int i = 0; i < 3; ++i) {
    simulator.post(with_id("a.b.c", Json::object({{"k", "x"}}), std::to_string(i)),
                   {start.ms + i * 40 * kMinute});
  }
  EXPECT_EQ(simulator.run(), Simulator::Stop::ended);
  EXPECT_EQ(simulator.instances().size(), 2U);  // the third comes after the first has ended
}

TEST(Simulator, AnEventThatWasNotHeardStartsTheNextInstance) {
  const auto outputs = [](const std::string& rest, int events) {
    Simulator simulator({}, {});
    ParsedDefinition definition = parse_definition(
        "document:\n"
        "  dsl: '1.0.3'\n"
        "  namespace: test\n"
        "  name: sample\n"
        "  version: '1.0.0'\n"
        "  metadata: {rabt: {businessKey: '${ .k }', unheard: start}}\n"
        "schedule: {on: {one: {with: {type: a.b.c}}}}\n"
        "input: {from: '${ .[0].data }'}\n"
        "do:\n"
        "  - keep: {set: '${ . }', export: {as: '${ . }'}}\n"
        "  - w: {wait: PT1H}\n" +
            rest + "output: {as: '${ $context.n }'}\n",
        nullptr);
    EXPECT_NE(definition.definition, nullptr) << all_text(definition.diagnostics);
    simulator.deploy(definition.definition);
    const Timestamp start = simulator.now();
    for (int i = 0; i < events; ++i) {
      simulator.post(with_id("a.b.c", Json::object({{"k", "x"}, {"n", i}}), std::to_string(i)),
                     {start.ms + i * kMinute});
    }
    EXPECT_EQ(simulator.run(), Simulator::Stop::ended);
    std::string out;
    for (const SimulatedInstance& instance : simulator.instances())
      out += instance.result.output.dump() + " at " +
             std::to_string((instance.started.ms - start.ms) / kMinute) + "; ";
    return out;
  };
  EXPECT_EQ(outputs("", 3), "0 at 0; 1 at 60; 2 at 120; ");
  EXPECT_EQ(outputs("  - hear: {listen: {to: {one: {with: {type: a.b.c}, correlate: {k: {from: "
                    ".data.k, expect: '${ $context.k }'}}}}}}\n",
                    2),
            "0 at 0; ");
}

TEST(Simulator, AllEventsOfASetStartOneInstance) {
  Simulator simulator({}, {});
  simulator.deploy(
      parsed("schedule:\n"
             "  on:\n"
             "    all:\n"
             "      - {with: {type: paid}, correlate: {o: {from: .data.order}}}\n"
             "      - {with: {type: packed}, correlate: {o: {from: .data.order}}}\n"
             "do: [{a: {set: '${ map(.data.n) }'}}]\n"));
  int n = 0;
  const auto post = [&](std::string_view type, int order, std::int64_t after_ms) {
    ++n;
    simulator.post(with_id(type, Json::object({{"order", order}, {"n", n}}), std::to_string(n)),
                   {simulator.now().ms + after_ms});
  };
  post("packed", 1, 0);
  post("packed", 2, kMinute);
  post("paid", 2, 2 * kMinute);
  post("paid", 2, 3 * kMinute);
  // Too late for the first one.
  post("paid", 1, std::chrono::milliseconds(limits::kEventRetention).count() + 1);
  EXPECT_EQ(simulator.run(), Simulator::Stop::ended);
  ASSERT_EQ(simulator.instances().size(), 1U);
  EXPECT_EQ(simulator.instances()[0].result.output.dump(), "[3,2]");
}

TEST(Simulator, AWorkflowThatStartsItselfAgainEndsAtTheLimitOfTurns) {
  Simulator simulator({.max_turns = 50}, {});
  const auto definition = parsed(
      "schedule: {on: {one: {with: {type: a.b.c}}}}\n"
      "do: [{e: {emit: {event: {with: {type: a.b.c, data: 1}}}}}]\n");
  simulator.deploy(definition);
  simulator.start(definition, Json::array());
  EXPECT_EQ(simulator.run(), Simulator::Stop::turn_limit);
  EXPECT_EQ(simulator.instances().size(), 51U);
  EXPECT_EQ(simulator.instances()[0].status, InstanceStatus::completed);
}

TEST(Simulator, ACallThatIsOpenHoldsTheClock) {
  Simulator simulator({}, {.call = [](const SimulatedCall&) {
                        return CallReply{CallReply::Kind::open, {}, 0};
                      }});
  simulator.start(parsed("do:\n"
                         "  - c: {call: act:1.0.0@role}\n"
                         "    \n"),
                  Json::object());
  EXPECT_EQ(simulator.run(), Simulator::Stop::open_calls);
  simulator.answer(0, {OutcomeKind::done, Json(5), "", "", {}, 0});
  simulator.answer(0, {OutcomeKind::done, Json(6), "", "", {}, 0});
  EXPECT_EQ(simulator.run(), Simulator::Stop::ended);
  EXPECT_EQ(simulator.instances()[0].result.output.dump(), "5");
}

TEST(Simulator, ASilentCallThatReadsEndsByTheTimeoutOfItsTask) {
  int cancelled = 0;
  Simulator simulator({}, {.reads = [](const CallAction&) { return true; },
                           .cancelled = [&](const SimulatedCall&) { ++cancelled; }});
  simulator.start(parsed("do:\n  - c:\n      call: act:1.0.0@role\n      timeout: {after: PT5M}\n"),
                  Json::object());
  EXPECT_EQ(simulator.run(), Simulator::Stop::ended);
  EXPECT_EQ(simulator.instances()[0].result.error.int_or("status", 0), 408);
  EXPECT_TRUE(simulator.calls()[0].cancelled);
  EXPECT_EQ(cancelled, 1);
}

TEST(Simulator, AnAmbiguousOutcomeIsSettledAsTheHubSettlesIt) {
  const auto run = [](std::string idempotency, int ambiguous) {
    Simulator simulator({}, {.call =
                                 [&](const SimulatedCall& call) {
                                   return call.sends <= ambiguous ? fails(OutcomeKind::ambiguous)
                                                                  : done(Json("good"));
                                 },
                             .idempotency = [&](const CallAction&) { return idempotency; }});
    const Timestamp start = simulator.now();
    simulator.start(parsed("do: [{c: {call: act:1.0.0@role}}]\n"), Json::object());
    (void)simulator.run();
    const SimulatedInstance& instance = simulator.instances()[0];
    return std::string(to_string(instance.status)) + ' ' +
           std::to_string(simulator.calls()[0].sends) + ' ' +
           std::to_string(simulator.now().ms - start.ms) +
           (simulator.calls()[0].parked ? " parked" : "") +
           (instance.status == InstanceStatus::faulted
                ? ' ' + std::to_string(instance.result.error.int_or("status", 0))
                : std::string());
  };
  EXPECT_EQ(run("key", 2), "completed 3 1200");
  EXPECT_EQ(run("native", 100), "faulted 9 80800 504");
  EXPECT_EQ(run("probe", 1), "completed 2 0");
  EXPECT_EQ(run("none", 1), "running 1 0 parked");
}

// No task waits for the call, and it may have left.
TEST(Simulator, ACallThatIsLetGoIsSettledAsTheHubSettlesIt) {
  const auto run = [](std::string idempotency, CallReply reply, std::optional<Decision> decision) {
    Simulator simulator({}, {.call =
                                 [&](const SimulatedCall& call) {
                                   return call.sends == 1 ? reply : fails(OutcomeKind::permanent);
                                 },
                             .decide = [&](std::size_t, const CallAction&) { return decision; },
                             .idempotency = [&](const CallAction&) { return idempotency; }});
    simulator.start(
        parsed("do:\n  - c:\n      call: act:1.0.0@role\n      timeout: {after: PT5M}\n"),
        Json::object());
    (void)simulator.run();
    std::string out(to_string(simulator.instances()[0].status));
    if (simulator.parked(0)) out += " parked";
    out += ' ' + std::to_string(simulator.calls()[0].sends);
    for (const SimulatedTrace& trace : simulator.traces()) {
      if (trace.trace.state.starts_with("effect-")) out += ' ' + trace.trace.state.substr(7);
    }
    return out;
  };
  const CallReply silent{CallReply::Kind::silent, {}, 0};
  CallReply late = done(Json("good"));
  late.after_ms = 10 * kMinute;
  CallReply unknown = fails(OutcomeKind::ambiguous);
  unknown.after_ms = 10 * kMinute;
  EXPECT_EQ(run("key", late, {}), "faulted 1 unknown stands");
  for (const char* letter : {"native", "key", "none"}) {
    EXPECT_EQ(run(letter, silent, {}), "running parked 1 unknown")
        << letter << ": it is not repeated";
    EXPECT_EQ(run(letter, unknown, {}), "running parked 1 unknown") << letter;
    EXPECT_EQ(run(letter, unknown, Decision{.again = true, .outcome = {}}),
              "running parked 1 unknown")
        << letter << ": nobody makes it again";
    EXPECT_EQ(run(letter, unknown, Decision{}), "faulted 1 unknown stands") << letter;
  }
  EXPECT_EQ(run("probe", unknown, {}), "faulted 2 unknown none") << "it is asked about";
}

// The retry would have found out what became of it, and the instance is cancelled before.
TEST(Simulator, ACallThatNoRetryMakesAnyMoreIsParked) {
  CallReply unknown = fails(OutcomeKind::ambiguous);
  unknown.after_ms = 2 * kMinute;
  Simulator simulator({}, {.call = [&](const SimulatedCall&) { return unknown; }});
  const std::size_t one = simulator.start(
      parsed(
          "do:\n  - t:\n      try:\n        - c: {call: act:1.0.0@role}\n"
          "      catch: {retry: {delay: PT10M, limit: {attempt: {count: 2, duration: PT1M}}}}\n"),
      Json::object());
  simulator.cancel(one, {simulator.now().ms + 5 * kMinute});
  (void)simulator.run();
  EXPECT_EQ(simulator.instances()[0].status, InstanceStatus::running);
  EXPECT_TRUE(simulator.parked(0));
  ASSERT_EQ(simulator.calls().size(), 1U) << "it is the same call";
  EXPECT_EQ(simulator.calls()[0].sends, 1);
}

TEST(Simulator, CancellingEndsTheInstanceAndItsCalls) {
  Simulator simulator({}, {.reads = [](const CallAction&) { return true; }});
  const std::size_t one = simulator.start(parsed("do: [{c: {call: act:1.0.0@role}}]\n"), {});
  simulator.cancel(one, {simulator.now().ms + kMinute});
  EXPECT_EQ(simulator.run(), Simulator::Stop::ended);
  EXPECT_EQ(simulator.instances()[one].status, InstanceStatus::cancelled);
  EXPECT_EQ(simulator.instances()[one].ended.ms - simulator.instances()[one].started.ms, kMinute);
  EXPECT_TRUE(simulator.calls()[0].cancelled);
}

TEST(Simulator, TheLimitsOnTimeAndTurnsHold) {
  Simulator late({.max_virtual_ms = kDay}, {});
  late.start(parsed("do: [{w: {wait: {days: 2}}}]\n"), {});
  EXPECT_EQ(late.run(), Simulator::Stop::time_limit);
  Simulator busy({.max_turns = 50}, {});
  busy.start(parsed("do:\n  - w: {wait: PT1S}\n  - b: {set: {}, then: w}\n"), {});
  EXPECT_EQ(busy.run(), Simulator::Stop::turn_limit);
}

TEST(Simulator, RunUntilStopsTheClockWhereItWasTold) {
  Simulator simulator({}, {});
  const Timestamp start = simulator.now();
  simulator.start(parsed("do: [{w: {wait: PT1H}}]\n"), {});
  EXPECT_EQ(simulator.run_until({start.ms + kMinute}), Simulator::Stop::until);
  EXPECT_EQ(simulator.now().ms, start.ms + kMinute);
  EXPECT_EQ(simulator.next_due(), (Timestamp{start.ms + 60 * kMinute}));
  EXPECT_EQ(simulator.run_until({start.ms + 2 * 60 * kMinute}), Simulator::Stop::ended);
  EXPECT_EQ(simulator.now().ms, start.ms + 60 * kMinute);
}

TEST(Simulator, TheSameInputGivesTheSameRecords) {
  const auto run = [] {
    Simulator simulator({}, {.call = [](const SimulatedCall& call) {
                          return call.action.attempt < 4
                                     ? fails(OutcomeKind::transient, call.action.attempt)
                                     : done(call.action.arguments, 3);
                        }});
    for (int i = 0; i < 5; ++i) {
      simulator.start(
          parsed("do:\n"
                 "  - f:\n"
                 "      fork:\n"
                 "        branches:\n"
                 "          - a: &t\n"
                 "              try: [{c: {call: act:1.0.0@role, with: {x: '${ . }'}}}]\n"
                 "              catch: {retry: {delay: PT1S, backoff: {exponential: {}}, jitter: "
                 "{from: PT0S, to: PT5S}, limit: {attempt: {count: 9}}}}\n"
                 "          - b: *t\n"),
          Json(i));
    }
    EXPECT_EQ(simulator.run(), Simulator::Stop::ended);
    return text_of(simulator);
  };
  const std::string first = run();
  EXPECT_EQ(first, run());
  EXPECT_NE(first.find("retried"), std::string::npos);
}

TEST(Simulator, TheInputsOfAnInstanceReplayToTheSameEnd) {
  Simulator simulator({}, {.call = [](const SimulatedCall&) { return done(Json("out"), 10); }});
  const auto definition = parsed(
      "do:\n"
      "  - c: {call: act:1.0.0@role}\n"
      "  - w: {wait: PT1M}\n"
      "  - l: {listen: {to: {one: {with: {type: a.b.c}}}}}\n");
  simulator.start(definition, Json::object());
  simulator.post(with_id("a.b.c", 9, "1"), {simulator.now().ms + 1000});
  ASSERT_EQ(simulator.run(), Simulator::Stop::ended);
  Execution again(definition);
  std::vector<Effect> last;
  for (const Input& input : simulator.inputs(0)) last = again.apply(input);
  ASSERT_FALSE(last.empty());
  EXPECT_EQ(text_of(last.back()), text_of(Effect(simulator.instances()[0].result)));
}

}  // namespace
}  // namespace rabt::workflow::simulator_test
