#include <gtest/gtest.h>

#include "tests/engine/rig.hpp"

// Instances that a person starts, and starts again from the beginning.
namespace rabt::engine::by_hand_test {
namespace {

using workflow::OutcomeKind;

const Asked kAsked{"user:test", "the message was lost"};

std::string workflow_of(const std::string& version, const std::string& tasks,
                        const std::string& metadata = {}) {
  return "document: {dsl: '1.0.3', namespace: test, name: sample, version: '" + version + "'" +
         metadata +
         "}\nschedule: {on: {one: {with: {type: test.start.v1}}}}\n"
         "input: {from: '${ if type == \"array\" then .[0].data else . end }'}\ndo:\n" +
         tasks;
}
constexpr const char* kTwoCalls =
    "  - first: {call: 'do-key:1.0.0@script', with: {step: first, n: '${ .n }'}}\n"
    "  - second: {call: 'do-none:1.0.0@script', with: {step: second, n: '${ .n }'}}\n";

void answer(Rig& rig, const std::string& action) {
  rig.script().on(action, [](ScriptedService::Call call) { call.done(done(call.arguments)); });
}
void refuse(Rig& rig, const std::string& action) {
  rig.script().on(action, [](ScriptedService::Call call) {
    call.done(failed(OutcomeKind::permanent, "vendor.refused"));
  });
}
// An instance whose second call was refused.
std::string faulted(Rig& rig) {
  answer(rig, "do-key");
  refuse(rig, "do-none");
  rig.deploy(workflow_of("1.0.0", kTwoCalls));
  std::string id = rig.send("test.start.v1", Json::object({{"n", 7}})).at(0);
  EXPECT_EQ(rig.wait_status(id, "faulted"), "faulted");
  return id;
}

TEST(StartByHand, AnInstanceStartsWithTheInputThatWasGiven) {
  Rig rig;
  answer(rig, "do-key");
  answer(rig, "do-none");
  rig.deploy(workflow_of("1.0.0", kTwoCalls));
  const auto id = rig.engine().start({.name_space = {}, .name = "sample", .version = {}},
                                     Json::object({{"n", 3}}), kAsked);
  ASSERT_TRUE(id.ok()) << id.error().message;
  ASSERT_EQ(rig.wait_status(*id, "completed"), "completed");
  EXPECT_EQ(rig.output(*id).int_or("n", 0), 3);
}

TEST(StartByHand, WhatIsNotDeployedOrLivesAlreadyIsRefused) {
  Rig rig;
  const auto start = [&](const char* name, const char* version, Json input) {
    return rig.engine()
        .start({.name_space = {}, .name = name, .version = version}, std::move(input), kAsked)
        .error()
        .code;
  };
  EXPECT_EQ(start("sample", "", Json()), "engine.workflow");
  rig.deploy(workflow_of("1.0.0", "  - wait: {wait: {hours: 1}}\n",
                         ", metadata: {rabt: {businessKey: '${ .n }'}}"));
  EXPECT_EQ(start("sample", "9.0.0", Json()), "engine.workflow");
  const Json input = Json::object({{"n", 4}});
  ASSERT_TRUE(
      rig.engine()
          .start({.name_space = "test", .name = "sample", .version = "1.0.0"}, input, kAsked)
          .ok());
  EXPECT_EQ(start("sample", "", input), "engine.business_key_taken");
}

// Symptom: on a slow machine the instance did not complete. Cause: the crash came late, while the
// second call, which must not be repeated, was under way.
// No call is answered before the crash.
TEST(StartByHand, AStartSurvivesACrashBeforeItsFirstTurn) {
  Rig rig;
  rig.script().on("do-key", [](const ScriptedService::Call& /*call*/) {});
  rig.deploy(workflow_of("1.0.0", kTwoCalls));
  const auto id = rig.engine().start({.name_space = {}, .name = "sample", .version = {}},
                                     Json::object({{"n", 3}}), kAsked);
  rig.crash();
  answer(rig, "do-key");
  answer(rig, "do-none");
  rig.start();
  ASSERT_TRUE(id.ok());
  EXPECT_EQ(rig.wait_status(*id, "completed"), "completed");
}

TEST(Restart, MakesAllCallsOnceMoreUnderNewKeys) {
  Rig rig;
  const std::string old = faulted(rig);
  answer(rig, "do-none");
  const auto id = rig.engine().restart(old, "", 1, kAsked);
  ASSERT_TRUE(id.ok()) << id.error().message;
  EXPECT_NE(*id, old);
  ASSERT_EQ(rig.wait_status(*id, "completed"), "completed");
  EXPECT_EQ(rig.output(*id).int_or("n", 0), 7) << "with what the old one was started with";
  const auto keys = rig.script().keys("do-key");
  ASSERT_EQ(keys.size(), 2U);
  EXPECT_NE(keys[0], keys[1]);
  EXPECT_EQ(rig.engine().instance(*id).value().string_or("restartOf", ""), old);
  EXPECT_EQ(rig.engine().instance(old).value().string_or("restartedAs", ""), *id);
  EXPECT_EQ(rig.status(old), "faulted");
}

TEST(Restart, TheNumberOfEffectsThatStandHasToBeSaid) {
  Rig rig;
  const std::string old = faulted(rig);
  for (const std::int64_t wrong : {0, 2}) {
    const auto refused = rig.engine().restart(old, "", wrong, kAsked);
    ASSERT_FALSE(refused.ok());
    EXPECT_EQ(refused.error().code, "engine.restart_effects");
    EXPECT_NE(refused.error().message.find("1, first (script do-key)"), std::string::npos)
        << refused.error().message;
  }
}

TEST(Restart, WhatWasUndoneDoesNotStand) {
  Rig rig;
  answer(rig, "do-key");
  answer(rig, "undo");
  refuse(rig, "do-none");
  rig.deploy(workflow_of(
      "1.0.0",
      "  - first:\n      call: 'do-key:1.0.0@script'\n      with: {step: first}\n"
      "      metadata: {rabt: {compensate: {call: 'undo:1.0.0@script', with: {step: first}}}}\n"
      "  - second: {call: 'do-none:1.0.0@script', with: {step: second}}\n"));
  const std::string old = rig.send("test.start.v1", Json::object({{"n", 7}})).at(0);
  ASSERT_EQ(rig.wait_status(old, "faulted"), "faulted");
  const auto id = rig.engine().restart(old, "", 0, kAsked);
  EXPECT_TRUE(id.ok()) << id.error().message << rig.engine().instance(old).value().dump_pretty();
}

TEST(Restart, TakesTheActiveVersionOrTheOneThatIsNamed) {
  Rig rig;
  const std::string old = faulted(rig);
  rig.deploy(workflow_of("1.1.0", "  - nothing: {set: {n: 99}}\n"));
  const auto id = rig.engine().restart(old, "", 1, kAsked);
  ASSERT_TRUE(id.ok()) << id.error().message;
  ASSERT_EQ(rig.wait_status(*id, "completed"), "completed");
  EXPECT_EQ(rig.output(*id).int_or("n", 0), 99);
  const auto again = rig.engine().restart(*id, "1.0.0", 0, kAsked);
  ASSERT_TRUE(again.ok()) << again.error().message;
  EXPECT_EQ(rig.wait_status(*again, "faulted"), "faulted");
}

TEST(Restart, ComesOnceAndThenThereIsNoRetry) {
  Rig rig;
  const std::string old = faulted(rig);
  ASSERT_TRUE(rig.engine().restart(old, "", 1, kAsked).ok());
  EXPECT_EQ(rig.engine().restart(old, "", 1, kAsked).error().code, "engine.restarted");
  EXPECT_EQ(rig.engine().retry(old, "user:test", "again").error().code, "engine.restarted");
}

TEST(Restart, OnlyWhatHasEndedAndWasNotStartedByAnother) {
  Rig rig;
  rig.script().on("do-key", [](const ScriptedService::Call& /*call*/) {});
  rig.deploy(workflow_of("1.0.0", kTwoCalls));
  const std::string runs = rig.send("test.start.v1", Json::object({{"n", 7}})).at(0);
  ASSERT_TRUE(rig.script().wait_for("do-key", 1));
  EXPECT_EQ(rig.engine().restart(runs, "", 0, kAsked).error().code, "engine.not_ended");
  EXPECT_EQ(rig.engine().restart("01K00000000000000000000000", "", 0, kAsked).error().code,
            "engine.instance");
}

TEST(Restart, TheRestartedOneKeepsTheBusinessKeyToItself) {
  Rig rig;
  answer(rig, "do-key");
  refuse(rig, "do-none");
  rig.deploy(workflow_of("1.0.0", kTwoCalls, ", metadata: {rabt: {businessKey: '${ .n }'}}"));
  const std::string old = rig.send("test.start.v1", Json::object({{"n", 7}})).at(0);
  ASSERT_EQ(rig.wait_status(old, "faulted"), "faulted");
  rig.script().on("do-none", [](const ScriptedService::Call& /*call*/) {});
  const std::string other = rig.send("test.start.v1", Json::object({{"n", 7}}), "second").at(0);
  ASSERT_TRUE(rig.script().wait_for("do-none", 2));
  const auto refused = rig.engine().restart(old, "", 1, kAsked);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, "engine.business_key_taken");
  EXPECT_NE(refused.error().message.find(other), std::string::npos);
}

}  // namespace
}  // namespace rabt::engine::by_hand_test
