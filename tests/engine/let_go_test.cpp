#include <gtest/gtest.h>

#include <mutex>
#include <string>
#include <vector>

#include "tests/engine/rig.hpp"
#include "tests/eventually.hpp"
#include "tests/must.hpp"

// Calls for which no task waits any more: the instance ends after them, also over a crash.
namespace rabt::engine::let_go_test {
namespace {

using rabt::test::must;
using workflow::OutcomeKind;

std::string workflow_of(const std::string& tasks, const std::string& metadata = {},
                        const std::string& version = "1.0.0") {
  return "document: {dsl: '1.0.3', namespace: test, name: sample, version: '" + version + "'" +
         metadata +
         "}\nschedule: {on: {one: {with: {type: test.start.v1}}}}\ninput: {from: '${ .[0].data "
         "}'}\ndo:\n" +
         tasks;
}
std::string call_of(const std::string& action, const std::string& more = {}) {
  return "  - claim:\n      call: '" + action + ":1.0.0@script'\n      with: {n: 1}\n" + more;
}
const std::string kUndone =
    "      metadata: {rabt: {compensate: {call: 'undo:1.0.0@script', with: {n: '${ .n }'}}}}\n";

class LetGo : public testing::Test {
 protected:
  // The action gets no answer until the test gives one.
  void hold(const std::string& action) {
    rig_.script().on(action, [this](ScriptedService::Call call) {
      const std::lock_guard lock(mutex_);
      open_.push_back(std::move(call));
    });
  }
  // Starts an instance, and waits until it has made its call.
  std::string begin(const std::string& yaml, const std::string& action) {
    hold(action);
    rig_.deploy(yaml);
    const std::string id = rig_.send("test.start.v1", Json::object({{"k", "A-1"}})).at(0);
    EXPECT_TRUE(rig_.script().wait_for(action, 1));
    EXPECT_TRUE(test::eventually([&] {
      const std::lock_guard lock(mutex_);
      return !open_.empty();
    }));
    return id;
  }
  void cancel(const std::string& id) {
    const Status done = rig_.engine().cancel(id, "user:test", "booked twice");
    ASSERT_TRUE(done.ok()) << done.error().message;
  }
  void answer(workflow::ActionOutcome outcome) {
    const std::lock_guard lock(mutex_);
    ASSERT_FALSE(open_.empty());
    open_.front().done(std::move(outcome));
    open_.clear();
  }
  Json waits(const std::string& id) { return must(rig_.engine().instance(id))["waits"]; }
  std::string effect(const std::string& id) {
    return must(rig_.engine().instance(id))["timeline"][0].string_or("effect", "");
  }

