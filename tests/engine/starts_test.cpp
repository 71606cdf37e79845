#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <thread>

#include "hub/audit/audit_log.hpp"
#include "hub/base/trace_context.hpp"
#include "tests/engine/rig.hpp"
#include "tests/eventually.hpp"
#include "tests/number_of.hpp"

// Instances that no event starts: run.workflow, and the clock.
namespace rabt::engine::starts_test {
namespace {

using workflow::OutcomeKind;

constexpr std::int64_t kMinute = 60'000;

std::string parent_file(const std::string& tasks, const std::string& version = "1.0.0") {
  return "document: {dsl: '1.0.3', namespace: test, name: parent, version: '" + version +
         "'}\nschedule: {on: {one: {with: {type: test.start.v1}}}}\n"
         "input: {from: '${ .[0].data }'}\ndo:\n" +
         tasks;
}
std::string child_file(const std::string& tasks, const std::string& version = "1.0.0",
                       const std::string& more = {}) {
  return "document: {dsl: '1.0.3', namespace: test, name: child, version: '" + version + "'" +
         more + "}\ndo:\n" + tasks;
}
const std::string kRun =
    "  - sub:\n      run:\n        workflow: {namespace: test, name: child, version: '1.0.0', "
    "input: '${ . }'}\n";
const std::string kRunAndGo =
    "  - go:\n      run:\n        await: false\n"
    "        workflow: {namespace: test, name: child, version: '1.0.0', input: '${ . }'}\n";
const std::string kCall = "  - work: {call: 'do-key:1.0.0@script', with: {n: '${ .n }'}}\n";

class Starts : public testing::Test {
 protected:
  void deploy(const std::string& parent, const std::string& child) {
    const auto done = rig_.engine().apply({{"parent.yaml", parent}, {"child.yaml", child}}, "test");
    ASSERT_TRUE(done.ok()) << done.error().message;
  }
  std::string begin(Json data = Json::object({{"n", 7}})) {
    const auto ids = rig_.send("test.start.v1", std::move(data));
    EXPECT_EQ(ids.size(), 1U);
    return ids.empty() ? "" : ids[0];
  }
  Json view(const std::string& id) { return rig_.engine().instance(id, admitted).value(); }
  std::vector<std::string> children(const std::string& id) {
    std::vector<std::string> out;
    const Json json = view(id);
    for (std::size_t i = 0; i < json["children"].size(); ++i)
      out.push_back(json["children"][i].as_string());
    return out;
  }
  // Waits until the parent has started this many.
  std::vector<std::string> wait_children(const std::string& id, std::size_t count) {
    (void)test::eventually([&] { return children(id).size() >= count; });
    return children(id);
  }
  std::int64_t rows(const char* table) {
    static constexpr store::Statement kChild{"SELECT COUNT(*) FROM child"};
    static constexpr store::Statement kJournal{"SELECT COUNT(*) FROM journal"};
    rig_.store().flush();
    return test::number_of(rig_.store(), std::string_view(table) == "child" ? kChild : kJournal);
  }
  // Stops the answer of an action until the test asks for it again.
  void never_answers() {
    rig_.script().on("do-key", [](ScriptedService::Call) {});
  }
  void answers() {
    rig_.script().on("do-key", [](ScriptedService::Call call) { call.done(done(call.arguments)); });
  }
  Rig rig_;
};

// ---- run.workflow

TEST_F(Starts, AChildsOutputIsTheOutputOfTheTaskThatStartedIt) {
  deploy(parent_file(kRun), child_file(kCall));
  const std::string id = begin();
  EXPECT_EQ(rig_.wait_status(id, "completed"), "completed");
  EXPECT_EQ(rig_.output(id), Json::object({{"n", 7}}));
  const auto list = children(id);
  ASSERT_EQ(list.size(), 1U);
  EXPECT_EQ(view(list[0]).string_or("parent", ""), id);
  EXPECT_EQ(view(list[0]).string_or("workflow", ""), "child");
  EXPECT_EQ(rows("child"), 0);
}

TEST_F(Starts, AChildsErrorIsTheParentsToCatch) {
  deploy(parent_file(
             "  - t:\n      try:\n      " +
             std::string("  - sub: {run: {workflow: "
                         "{namespace: test, name: child, version: '1.0.0', input: '${ . }'}}}\n") +
             "      catch: {as: error, do: [{keep: {set: '${ {status: $error.status} }'}}]}\n"),
         child_file("  - no: {raise: {error: {type: 'https://x.example/no', status: 418, title: "
                    "No}}}\n"));
  const std::string id = begin();
  EXPECT_EQ(rig_.wait_status(id, "completed"), "completed");
  EXPECT_EQ(rig_.output(id), Json::object({{"status", 418}}));
}

// The trace of who sent the event goes on, in a child and after a crash as well.
TEST_F(Starts, ARunBelongsToTheTraceOfItsStartEvent) {
  const std::string trace = "4bf92f3577b34da6a3ce929d0e0e4736";
  never_answers();
  deploy(parent_file(kRun), child_file(kCall));
  const auto begin_with = [&](const std::string& parent) {
    static int sent = 0;
    Delivery delivery =
        rig_.delivery("test.start.v1", Json::object({{"n", 7}}), "t" + std::to_string(++sent));
    if (!parent.empty()) delivery.events.front().set("traceparent", parent);
    const auto before = rig_.script().count("do-key");
    const auto accepted = rig_.engine().accept(delivery);
    EXPECT_TRUE(accepted.ok() && rig_.script().wait_for("do-key", before + 1));
    return Json::parse(accepted->answer)->find("instances")->item(0).as_string();
  };
  (void)begin_with("00-" + trace + "-00f067aa0ba902b7-01");
  EXPECT_EQ(rig_.script().last_trace(), trace);
  rig_.crash();
  const auto before = rig_.script().count("do-key");
  rig_.start();
  ASSERT_TRUE(rig_.script().wait_for("do-key", before + 1));
  EXPECT_EQ(rig_.script().last_trace(), trace);
  // Otherwise it is a trace of its own, which its children share.
  for (const std::string bad :
       {"", "00-xyz", "00-00000000000000000000000000000000-00f067aa0ba902b7-01"}) {
    const std::string id = begin_with(bad);
    EXPECT_EQ(rig_.script().last_trace(), trace_of_run(id)) << bad;
    EXPECT_NE(rig_.script().last_trace(), trace) << bad;
  }
}

// The input that a parent gives to its child is data, even if it looks like a trace.
TEST_F(Starts, AnInputOfAChildNamesNoTrace) {
  never_answers();
  deploy(
      parent_file("  - sub:\n      run:\n        workflow: {namespace: test, name: child, version: "
                  "'1.0.0', input: [{n: 1, traceparent: "
                  "'00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'}]}\n"),
      child_file("  - work: {call: 'do-key:1.0.0@script', with: {n: 1}}\n"));
  const std::string id = begin();
  ASSERT_TRUE(rig_.script().wait_for("do-key", 1));
  EXPECT_EQ(rig_.script().last_trace(), trace_of_run(id));
}

TEST_F(Starts, AChildThatIsNotAwaitedLivesOnItsOwn) {
  deploy(parent_file(kRunAndGo), child_file("  - rest: {wait: PT1M}\n"));
  const std::string id = begin();
  EXPECT_EQ(rig_.wait_status(id, "completed"), "completed");
  const auto list = wait_children(id, 1);
  ASSERT_EQ(list.size(), 1U);
  EXPECT_EQ(rig_.wait_status(list[0], "waiting"), "waiting");
  rig_.crash();
  rig_.start();
  rig_.clock().advance_ms(kMinute + 1);
  EXPECT_EQ(rig_.wait_status(list[0], "completed"), "completed");
}

TEST_F(Starts, ACrashWhileTheChildWorksNeitherLosesItNorStartsItTwice) {
  never_answers();
  deploy(parent_file(kRun), child_file(kCall));
  const std::string id = begin();
  ASSERT_TRUE(rig_.script().wait_for("do-key", 1));
  rig_.crash();
  answers();
  rig_.start();
  EXPECT_EQ(rig_.wait_status(id, "completed"), "completed");
  EXPECT_EQ(children(id).size(), 1U);
  const auto keys = rig_.script().keys("do-key");
  ASSERT_EQ(keys.size(), 2U);
  EXPECT_EQ(keys[0], keys[1]);
}

TEST_F(Starts, TheEndOfAChildReachesItsParentOnceWhereverTheHubDies) {
  // Crashes at ever later moments after the child's end, until one comes after the parent's.
  deploy(parent_file(kRun + "  - after: {call: 'undo:1.0.0@script', with: {n: '${ .n }'}}\n"),
         child_file("  - a: {wait: PT1M}\n" + kCall));
  std::vector<std::string> ids;
  for (int pause_us = 0; pause_us < 4000; pause_us += 200) {
    const std::string id = begin(Json::object({{"n", pause_us}}));
    ids.push_back(id);
    const auto list = wait_children(id, 1);
    ASSERT_EQ(list.size(), 1U);
    ASSERT_EQ(rig_.wait_status(list[0], "waiting"), "waiting");
    const std::size_t before = rig_.script().count("do-key");
    rig_.clock().advance_ms(kMinute + 1);
    ASSERT_TRUE(rig_.script().wait_for("do-key", before + 1));
    test::let_pass(std::chrono::microseconds(pause_us));
    rig_.crash();
    rig_.start();
    ASSERT_EQ(rig_.wait_status(id, "completed"), "completed") << pause_us;
    ASSERT_EQ(rig_.output(id), Json::object({{"n", pause_us}}));
    ASSERT_EQ(children(id).size(), 1U);
  }
  for (const std::string& id : ids) {
    int answers_seen = 0;
    const Json timeline = view(id)["timeline"];
    for (std::size_t i = 0; i < timeline.size(); ++i)
      answers_seen += timeline[i].string_or("task", "") == "after" ? 1 : 0;
    EXPECT_EQ(answers_seen, 1);
  }
  EXPECT_EQ(rows("child"), 0);
}

TEST_F(Starts, AParentThatLeftMemoryIsReadBackByTheEndOfItsChild) {
  rig_.crash();
  rig_.max_resident = 0;
  rig_.start();
  deploy(parent_file(kRun), child_file("  - rest: {wait: PT1M}\n"));
  const std::string id = begin();
  const auto list = wait_children(id, 1);
  ASSERT_EQ(list.size(), 1U);
  ASSERT_EQ(rig_.wait_status(list[0], "waiting"), "waiting");  // its timer is set
  rig_.settle();
  EXPECT_EQ(rig_.engine().stats().resident, 0U);
  rig_.clock().advance_ms(kMinute + 1);
  EXPECT_EQ(rig_.wait_status(id, "completed"), "completed");
}

TEST_F(Starts, CancellingAParentCancelsTheChildrenItWaitsForAlsoAfterACrash) {
  deploy(parent_file(kRunAndGo + kRun), child_file("  - rest: {wait: PT1M}\n"));
  const std::string id = begin();
  const auto list = wait_children(id, 2);
  ASSERT_EQ(list.size(), 2U);
  ASSERT_EQ(rig_.wait_status(list[1], "waiting"), "waiting");
  ASSERT_TRUE(rig_.engine().cancel(id, "user:test", "no longer needed").ok());
  rig_.crash();  // the parent's end is durable, the child's may not be
  rig_.start();
  EXPECT_EQ(rig_.wait_status(list[1], "cancelled"), "cancelled");
  EXPECT_EQ(rig_.wait_status(id, "cancelled"), "cancelled");
  EXPECT_EQ(rig_.wait_status(list[0], "waiting"), "waiting") << "nobody waited for this one";
  EXPECT_EQ(rows("child"), 0);
}

TEST_F(Starts, ABusinessKeyThatIsTakenAnswersWithAConflict) {
  deploy(parent_file("  - t:\n      try:\n        - sub: {run: {workflow: {namespace: test, name: "
                     "child, version: '1.0.0', input: '${ . }'}}}\n"
                     "      catch: {as: error, do: [{keep: {set: '${ {type: $error.type, status: "
                     "$error.status} }'}}]}\n"),
         child_file("  - rest: {wait: PT1M}\n", "1.0.0",
                    ", metadata: {rabt: {businessKey: '${ .n }'}}"));
  const std::string first = begin();
  ASSERT_EQ(wait_children(first, 1).size(), 1U);
  const std::string second = begin();
  EXPECT_EQ(rig_.wait_status(second, "completed"), "completed");
  EXPECT_EQ(rig_.output(second),
            Json::object({{"type", "https://rabt.health/errors/conflict"}, {"status", 409}}));
  EXPECT_EQ(children(second).size(), 0U);
}

TEST_F(Starts, LatestIsBoundWhenTheParentIsDeployed) {
  const std::string run_latest =
      "  - sub: {run: {workflow: {namespace: test, name: child, version: latest}}}\n";
  deploy(parent_file(run_latest), child_file("  - mark: {set: {v: one}}\n"));
  rig_.deploy(child_file("  - mark: {set: {v: two}}\n", "2.0.0"));
  const std::string old_one = begin();
  EXPECT_EQ(rig_.wait_status(old_one, "completed"), "completed");
  EXPECT_EQ(rig_.output(old_one), Json::object({{"v", "one"}}));
  rig_.crash();
  rig_.start();
  rig_.deploy(parent_file(run_latest, "1.1.0"));
  const std::string new_one = begin();
  EXPECT_EQ(rig_.wait_status(new_one, "completed"), "completed");
  EXPECT_EQ(rig_.output(new_one), Json::object({{"v", "two"}}));
}

TEST_F(Starts, AChildThatIsNotThereIsRefusedWithItsLineUnlessItComesAlong) {
  const auto refused = rig_.engine().apply({{"parent.yaml", parent_file(kRun)}}, "test");
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, "engine.child");
  EXPECT_NE(refused.error().message.find("parent.yaml:7:"), std::string::npos)
      << refused.error().message;
  deploy(parent_file(kRun), child_file("  - mark: {set: {v: 1}}\n"));
}

TEST_F(Starts, WorkflowsThatCallThemselvesEndAtTheLimit) {
  rig_.deploy(
      "document: {dsl: '1.0.3', namespace: test, name: again, version: '1.0.0'}\n"
      "schedule: {on: {one: {with: {type: test.start.v1}}}}\ndo:\n"
      "  - sub: {run: {workflow: {namespace: test, name: again, version: '1.0.0', input: {}}}}\n");
  const std::string id = begin();
  EXPECT_EQ(rig_.wait_status(id, "faulted"), "faulted");
  const auto list = rig_.engine().instances({}, 100);
  ASSERT_TRUE(list.ok());
  EXPECT_EQ(list->size(), static_cast<std::size_t>(limits::kMaxWorkflowNesting) + 1);
}

TEST_F(Starts, LifecycleEventsAreTheSameEachTimeAndHoldNoData) {
  deploy(parent_file(kRun), child_file(kCall));
  const std::string id = begin(Json::object({{"n", "canary-name"}}));
  EXPECT_EQ(rig_.wait_status(id, "completed"), "completed");
  const auto first = rig_.engine().lifecycle(id);
  ASSERT_TRUE(first.ok());
  ASSERT_GE(first->size(), 4U);
  EXPECT_EQ((*first)[0].string_or("type", ""), "io.serverlessworkflow.workflow.started.v1");
  EXPECT_EQ((*first)[first->size() - 1].string_or("type", ""),
            "io.serverlessworkflow.workflow.completed.v1");
  EXPECT_EQ(first->dump().find("canary-name"), std::string::npos);
  rig_.crash();
  rig_.start();
  EXPECT_EQ(rig_.engine().lifecycle(id)->dump(), first->dump());
}

// ---- the clock

std::string clock_file(const std::string& schedule, const std::string& version = "1.0.0",
                       const std::string& tasks = "  - mark: {set: {a: 1}}\n") {
  return "document: {dsl: '1.0.3', namespace: test, name: ticking, version: '" + version +
         "'}\nschedule: {" + schedule + "}\ndo:\n" + tasks;
}

class ByTheClock : public Starts {
 protected:
  std::size_t started() {
    const auto list = rig_.engine().instances({}, 200);
    EXPECT_TRUE(list.ok());
    return list->size();
  }
  // Number of started instances, after everything that is due has happened.
  std::size_t settled_starts() {
    rig_.settle();
    return started();
  }
};

TEST_F(ByTheClock, EveryStartsOneInstanceEachInterval) {
  rig_.deploy(clock_file("every: PT1M"));
  EXPECT_EQ(settled_starts(), 0U) << "the first start is one interval after the deployment";
  for (std::size_t n = 1; n <= 3; ++n) {
    rig_.clock().advance_ms(kMinute);
    EXPECT_EQ(settled_starts(), n);
  }
  const auto verified = audit::verify(rig_.store(), rig_.folder());
  ASSERT_TRUE(verified.ok());
  EXPECT_TRUE(verified->verified);
}

TEST_F(ByTheClock, WhatWasMissedIsMadeUpForOnceAndTheRhythmIsKept) {
  rig_.deploy(clock_file("every: PT1M"));
  rig_.crash();
  rig_.clock().advance_ms(10 * kMinute + 30'000);
  rig_.start();
  EXPECT_EQ(settled_starts(), 1U);
  rig_.clock().advance_ms(29'000);
  EXPECT_EQ(settled_starts(), 1U);
  rig_.clock().advance_ms(2'000);  // eleven minutes after the deployment
  EXPECT_EQ(settled_starts(), 2U);
}

TEST_F(ByTheClock, ADueTimeStartsOneInstanceWhereverTheHubDies) {
  rig_.deploy(clock_file("every: PT1M"));
  std::size_t expected = 0;
  for (int pause_us = 0; pause_us < 3000; pause_us += 300) {
    rig_.clock().advance_ms(kMinute);
    test::let_pass(std::chrono::microseconds(pause_us));
    rig_.crash();
    rig_.start();
    ++expected;
    ASSERT_EQ(settled_starts(), expected) << pause_us;
  }
  const auto list = rig_.engine().instances({}, 200);
  for (const auto& one : *list) EXPECT_EQ(rig_.wait_status(one.id, "completed"), "completed");
}

TEST_F(ByTheClock, AClockThatIsPutBackRepeatsNothing) {
  rig_.deploy(clock_file("every: PT1M"));
  rig_.clock().advance_ms(kMinute);
  EXPECT_EQ(settled_starts(), 1U);
  rig_.clock().advance_ms(-kMinute);
  EXPECT_EQ(settled_starts(), 1U);
  rig_.crash();
  rig_.start();
  rig_.clock().advance_ms(kMinute);
  EXPECT_EQ(settled_starts(), 1U);
  rig_.clock().advance_ms(kMinute);
  EXPECT_EQ(settled_starts(), 2U);
}

TEST_F(ByTheClock, AfterCountsFromTheEndOfTheInstanceBefore) {
  rig_.deploy(clock_file("after: PT1M", "1.0.0", "  - rest: {wait: PT5M}\n"));
  rig_.clock().advance_ms(kMinute);
  EXPECT_EQ(settled_starts(), 1U);
  rig_.clock().advance_ms(3 * kMinute);
  EXPECT_EQ(settled_starts(), 1U) << "the one before still runs";
  rig_.crash();
  rig_.start();
  rig_.clock().advance_ms(2 * kMinute);
  EXPECT_EQ(settled_starts(), 1U);
  rig_.clock().advance_ms(kMinute);
  EXPECT_EQ(settled_starts(), 2U);
}

TEST_F(ByTheClock, CronStartsAtItsTimes) {
  rig_.deploy(clock_file("cron: '*/5 * * * *'"));
  rig_.clock().advance_ms(5 * kMinute);
  EXPECT_EQ(settled_starts(), 1U);
  rig_.crash();
  rig_.clock().advance_ms(61 * kMinute);
  rig_.start();
  EXPECT_EQ(settled_starts(), 2U);
}

TEST_F(ByTheClock, ANewVersionTakesTheScheduleOverAndUndeployingEndsIt) {
  rig_.deploy(clock_file("every: PT1M"));
  rig_.clock().advance_ms(30'000);
  rig_.deploy(clock_file("every: PT1M", "1.1.0", "  - mark: {set: {a: 2}}\n"));
  rig_.clock().advance_ms(30'000);
  EXPECT_EQ(settled_starts(), 1U) << "an equal schedule keeps its next due time";
  EXPECT_EQ(rig_.engine().instances({}, 10)->front().version, "1.1.0");
  ASSERT_TRUE(rig_.engine()
                  .apply({{"child.yaml", child_file("  - mark: {set: {v: 1}}\n")}}, "test", true)
                  .ok());
  rig_.clock().advance_ms(10 * kMinute);
  EXPECT_EQ(settled_starts(), 1U);
  rig_.crash();
  rig_.start();
  EXPECT_EQ(settled_starts(), 1U);
}

// ---- every event, and sets of events

TEST_F(Starts, AListenForEveryEventGetsOne) {
  rig_.deploy(parent_file("  - hear: {listen: {to: {any: [], until: '${ . | length > 0 }'}}}\n"));
  const std::string id = begin();
  EXPECT_EQ(rig_.wait_status(id, "waiting"), "waiting");
  rig_.send("test.anything.v9", Json::object({{"x", 1}}));
  EXPECT_EQ(rig_.wait_status(id, "completed"), "completed");
}

std::string all_file(const std::string& version = "1.0.0") {
  return "document: {dsl: '1.0.3', namespace: test, name: both, version: '" + version +
         "'}\nschedule: {on: {all: [{with: {type: test.a.v1}, correlate: {k: {from: .data.k}}}, "
         "{with: {type: test.b.v1}, correlate: {k: {from: .data.k}}}]}}\n"
         "do: [{keep: {set: '${ {got: [.[].data.n]} }'}}]\n";
}

TEST_F(Starts, EventsThatBelongTogetherStartOneInstanceAcrossRestartsAndVersions) {
  rig_.deploy(all_file());
  EXPECT_EQ(rig_.send("test.b.v1", Json::object({{"k", "x"}, {"n", 2}}), "b1").size(), 0U);
  EXPECT_EQ(rig_.send("test.a.v1", Json::object({{"k", "other"}, {"n", 9}}), "a0").size(), 0U);
  rig_.crash();
  rig_.start();
  rig_.deploy(all_file("1.1.0"));
  const auto ids = rig_.send("test.a.v1", Json::object({{"k", "x"}, {"n", 1}}), "a1");
  ASSERT_EQ(ids.size(), 1U);
  EXPECT_EQ(rig_.wait_status(ids[0], "completed"), "completed");
  EXPECT_EQ(rig_.output(ids[0]).dump(), R"({"got":[1,2]})");
  EXPECT_EQ(rig_.send("test.a.v1", Json::object({{"k", "x"}, {"n", 1}}), "a1").size(), 1U)
      << "the stored answer";
  EXPECT_EQ(rig_.send("test.a.v1", Json::object({{"k", "x"}, {"n", 3}}), "a2").size(), 0U);
}

}  // namespace
}  // namespace rabt::engine::starts_test
