#include <gtest/gtest.h>

#include <future>
#include <map>
#include <mutex>
#include <set>
#include <utility>
#include <vector>

#include "tests/engine/rig.hpp"
#include "tests/eventually.hpp"

// A faulted instance that a person has go on: the same instance, keys and timeline.
namespace rabt::engine::retry_test {
namespace {

using workflow::OutcomeKind;

std::string workflow_of(const std::string& tasks, const std::string& metadata = {}) {
  return "document: {dsl: '1.0.3', namespace: test, name: sample, version: '1.0.0'" + metadata +
         "}\nschedule: {on: {one: {with: {type: test.start.v1}}}}\ninput: {from: '${ .[0].data "
         "}'}\ndo:\n" +
         tasks;
}
constexpr const char* kTwoCalls =
    "  - first: {call: 'do-key:1.0.0@script', with: {step: first, n: '${ .n }'}}\n"
    "  - second: {call: 'do-none:1.0.0@script', with: {step: second, n: '${ .n }'}}\n"
    "  - last: {call: 'do-key:1.0.0@script', with: {step: last, n: '${ .n }'}}\n";

void refuse(Rig& rig, const std::string& action, OutcomeKind kind = OutcomeKind::transient) {
  rig.script().on(action,
                  [kind](ScriptedService::Call call) { call.done(failed(kind, "vendor.away")); });
}
void answer(Rig& rig, const std::string& action) {
  rig.script().on(action, [](ScriptedService::Call call) { call.done(done(call.arguments)); });
}
// Waits until the journal of the instance has that many rows.
void wait_turns(Rig& rig, const std::string& id, std::int64_t turns) {
  EXPECT_TRUE(test::eventually(
      [&] { return rig.engine().instance(id).value().int_or("turns", 0) >= turns; }));
}
// As Rig::advance_ms, while a call is open.
void advance(Rig& rig, std::int64_t ms) {
  rig.clock().advance_ms(ms);
  rig.engine().catch_up();
}
Status retry(Rig& rig, const std::string& id) {
  return rig.engine().retry(id, "user:test", "the vendor is back");
}

TEST(Retry, AFaultedInstanceGoesOnFromTheCallThatFailedWithTheSameKey) {
  Rig rig;
  refuse(rig, "do-none");
  rig.deploy(workflow_of(kTwoCalls));
  const std::string id = rig.send("test.start.v1", Json::object({{"n", 7}})).at(0);
  ASSERT_EQ(rig.wait_status(id, "faulted"), "faulted");
  answer(rig, "do-none");
  rig.clock().advance_ms(3'600'000);
  const Status retried = retry(rig, id);
  ASSERT_TRUE(retried.ok()) << retried.error().message;
  ASSERT_EQ(rig.wait_status(id, "completed"), "completed");
  EXPECT_EQ(rig.output(id).int_or("n", 0), 7);
  EXPECT_EQ(rig.script().count("do-key"), 2U) << "the first call is not made again";
  const auto keys = rig.script().keys("do-none");
  ASSERT_EQ(keys.size(), 2U);
  EXPECT_EQ(keys[0], keys[1]);
  const Json shown = rig.engine().instance(id).value();
  EXPECT_EQ(shown["error"], Json()) << shown.dump_pretty();
  ASSERT_EQ(shown["timeline"].size(), 3U) << "one timeline";
  EXPECT_EQ(shown["timeline"][1].int_or("attempts", 0), 2);
  EXPECT_EQ(shown["timeline"][1].string_or("state", ""), "completed");
  EXPECT_EQ(rig.engine().stats().retried, 1U);
}

TEST(Retry, ACallThatFailsAgainFaultsAgainAndCanBeRetriedOnceMore) {
  Rig rig;
  refuse(rig, "do-none", OutcomeKind::permanent);
  rig.deploy(workflow_of(kTwoCalls));
  const std::string id = rig.send("test.start.v1", Json::object({{"n", 7}})).at(0);
  ASSERT_EQ(rig.wait_status(id, "faulted"), "faulted");
  ASSERT_TRUE(retry(rig, id).ok());
  rig.settle();
  ASSERT_EQ(rig.status(id), "faulted");
  rig.crash();
  rig.start();
  answer(rig, "do-none");
  ASSERT_TRUE(retry(rig, id).ok());
  ASSERT_EQ(rig.wait_status(id, "completed"), "completed");
  rig.crash();
  rig.start();
  EXPECT_EQ(rig.output(id).int_or("n", 0), 7) << "replayed over both retries";
  const Json events = rig.engine().lifecycle(id).value();
  std::set<std::string> ids;
  std::size_t resumed = 0;
  for (const Json& event : events.as_array()) {
    ids.insert(event.string_or("id", ""));
    if (event.string_or("type", "") == "io.serverlessworkflow.workflow.resumed.v1") ++resumed;
  }
  EXPECT_EQ(ids.size(), events.size());
  EXPECT_EQ(resumed, 2U);
}

TEST(Retry, OnlyAFaultedInstanceIsRetried) {
  Rig rig;
  rig.deploy(workflow_of(kTwoCalls));
  const std::string id = rig.send("test.start.v1", Json::object({{"n", 7}})).at(0);
  ASSERT_EQ(rig.wait_status(id, "completed"), "completed");
  rig.settle();
  EXPECT_EQ(retry(rig, id).error().code, "engine.not_faulted");
  rig.script().on("do-none", [](ScriptedService::Call) {});
  const std::string runs = rig.send("test.start.v1", Json::object({{"n", 8}})).at(0);
  rig.script().wait_for("do-none", 2);
  EXPECT_EQ(retry(rig, runs).error().code, "engine.not_faulted");
  EXPECT_EQ(retry(rig, "01K00000000000000000000000").error().code, "engine.instance");
}

std::string refusal_of(Rig& rig, const std::string& tasks, const std::string& metadata = {}) {
  rig.deploy(workflow_of(tasks, metadata));
  const std::string id = rig.send("test.start.v1", Json::object({{"n", 7}})).at(0);
  EXPECT_EQ(rig.wait_status(id, "faulted"), "faulted");
  rig.settle();
  const Status retried = retry(rig, id);
  if (!retried.ok()) {
    EXPECT_EQ(rig.status(id), "faulted");
  }
  return retried.ok() ? "" : retried.error().code;
}

TEST(Retry, IsRefusedWhereNoCallFailed) {
  Rig rig;
  EXPECT_EQ(refusal_of(rig,
                       "  - no: {raise: {error: {type: 'https://x.example/no', status: 418, "
                       "title: No}}}\n"),
            "engine.retry_place");
  Rig other;
  EXPECT_EQ(refusal_of(other,
                       "  - a:\n      call: do-key:1.0.0@script\n      with: {n: 1}\n"
                       "      output: {as: '${ .n | keys }'}\n"),
            "engine.retry_place");
}

TEST(Retry, IsRefusedWhereWorkWasUndone) {
  Rig rig;
  refuse(rig, "do-none");
  EXPECT_EQ(
      refusal_of(rig,
                 "  - book:\n      call: do-key:1.0.0@script\n      with: {n: 1}\n"
                 "      metadata: {rabt: {compensate: {call: 'undo:1.0.0@script', with: {n: 1}}}}\n"
                 "  - pay: {call: 'do-none:1.0.0@script', with: {n: 1}}\n"),
      "engine.retry_undone");
  EXPECT_EQ(rig.script().count("do-none"), 1U);
}

std::string with_handler(const std::string& call) {
  return "  - pay:\n      try:\n        - charge: {call: 'do-none:1.0.0@script', with: {n: 1}}\n"
         "      catch:\n        as: failure\n        do:\n          - tell:\n              call: "
         "do-key:1.0.0@script\n              with: {n: 1}\n" +
         call +
         "          - again: {raise: {error: {type: '${ $failure.type }', status: '${ "
         "$failure.status }'}}}\n";
}

TEST(Retry, IsRefusedWhereAHandlerCalledSomethingUnlessTheFileSaysItDoesNoHarm) {
  Rig rig;
  refuse(rig, "do-none");
  EXPECT_EQ(refusal_of(rig, with_handler("")), "engine.retry_called");
  Rig other;
  refuse(other, "do-none");
  EXPECT_EQ(refusal_of(other, with_handler("              metadata: {rabt: {repeatable: true}}\n")),
            "");
}

TEST(Retry, IsRefusedWhileAnotherInstanceHasTheBusinessKey) {
  std::promise<ScriptedService::Call> left;
  Rig rig;
  refuse(rig, "do-none");
  rig.deploy(workflow_of(kTwoCalls, ", metadata: {rabt: {businessKey: '${ .n }'}}"));
  const std::string id = rig.send("test.start.v1", Json::object({{"n", "A"}})).at(0);
  ASSERT_EQ(rig.wait_status(id, "faulted"), "faulted");
  rig.script().on("do-none",
                  [&left](ScriptedService::Call call) { left.set_value(std::move(call)); });
  const std::string next = rig.send("test.start.v1", Json::object({{"n", "A"}})).at(0);
  ASSERT_NE(next, id);
  const Status refused = retry(rig, id);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, "engine.retry_key_taken");
  EXPECT_NE(refused.error().message.find(next), std::string::npos);
  ScriptedService::Call open = left.get_future().get();
  EXPECT_EQ(rig.status(id), "faulted");
  ASSERT_TRUE(rig.engine().cancel(next, "user:test", "booked twice").ok());
  EXPECT_EQ(retry(rig, id).error().code, "engine.retry_key_taken") << "its call is open";
  open.done(failed(OutcomeKind::permanent, "vendor.refused"));
  ASSERT_EQ(rig.wait_status(next, "cancelled"), "cancelled");
  answer(rig, "do-none");
  ASSERT_TRUE(retry(rig, id).ok()) << "the refusal left the instance as it was";
  EXPECT_EQ(rig.wait_status(id, "completed"), "completed");
}

TEST(Retry, IsRefusedAfterUsefulUntil) {
  Rig rig;
  refuse(rig, "do-none");
  rig.deploy(
      workflow_of("  - remind:\n      call: do-none:1.0.0@script\n      with: {n: 1}\n"
                  "      metadata: {rabt: {usefulUntil: '${ .until }'}}\n"));
  const std::string until = to_iso8601(Timestamp{rig.clock().now().ms + 1000});
  const std::string id = rig.send("test.start.v1", Json::object({{"until", until}})).at(0);
  ASSERT_EQ(rig.wait_status(id, "faulted"), "faulted");
  rig.advance_ms(2000);
  EXPECT_EQ(retry(rig, id).error().code, "engine.retry_late");
}

TEST(Retry, AChildWhoseParentHasItsEndIsRefusedAndSoIsTheParent) {
  Rig rig;
  refuse(rig, "do-none");
  (void)rig.engine().apply(
      {{"parent.yaml", workflow_of("  - child: {run: {workflow: {namespace: test, name: child, "
                                   "version: '1.0.0'}}}\n")},
       {"child.yaml",
        "document: {dsl: '1.0.3', namespace: test, name: child, version: '1.0.0'}\n"
        "do:\n  - pay: {call: 'do-none:1.0.0@script', with: {n: 1}}\n"}},
      "test");
  const std::string parent = rig.send("test.start.v1", Json::object()).at(0);
  ASSERT_EQ(rig.wait_status(parent, "faulted"), "faulted");
  EXPECT_EQ(retry(rig, parent).error().code, "engine.retry_child");
  const std::string child = rig.engine().instance(parent).value()["children"][0].as_string();
  EXPECT_EQ(retry(rig, child).error().code, "engine.retry_family");
}

TEST(Retry, ACallOfAnotherBranchThatMayHaveLeftIsAskedAboutAndNotSentAgain) {
  std::promise<ScriptedService::Call> left;
  Rig rig;
  rig.script().on("do-none",
                  [&left](ScriptedService::Call call) { left.set_value(std::move(call)); });
  rig.script().on("do-key", [&rig](ScriptedService::Call call) {
    rig.script().wait_for("do-none", 1);
    call.done(failed(OutcomeKind::permanent, "vendor.refused"));
  });
  rig.deploy(
      workflow_of("  - both:\n      fork:\n        branches:\n"
                  "          - a: {call: 'do-none:1.0.0@script', with: {n: 1}}\n"
                  "          - b: {call: 'do-key:1.0.0@script', with: {n: 1}}\n"));
  const std::string id = rig.send("test.start.v1", Json::object()).at(0);
  ASSERT_TRUE(test::eventually([&] {
    return rig.engine().instance(id).value()["waits"].string_or("ending", "") == "faulted";
  }));
  left.get_future().get().done(done());
  ASSERT_EQ(rig.wait_status(id, "faulted"), "faulted");
  answer(rig, "do-key");
  ASSERT_TRUE(retry(rig, id).ok());
  ASSERT_EQ(rig.wait_status(id, "parked"), "parked");
  EXPECT_EQ(rig.script().count("do-none"), 1U);
  ASSERT_TRUE(rig.engine().resolve(id, done(), "user:test", "it was done").ok());
  EXPECT_EQ(rig.wait_status(id, "completed"), "completed");
}

constexpr const char* kListensBeside =
    "  - both:\n      fork:\n        branches:\n"
    "          - pay:\n              do:\n"
    "                - wait: {listen: {to: {one: {with: {type: test.go.v1}}}}}\n"
    "                - charge: {call: 'do-key:1.0.0@script', with: {n: 1}}\n"
    "          - hear:\n              do:\n"
    "                - news: {listen: {to: {one: {with: {type: test.news.v1}}}}}\n"
    "                - more: {listen: {to: {one: {with: {type: test.more.v1}}}}}\n";

TEST(Retry, WhatOtherBranchesHeardBeforeTheFailureIsKeptOverTwoRetriesAndACrash) {
  std::mutex mutex;
  std::vector<ScriptedService::Call> open;  // outlives the rig, whose threads put calls there
  Rig rig;
  rig.script().on("do-key", [&](ScriptedService::Call call) {
    const std::lock_guard lock(mutex);
    open.push_back(std::move(call));
  });
  const auto fail_call = [&](std::size_t number) {
    ASSERT_TRUE(test::eventually([&] {
      const std::lock_guard lock(mutex);
      return open.size() > number;
    }));
    open[number].done(failed(OutcomeKind::transient, "vendor.away"));
  };
  rig.deploy(workflow_of(kListensBeside));
  const std::string id = rig.send("test.start.v1", Json::object()).at(0);
  rig.settle();
  rig.send("test.go.v1", Json::object());
  fail_call(0);
  ASSERT_EQ(rig.wait_status(id, "faulted"), "faulted");
  ASSERT_TRUE(retry(rig, id).ok());
  ASSERT_TRUE(rig.script().wait_for("do-key", 2));
  rig.send("test.news.v1", Json::object({{"n", 1}}));
  wait_turns(rig, id, 5);
  fail_call(1);
  ASSERT_EQ(rig.wait_status(id, "faulted"), "faulted");
  ASSERT_TRUE(retry(rig, id).ok());
  ASSERT_TRUE(rig.script().wait_for("do-key", 3));
  rig.send("test.more.v1", Json::object({{"n", 2}}));
  wait_turns(rig, id, 8);
  rig.crash();
  answer(rig, "do-key");
  rig.start();
  EXPECT_EQ(rig.wait_status(id, "completed"), "completed");
  const auto keys = rig.script().keys("do-key");
  EXPECT_EQ(std::set<std::string>(keys.begin(), keys.end()).size(), 1U);
}

// A workflow that hears events while the failed call waits to be tried again, so that skipped rows
// took one.
TEST(Retry, AnEventTakenAfterTheLastFailureIsTakenAgain) {
  Rig rig;
  refuse(rig, "do-key");
  rig.deploy(
      workflow_of("  - pay:\n      try:\n        - charge: {call: 'do-key:1.0.0@script', "
                  "with: {n: 1}}\n      catch:\n        do:\n"
                  "          - why: {listen: {to: {one: {with: {type: test.why.v1}}}}}\n"
                  "          - no: {raise: {error: {type: 'https://x.example/no', status: "
                  "418}}}\n"
                  "  - after: {listen: {to: {one: {with: {type: test.why.v1}}}}}\n"));
  const std::string id = rig.send("test.start.v1", Json::object()).at(0);
  rig.settle();
  rig.send("test.why.v1", Json::object({{"n", 1}}));
  ASSERT_EQ(rig.wait_status(id, "faulted"), "faulted");
  // The event leaves the store before the retry.
  rig.advance_ms(8LL * 86'400'000);
  while (rig.engine().expire_events().value()) {
  }
  rig.script().on("do-key", [](ScriptedService::Call) {});
  ASSERT_TRUE(retry(rig, id).ok());
  ASSERT_TRUE(rig.script().wait_for("do-key", 2));
  rig.crash();
  answer(rig, "do-key");
  rig.start();
  EXPECT_EQ(rig.wait_status(id, "completed"), "completed");
  EXPECT_EQ(rig.output(id)[0].int_or("n", 0), 1);
}

TEST(Retry, ATimeLimitDoesNotCountTheTimeBetweenFailureAndRetry) {
  std::promise<ScriptedService::Call> left;
  Rig rig;
  refuse(rig, "do-key");
  rig.deploy(
      workflow_of("  - pay:\n      timeout: {after: {minutes: 5}}\n      do:\n"
                  "        - charge: {call: 'do-key:1.0.0@script', with: {n: 1}}\n"));
  const std::string id = rig.send("test.start.v1", Json::object()).at(0);
  ASSERT_EQ(rig.wait_status(id, "faulted"), "faulted");
  rig.advance_ms(3'600'000);
  rig.script().on("do-key",
                  [&left](ScriptedService::Call call) { left.set_value(std::move(call)); });
  ASSERT_TRUE(retry(rig, id).ok());
  ScriptedService::Call open = left.get_future().get();
  advance(rig, 240'000);
  EXPECT_EQ(rig.status(id), "running");
  EXPECT_EQ(rig.engine().instance(id).value()["waits"].string_or("ending", ""), "");
  advance(rig, 120'000);
  ASSERT_TRUE(test::eventually([&] {
    return rig.engine().instance(id).value()["waits"].string_or("ending", "") == "faulted";
  }));
  open.done(failed(OutcomeKind::transient, "vendor.away"));
  EXPECT_EQ(rig.wait_status(id, "faulted"), "faulted") << "the limit still holds";
}

// The dead payer of an outage: each effect once, one key each, whenever the process dies.
TEST(Retry, TwoHundredInstancesAreRetriedUnderFiveCrashesWithOneEffectAndOneKeyEach) {
  constexpr std::size_t kInstances = 200;
  Rig rig;
  std::mutex mutex;
  bool dead = true;
  std::map<std::string, std::set<std::string>> effects;  // by n: the keys
  std::map<std::string, int> carried_out;                // by key
  rig.script().on("do-key", [&](ScriptedService::Call call) {
    const std::lock_guard lock(mutex);
    if (dead) {
      call.done(failed(OutcomeKind::transient, "http.503"));
      return;
    }
    // As a payer does: a known key gets the known answer.
    if (++carried_out[call.key] == 1) effects[call.arguments["n"].dump()].insert(call.key);
    call.done(done(call.arguments));
  });
  rig.deploy(
      workflow_of("  - claim: {call: 'do-key:1.0.0@script', with: {n: '${ .n }'}}\n"
                  "  - close: {call: 'do-native:1.0.0@script', with: {n: '${ .n }'}}\n"));
  std::vector<std::string> ids;
  for (std::size_t i = 0; i < kInstances; ++i)
    ids.push_back(
        rig.send("test.start.v1", Json::object({{"n", static_cast<std::int64_t>(i)}})).at(0));
  for (const std::string& id : ids) ASSERT_EQ(rig.wait_status(id, "faulted"), "faulted");
  {
    const std::lock_guard lock(mutex);
    dead = false;
  }
  for (std::size_t i = 0; i < kInstances; ++i) {
    const Status retried = retry(rig, ids[i]);
    ASSERT_TRUE(retried.ok()) << retried.error().message;
    if (i % 40 != 20) continue;
    rig.crash();
    rig.start();
  }
  for (const std::string& id : ids) ASSERT_EQ(rig.wait_status(id, "completed"), "completed");
  const std::lock_guard lock(mutex);
  EXPECT_EQ(effects.size(), kInstances);
  for (const auto& [n, keys] : effects) EXPECT_EQ(keys.size(), 1U) << n;
  EXPECT_EQ(carried_out.size(), kInstances);
}

TEST(Retry, ACrashBeforeTheRetryIsDurableLeavesTheFaultedInstance) {
  Rig rig;
  refuse(rig, "do-key");
  rig.deploy(workflow_of("  - pay: {call: 'do-key:1.0.0@script', with: {n: 1}}\n"));
  const std::string id = rig.send("test.start.v1", Json::object()).at(0);
  ASSERT_EQ(rig.wait_status(id, "faulted"), "faulted");
  rig.settle();
  rig.faults().refuse_submit(1);
  EXPECT_EQ(retry(rig, id).error().code, "store.full");
  rig.settle();
  EXPECT_EQ(rig.status(id), "faulted");
  EXPECT_EQ(rig.script().count("do-key"), 1U);
  answer(rig, "do-key");
  ASSERT_TRUE(retry(rig, id).ok());
  EXPECT_EQ(rig.wait_status(id, "completed"), "completed");
}

// ---- an outside system that is away, and back

// Each instance calls do-key for its `n`, and tries again for an hour after each failure.
class Outage : public testing::Test {
 protected:
  struct Made {
    std::int64_t n = 0;
    std::int64_t at = 0;
  };
  Outage() {
    rig_.script().on("do-key", [this](ScriptedService::Call call) {
      const std::int64_t n = call.arguments.int_or("n", 0);
      workflow::ActionOutcome outcome = done(call.arguments);
      {
        const std::lock_guard lock(mutex_);
        made_.push_back({n, rig_.clock().now().ms});
        if (away_.contains(n) || (all_away_ && !there_.contains(n))) outcome = refusal_;
      }
      call.done(std::move(outcome));
    });
    rig_.deploy(workflow_of(
        "  - pay:\n      try:\n        - claim:\n            call: do-key:1.0.0@script\n"
        "            with: {n: '${ .n }'}\n"
        "            metadata: {rabt: {usefulUntil: '${ .until }'}}\n"
        "      catch: {retry: {delay: PT15M}}\n"));
  }
  static workflow::ActionOutcome unavailable() {
    workflow::ActionOutcome outcome = failed(OutcomeKind::transient, "vendor.away");
    outcome.unavailable = true;
    return outcome;
  }
  // hours: until the call is of no use.
  std::string begin(std::int64_t n, std::int64_t hours = 48) {
    const Timestamp until{rig_.clock().now().ms + hours * 3'600'000};
    std::string id =
        rig_.send("test.start.v1", Json::object({{"n", n}, {"until", to_iso8601(until)}})).at(0);
    rig_.settle();
    rig_.settle();  // what the call has woken
    return id;
  }
  void set_away(bool away) {
    const std::lock_guard lock(mutex_);
    all_away_ = away;
  }
  // The calls since the last time.
  std::vector<Made> made() {
    const std::lock_guard lock(mutex_);
    return std::exchange(made_, {});
  }
  void pass(std::int64_t ms) {
    for (std::int64_t i = 0; i < ms; ++i) rig_.advance_ms(1);
  }

  std::mutex mutex_;
  bool all_away_ = true;
  // Instances whose call is refused, and carried out, whatever all_away_ says.
  std::set<std::int64_t> away_;
  std::set<std::int64_t> there_;
  workflow::ActionOutcome refusal_ = unavailable();
  std::vector<Made> made_;
  Rig rig_;
};

TEST_F(Outage, WaitingRetriesGoSoonAfterTheSideIsBackOldestDeadlineFirst) {
  constexpr std::int64_t kInstances = 20;
  std::vector<std::string> ids;
  for (std::int64_t n = 0; n < kInstances; ++n) ids.push_back(begin(n, 60 - n));
  rig_.advance_ms(60'000);
  ASSERT_EQ(made().size(), 20U);
  set_away(false);
  const std::int64_t back = rig_.clock().now().ms;
  begin(100);
  pass(kInstances * kGoOnMs + kGoOnJitterMs);
  const std::vector<Made> calls = made();
  ASSERT_EQ(calls.size(), 21U) << "the call that was done, and each retry once";
  EXPECT_EQ(calls[0].n, 100);
  for (std::size_t i = 1; i < calls.size(); ++i) {
    EXPECT_EQ(calls[i].n, kInstances - static_cast<std::int64_t>(i)) << "oldest deadline first";
    if (i > 1) {
      EXPECT_GE(calls[i].at - calls[i - 1].at, kGoOnMs - kGoOnJitterMs);
    }
  }
  EXPECT_LE(calls.back().at - back, kInstances * kGoOnMs + kGoOnJitterMs);
  for (const std::string& id : ids) EXPECT_EQ(rig_.status(id), "completed");
  rig_.advance_ms(3'600'000);
  EXPECT_TRUE(made().empty()) << "the timers are gone";
}

TEST_F(Outage, ASystemThatSaysWhenToAskAgainIsAskedThen) {
  refusal_.retry_after_ms = 1'200'000;
  begin(1);
  // As a system that has too much to do.
  refusal_ = failed(OutcomeKind::transient, "vendor.429");
  begin(2);
  ASSERT_EQ(made().size(), 2U);
  set_away(false);
  begin(100);
  rig_.advance_ms(10'000);
  EXPECT_EQ(made().size(), 1U);
  rig_.advance_ms(890'000);
  const std::vector<Made> calls = made();
  ASSERT_EQ(calls.size(), 1U);
  EXPECT_EQ(calls[0].n, 2);
  rig_.advance_ms(300'000);
  EXPECT_EQ(made().size(), 1U);
}

TEST_F(Outage, ACallThatFailsAgainWaitsItsWholeDelay) {
  away_ = {1};
  set_away(false);
  const std::string id = begin(1);
  rig_.advance_ms(1'000);
  ASSERT_EQ(made().size(), 1U);
  begin(100);
  ASSERT_EQ(made().size(), 2U) << "one more try";
  for (int n = 101; n < 105; ++n) {
    begin(n);
    rig_.advance_ms(60'000);
  }
  EXPECT_EQ(made().size(), 4U) << "the others alone";
  rig_.advance_ms(660'000);
  const std::vector<Made> calls = made();
  ASSERT_EQ(calls.size(), 1U) << "its own time";
  EXPECT_EQ(calls[0].n, 1);
  EXPECT_EQ(rig_.status(id), "waiting");
}

TEST_F(Outage, ASideThatGoesAwayAgainIsLeftAlone) {
  for (std::int64_t n = 0; n < 5; ++n) begin(n, 48 + n);
  there_ = {100, 101};
  rig_.advance_ms(1'000);
  made();
  begin(100);
  rig_.advance_ms(10'000);
  std::vector<Made> calls = made();
  ASSERT_EQ(calls.size(), 2U) << "the first of them has found out that it is away again";
  EXPECT_EQ(calls[1].n, 0);
  set_away(false);
  begin(101);
  pass(4 * kGoOnMs + kGoOnJitterMs);
  calls = made();
  ASSERT_EQ(calls.size(), 5U);
  for (std::int64_t n = 1; n < 5; ++n) EXPECT_EQ(calls[static_cast<std::size_t>(n)].n, n);
  rig_.advance_ms(900'000);
  EXPECT_EQ(made().size(), 1U) << "the first waited its whole delay";
}

// Alarms that were called off kept their places, so that each failure put the next retries off.
TEST_F(Outage, AnAlarmThatWasCalledOffTakesNoPlace) {
  for (std::int64_t n = 0; n < 20; ++n) begin(n, 48 + n);
  there_ = {100, 101};
  rig_.advance_ms(1'000);
  made();
  begin(100);
  ASSERT_EQ(made().size(), 2U) << "the first of them goes at once, and finds it away";
  set_away(false);
  begin(101);
  pass(kGoOnMs + kGoOnJitterMs);
  const std::vector<Made> calls = made();
  ASSERT_GE(calls.size(), 2U);
  EXPECT_EQ(calls[1].n, 1);
}

TEST_F(Outage, AfterARestartARetryWaitsUntilItIsDueAndWhatWasWokenIsReplayed) {
  std::vector<std::string> ids;
  for (std::int64_t n = 0; n < 3; ++n) ids.push_back(begin(n, 48 + n));
  set_away(false);
  begin(100);
  ASSERT_EQ(rig_.status(ids[0]), "completed");
  made();
  const std::string before = rig_.engine().instance(ids[0]).value().dump();
  rig_.crash();
  rig_.start();
  EXPECT_EQ(rig_.engine().instance(ids[0]).value().dump(), before);
  rig_.advance_ms(60'000);
  EXPECT_TRUE(made().empty());
  EXPECT_EQ(rig_.status(ids[1]), "waiting");
  rig_.advance_ms(840'000);
  EXPECT_EQ(made().size(), 2U);
  for (const std::string& id : ids) EXPECT_EQ(rig_.status(id), "completed");
}

}  // namespace
}  // namespace rabt::engine::retry_test