  std::mutex mutex_;
  std::vector<ScriptedService::Call> open_;  // outlives the rig, whose threads put calls there
  Rig rig_;
};

TEST_F(LetGo, AnInstanceThatIsCancelledEndsAfterItsCallAndSaysThatTheEffectStands) {
  const std::string id = begin(workflow_of(call_of("do-key")), "do-key");
  cancel(id);
  EXPECT_EQ(rig_.status(id), "running");
  EXPECT_EQ(waits(id).dump(), R"({"ending":"cancelled","calls":["script/do-key"]})");
  EXPECT_EQ(effect(id), "unknown");
  answer(done());
  EXPECT_EQ(rig_.wait_status(id, "cancelled"), "cancelled");
  EXPECT_EQ(effect(id), "stands");
  EXPECT_EQ(rig_.script().count(), 1U);
}

TEST_F(LetGo, WhatWasDoneIsUndone) {
  const std::string id = begin(workflow_of(call_of("do-key", kUndone)), "do-key");
  cancel(id);
  answer(done(Json::object({{"n", 4}})));
  EXPECT_EQ(rig_.wait_status(id, "cancelled"), "cancelled");
  EXPECT_EQ(rig_.script().count("undo"), 1U);
  EXPECT_EQ(effect(id), "undone");
  EXPECT_EQ(must(rig_.engine().instance(id))["timeline"][1].string_or("state", ""), "compensated");
}

TEST_F(LetGo, WhatWasRefusedLeavesNothing) {
  const std::string id = begin(workflow_of(call_of("do-key", kUndone)), "do-key");
  cancel(id);
  answer(failed(OutcomeKind::permanent, "vendor.refused"));
  EXPECT_EQ(rig_.wait_status(id, "cancelled"), "cancelled");
  EXPECT_EQ(rig_.script().count("undo"), 0U);
  EXPECT_EQ(effect(id), "none");
}

TEST_F(LetGo, ACallThatReadsHoldsNothing) {
  const std::string id = begin(workflow_of(call_of("look")), "look");
  cancel(id);
  EXPECT_EQ(rig_.wait_status(id, "cancelled"), "cancelled");
  EXPECT_EQ(effect(id), "");
}

TEST_F(LetGo, ACallThatHasNotLeftIsNotSent) {
  rig_.deploy(workflow_of(call_of("do-none")));
  must(rig_.engine().pause_role("script", {}, "", {"user:test", "the payer is down"}));
  const std::string id = rig_.send("test.start.v1", Json::object()).at(0);
  rig_.settle();
  cancel(id);
  EXPECT_EQ(rig_.wait_status(id, "cancelled"), "cancelled");
  must(rig_.engine().resume_role("script", {"user:test", "the payer is back"}));
  rig_.settle();
  EXPECT_EQ(rig_.script().count(), 0U);
}

// The hub cannot know what became of it, whatever repeating it would do: nobody wants it any more.
TEST_F(LetGo, ACallThatWasOpenInACrashIsParkedAndNotSentAgain) {
  int minor = 0;
  for (const char* action : {"do-none", "do-key", "do-native"}) {
    const std::string version = "1." + std::to_string(minor++) + ".0";
    const std::string id = begin(workflow_of(call_of(action), {}, version), action);
    cancel(id);
    rig_.crash();
    rig_.start();
    ASSERT_EQ(rig_.wait_status(id, "parked"), "parked") << action;
    EXPECT_EQ(rig_.script().count(action), 1U);
    const Json asked = waits(id);
    EXPECT_TRUE(asked.bool_or("letGo", false)) << asked.dump();
    EXPECT_EQ(rig_.engine().send_again(id, "user:test", "x").error().code, "engine.let_go");
    cancel(id);
    EXPECT_EQ(rig_.status(id), "parked") << "a second time changes nothing";
    rig_.crash();
    rig_.start();
    ASSERT_EQ(rig_.wait_status(id, "parked"), "parked") << action;
    const bool stands = action == std::string_view("do-key");
    ASSERT_TRUE(rig_.engine()
                    .resolve(id, stands ? done() : failed(OutcomeKind::permanent, "no.such"),
                             "user:test", "asked the payer")
                    .ok());
    EXPECT_EQ(rig_.wait_status(id, "cancelled"), "cancelled");
    EXPECT_EQ(effect(id), stands ? "stands" : "none");
    rig_.script().on(action, {});
    const std::lock_guard lock(mutex_);
    open_.clear();
  }
}

// Each ends at once when the hub comes back: the call of the retry finds out what became of it.
TEST_F(LetGo, CallsThatRetriesMakeAgainOutliveACrash) {
  const std::vector<std::string> actions{"do-key", "do-native", "undo"};
  std::string branches;
  for (const std::string& action : actions) {
    branches += "          - b-" + action + ":\n              try:\n                - c-" + action +
                ": {call: '" + action + ":1.0.0@script'}\n" +
                "              catch: {retry: {delay: PT10M, limit: {attempt: {count: 2, duration: "
                "PT1M}}}}\n";
    hold(action);
  }
  rig_.deploy(workflow_of("  - all:\n      fork:\n        branches:\n" + branches));
  const std::string id = rig_.send("test.start.v1", Json::object()).at(0);
  for (const std::string& action : actions) ASSERT_TRUE(rig_.script().wait_for(action, 1));
  rig_.clock().advance_ms(60'001);
  rig_.engine().catch_up();
  ASSERT_TRUE(test::eventually([&] {
    std::size_t unknown = 0;
    const Json shown = must(rig_.engine().instance(id));
    for (const Json& task : shown["timeline"].as_array())
      unknown += task.string_or("effect", "") == "unknown" ? 1 : 0;
    return unknown == actions.size();
  }));
  rig_.crash();
  {
    const std::lock_guard lock(mutex_);
    open_.clear();
  }
  for (const std::string& action : actions) rig_.script().on(action, {});
  rig_.start();
  rig_.advance_ms(600'001);
  EXPECT_EQ(rig_.wait_status(id, "completed"), "completed");
  for (const std::string& action : actions) EXPECT_EQ(rig_.script().count(action), 2U) << action;
}

// The retry would have found it out, and the instance is cancelled before.
TEST_F(LetGo, AnUnknownEffectThatNoRetryFindsOutIsParked) {
  const std::string id =
      begin(workflow_of("  - t:\n      try:\n        - claim: {call: 'do-key:1.0.0@script'}\n"
                        "      catch: {retry: {delay: PT10M, limit: {attempt: {count: 2, duration: "
                        "PT1M}}}}\n"),
            "do-key");
  rig_.clock().advance_ms(60'001);
  rig_.engine().catch_up();
  ASSERT_TRUE(test::eventually([&] {
    return must(rig_.engine().instance(id))["timeline"].dump().find("\"effect\"") !=
           std::string::npos;
  }));
  answer(failed(OutcomeKind::ambiguous, "vendor.silent"));
  EXPECT_EQ(rig_.wait_status(id, "waiting"), "waiting") << "for the retry";
  cancel(id);
  ASSERT_EQ(rig_.wait_status(id, "parked"), "parked");
  EXPECT_TRUE(waits(id).bool_or("letGo", false));
  rig_.crash();
  rig_.start();
  ASSERT_EQ(rig_.wait_status(id, "parked"), "parked");
  ASSERT_TRUE(rig_.engine().resolve(id, done(), "user:test", "the payer has it").ok());
  EXPECT_EQ(rig_.wait_status(id, "cancelled"), "cancelled");
  EXPECT_EQ(rig_.script().count("do-key"), 1U);
}

// Repeating it is not safe: a person who has the instance go on is asked about it first.
TEST_F(LetGo, AnInstanceThatGoesOnDoesNotRepeatACallOfARetryThatMayHaveBeenDone) {
  hold("do-none");
  hold("do-key");
  rig_.deploy(
      workflow_of("  - both:\n      fork:\n        branches:\n          - a:\n              try:\n"
                  "                - claim: {call: 'do-none:1.0.0@script'}\n"
                  "              catch: {retry: {delay: PT10M, limit: {attempt: {count: 2, "
                  "duration: PT1M}}}}\n"
                  "          - b: {call: 'do-key:1.0.0@script'}\n"));
  const std::string id = rig_.send("test.start.v1", Json::object()).at(0);
  const auto end = [&](const std::string& action, const workflow::ActionOutcome& outcome) {
    EXPECT_TRUE(test::eventually([&] {
      const std::lock_guard lock(mutex_);
      for (ScriptedService::Call& call : open_) {
        if (call.action == action) return call.done(outcome), true;
      }
      return false;
    }));
  };
  ASSERT_TRUE(rig_.script().wait_for("do-none", 1));
  rig_.clock().advance_ms(60'001);
  rig_.engine().catch_up();
  ASSERT_TRUE(test::eventually([&] {
    return must(rig_.engine().instance(id))["timeline"].dump().find("\"effect\"") !=
           std::string::npos;
  }));
  end("do-key", failed(OutcomeKind::permanent, "vendor.refused"));
  ASSERT_TRUE(test::eventually([&] { return waits(id).string_or("ending", "") == "faulted"; }));
  end("do-none", done());
  ASSERT_EQ(rig_.wait_status(id, "faulted"), "faulted");
  rig_.script().on("do-none", {});
  rig_.script().on("do-key", {});
  const Status retried = rig_.engine().retry(id, "user:test", "the vendor is back");
  ASSERT_TRUE(retried.ok()) << retried.error().message;
  ASSERT_EQ(rig_.wait_status(id, "parked"), "parked");
  EXPECT_TRUE(waits(id).bool_or("letGo", false));
  ASSERT_TRUE(rig_.engine().resolve(id, done(), "user:test", "the payer has it").ok());
  rig_.advance_ms(600'001);
  EXPECT_EQ(rig_.wait_status(id, "completed"), "completed");
  EXPECT_EQ(rig_.script().count("do-none"), 1U);
}

// The repeat was turned away; what the first one did is as unknown as before.
TEST_F(LetGo, ARepeatThatDidNothingLeavesTheEffectUnknown) {
  const std::string id = begin(workflow_of(call_of("do-key")), "do-key");
  answer(failed(OutcomeKind::ambiguous, "vendor.silent"));
  ASSERT_TRUE(test::eventually([&] {
    rig_.clock().advance_ms(60'000);
    rig_.engine().catch_up();
    const std::lock_guard lock(mutex_);
    return !open_.empty();
  }));
  cancel(id);
  answer(failed(OutcomeKind::transient, "vendor.busy"));
  ASSERT_EQ(rig_.wait_status(id, "parked"), "parked");
  EXPECT_EQ(effect(id), "unknown");
  ASSERT_TRUE(rig_.engine().resolve(id, done(), "user:test", "the payer has it").ok());
  EXPECT_EQ(rig_.wait_status(id, "cancelled"), "cancelled");
  EXPECT_EQ(effect(id), "stands");
}

TEST_F(LetGo, AnUnknownEffectIsParkedWhileTheWorkflowGoesOnAndItsEndWaits) {
  const std::string id = begin(
      workflow_of("  - t:\n      try:\n        - claim: {call: 'do-key:1.0.0@script', timeout: "
                  "{after: PT1M}}\n      catch: {}\n"
                  "  - after: {call: 'do-native:1.0.0@script'}\n"),
      "do-key");
  rig_.clock().advance_ms(60'001);
  rig_.engine().catch_up();
  ASSERT_TRUE(rig_.script().wait_for("do-native", 1)) << "nobody waits for the first";
  answer(failed(OutcomeKind::ambiguous, "vendor.silent"));
  ASSERT_EQ(rig_.wait_status(id, "parked"), "parked");
  EXPECT_EQ(rig_.script().count("do-key"), 1U) << "it is not repeated to find out";
  ASSERT_TRUE(rig_.engine().resolve(id, done(), "user:test", "the payer has it").ok());
  EXPECT_EQ(rig_.wait_status(id, "completed"), "completed");
}

// The business key is taken until the end; what came meanwhile starts the next instance then.
TEST_F(LetGo, AStartEventThatComesMeanwhileStartsTheNextInstanceAfterTheEnd) {
  const std::string id =
      begin(workflow_of("  - t:\n      try:\n        - claim: {call: 'do-key:1.0.0@script', "
                        "timeout: {after: PT1M}}\n      catch: {}\n",
                        ", metadata: {rabt: {businessKey: '${ .k }', unheard: start}}"),
            "do-key");
  rig_.clock().advance_ms(60'001);
  rig_.engine().catch_up();
  ASSERT_TRUE(test::eventually([&] { return waits(id).string_or("ending", "") == "completed"; }));
  EXPECT_EQ(rig_.send("test.start.v1", Json::object({{"k", "A-1"}})).at(0), id);
  EXPECT_EQ(must(rig_.engine().instances({}, 10)).size(), 1U);
  rig_.script().on("do-key", {});
  answer(done());
  EXPECT_EQ(rig_.wait_status(id, "completed"), "completed");
  EXPECT_TRUE(test::eventually([&] {
    rig_.engine().catch_up();
    return must(rig_.engine().instances({}, 10)).size() == 2;
  }));
}

// A cancel decides about what came until then, not about what comes while its end waits for a call.
TEST_F(LetGo, AStartEventThatComesAfterACancelStartsTheNextInstance) {
  const std::string id =
      begin(workflow_of(call_of("do-key"),
                        ", metadata: {rabt: {businessKey: '${ .k }', unheard: start}}"),
            "do-key");
  cancel(id);
  ASSERT_EQ(waits(id).string_or("ending", ""), "cancelled");
  rig_.clock().advance_ms(1000);
  EXPECT_EQ(rig_.send("test.start.v1", Json::object({{"k", "A-1"}})).at(0), id);
  rig_.script().on("do-key", {});
  answer(done());
  EXPECT_EQ(rig_.wait_status(id, "cancelled"), "cancelled");
  EXPECT_TRUE(test::eventually([&] {
    rig_.engine().catch_up();
    return must(rig_.engine().instances({}, 10)).size() == 2;
  }));
}

}  // namespace
}  // namespace rabt::engine::let_go_test
