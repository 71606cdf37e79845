#include <gtest/gtest.h>

#include <set>

#include "tests/engine/rig.hpp"

// metadata.rabt.onFailure: a call that failed for good waits for a person before any catch runs.
namespace rabt::engine::ask_test {
namespace {

using workflow::OutcomeKind;

std::string workflow_of(const std::string& call, const std::string& metadata = {}) {
  return "document: {dsl: '1.0.3', namespace: test, name: sample, version: '1.0.0'" + metadata +
         "}\nschedule: {on: {one: {with: {type: test.start.v1}}}}\ninput: {from: '${ .[0].data "
         "}'}\ndo:\n  - pay:\n      try:\n        - charge:\n            " +
         call +
         "\n      catch:\n        as: failure\n        do:\n"
         "          - sorry: {call: 'do-native:1.0.0@script', with: {failed: '${ $failure.title "
         "}'}}\n";
}
const std::string kAsks =
    "call: do-key:1.0.0@script\n            with: {n: '${ .n }'}\n            metadata: {rabt: "
    "{onFailure: ask}}";

void refuse(Rig& rig, OutcomeKind kind = OutcomeKind::permanent) {
  rig.script().on(
      "do-key", [kind](ScriptedService::Call call) { call.done(failed(kind, "vendor.refused")); });
}
std::string parked(Rig& rig, const std::string& yaml) {
  rig.deploy(yaml);
  std::string id = rig.send("test.start.v1", Json::object({{"n", 3}})).at(0);
  EXPECT_EQ(rig.wait_status(id, "parked"), "parked");
  return id;
}

TEST(Ask, ARefusedCallParksBeforeItsCatchAndIsMadeAgainWithTheSameKey) {
  Rig rig;
  refuse(rig);
  const std::string id = parked(rig, workflow_of(kAsks));
  EXPECT_EQ(rig.script().count("do-native"), 0U) << "the catch waits";
  const Json shown = rig.engine().instance(id).value();
  EXPECT_EQ(shown.string_or("parked", ""), "script/do-key");
  EXPECT_EQ(shown["timeline"][1].string_or("state", ""), "parked") << shown.dump_pretty();
  EXPECT_EQ(shown["timeline"][1]["failure"].string_or("code", ""), "vendor.refused");
  rig.settle();
  EXPECT_EQ(rig.engine().stats().parked, 1U);
  // It fails once more, and is asked about once more; also over a crash.
  ASSERT_TRUE(rig.engine().send_again(id, "user:test", "corrected").ok());
  ASSERT_TRUE(rig.script().wait_for("do-key", 2));
  ASSERT_EQ(rig.wait_status(id, "parked"), "parked");
  rig.crash();
  rig.script().on("do-key", [](ScriptedService::Call call) { call.done(done(call.arguments)); });
  rig.start();
  ASSERT_TRUE(rig.engine().drain(60'000));
  ASSERT_EQ(rig.status(id), "parked");
  EXPECT_EQ(rig.script().count("do-key"), 2U) << "a start does not send it";
  ASSERT_TRUE(rig.engine().send_again(id, "user:test", "the payer is back").ok());
  ASSERT_EQ(rig.wait_status(id, "completed"), "completed");
  EXPECT_EQ(rig.output(id), Json::object({{"n", 3}}));
  const auto keys = rig.script().keys("do-key");
  ASSERT_EQ(keys.size(), 3U);
  EXPECT_EQ(std::set<std::string>(keys.begin(), keys.end()).size(), 1U);
}

TEST(Ask, AnAnswerOfAPersonIsTheOutputOfTheTask) {
  Rig rig;
  refuse(rig);
  const std::string id = parked(rig, workflow_of(kAsks));
  ASSERT_TRUE(
      rig.engine().resolve(id, done(Json::object({{"claim", 9}})), "user:test", "by phone").ok());
  ASSERT_EQ(rig.wait_status(id, "completed"), "completed");
  EXPECT_EQ(rig.output(id), Json::object({{"claim", 9}}));
  EXPECT_EQ(rig.script().count("do-key"), 1U);
  EXPECT_EQ(rig.script().count("do-native"), 0U);
}

// The mark stands at the task and its node, also after a crash; an action that answered itself in
// the end has none.
TEST(Ask, TheTimelineAndTheGraphSayThatAPersonAnswered) {
  Rig rig;
  refuse(rig);
  const auto entry = [&rig](const std::string& id) {
    return rig.engine().instance(id).value()["timeline"][1];
  };
  const auto marked = [&rig](const std::string& id) {
    std::vector<std::string> nodes;
    const Json graph = rig.engine().instance_graph(id).value();
    for (const Json& node : graph["nodes"].as_array()) {
      if (node.bool_or("byPerson", false)) nodes.push_back(node.string_or("label", ""));
    }
    return nodes;
  };
  const std::string id = parked(rig, workflow_of(kAsks));
  EXPECT_EQ(entry(id)["call"].find("decidedBy"), nullptr);
  EXPECT_TRUE(marked(id).empty());
  ASSERT_TRUE(
      rig.engine().resolve(id, done(Json::object({{"claim", 9}})), "user:test", "by phone").ok());
  ASSERT_EQ(rig.wait_status(id, "completed"), "completed");
  rig.settle();
  rig.crash();
  rig.start();
  EXPECT_EQ(entry(id).string_or("state", ""), "completed") << entry(id).dump_pretty();
  EXPECT_EQ(entry(id)["call"].string_or("decidedBy", ""), "user:test") << entry(id).dump_pretty();
  ASSERT_EQ(marked(id).size(), 1U);
  EXPECT_EQ(marked(id)[0].find("charge"), 0U) << marked(id)[0];

  const std::string again = rig.send("test.start.v1", Json::object({{"n", 4}})).at(0);
  ASSERT_EQ(rig.wait_status(again, "parked"), "parked");
  rig.script().on("do-key", [](ScriptedService::Call call) { call.done(done(call.arguments)); });
  ASSERT_TRUE(rig.engine().send_again(again, "user:test", "the payer is back").ok());
  ASSERT_EQ(rig.wait_status(again, "completed"), "completed");
  EXPECT_EQ(entry(again)["call"].find("decidedBy"), nullptr) << entry(again).dump_pretty();
  EXPECT_TRUE(marked(again).empty());
}

TEST(Ask, LetFailTheErrorOfTheCallReachesTheCatch) {
  Rig rig;
  refuse(rig);
  const std::string id = parked(rig, workflow_of(kAsks));
  const auto answer = [&](OutcomeKind kind) {
    return rig.engine().resolve(id, failed(kind, "operator.decision"), "user:test", "no use");
  };
  EXPECT_EQ(answer(OutcomeKind::transient).error().code, "engine.answer");
  ASSERT_EQ(rig.status(id), "parked");
  ASSERT_TRUE(answer(OutcomeKind::permanent).ok());
  ASSERT_EQ(rig.wait_status(id, "completed"), "completed");
  EXPECT_EQ(rig.output(id).string_or("failed", ""), "vendor.refused") << "not operator.decision";
}

TEST(Ask, RetriesComeFirst) {
  Rig rig;
  refuse(rig, OutcomeKind::transient);
  rig.deploy(
      "document: {dsl: '1.0.3', namespace: test, name: sample, version: '1.0.0', metadata: {rabt: "
      "{onFailure: ask}}}\nschedule: {on: {one: {with: {type: test.start.v1}}}}\ndo:\n"
      "  - pay:\n      try:\n        - charge: {call: 'do-key:1.0.0@script', with: {n: 1}}\n"
      "      catch: {retry: {delay: {seconds: 1}, limit: {attempt: {count: 2}}}}\n");
  const std::string id = rig.send("test.start.v1", Json::object()).at(0);
  for (std::size_t i = 1; i <= 2; ++i) {
    ASSERT_TRUE(rig.script().wait_for("do-key", i));
    ASSERT_EQ(rig.wait_status(id, "waiting"), "waiting");
    rig.clock().advance_ms(1000);
    rig.engine().catch_up();
  }
  ASSERT_TRUE(rig.script().wait_for("do-key", 3));
  ASSERT_EQ(rig.wait_status(id, "parked"), "parked");
  ASSERT_TRUE(rig.engine()
                  .resolve(id, failed(OutcomeKind::permanent, "operator.decision"), "user:test", "")
                  .ok());
  EXPECT_EQ(rig.wait_status(id, "faulted"), "faulted");
  // An instance that an operator let fail can be retried from the last attempt of the call.
  rig.script().on("do-key", [](ScriptedService::Call call) { call.done(done(call.arguments)); });
  rig.settle();
  ASSERT_TRUE(rig.engine().retry(id, "user:test", "the payer is back").ok());
  EXPECT_EQ(rig.wait_status(id, "completed"), "completed");
}

TEST(Ask, ATaskCanLeaveWhatTheDocumentAsksFor) {
  Rig rig;
  refuse(rig);
  rig.deploy(
      workflow_of("call: do-key:1.0.0@script\n            with: {n: 1}\n            "
                  "metadata: {rabt: {onFailure: fail}}",
                  ", metadata: {rabt: {onFailure: ask}}"));
  const std::string id = rig.send("test.start.v1", Json::object()).at(0);
  EXPECT_EQ(rig.wait_status(id, "completed"), "completed");
  EXPECT_EQ(rig.script().count("do-native"), 1U);
}

TEST(Ask, ACallWhoseEffectIsUnknownCanBeSentAgain) {
  Rig rig;
  rig.script().on("do-none", [](ScriptedService::Call call) {
    call.done(failed(OutcomeKind::ambiguous, "vendor.silent"));
  });
  rig.deploy(workflow_of("call: do-none:1.0.0@script\n            with: {n: 3}"));
  const std::string id = rig.send("test.start.v1", Json::object()).at(0);
  ASSERT_EQ(rig.wait_status(id, "parked"), "parked");
  rig.script().on("do-none", [](ScriptedService::Call call) { call.done(done(call.arguments)); });
  ASSERT_TRUE(rig.engine().send_again(id, "user:test", "the bank has nothing").ok());
  EXPECT_EQ(rig.wait_status(id, "completed"), "completed");
  const auto keys = rig.script().keys("do-none");
  ASSERT_EQ(keys.size(), 2U);
  EXPECT_EQ(keys[0], keys[1]);
}

TEST(Ask, AFailureThatMayHaveTakenEffectSaysSoAlsoAfterACrash) {
  for (const auto kind : {OutcomeKind::ambiguous, OutcomeKind::permanent}) {
    Rig rig;
    refuse(rig, kind);
    rig.deploy(workflow_of(kAsks));
    const std::string id = rig.send("test.start.v1", Json::object({{"n", 3}})).at(0);
    rig.settle();
    // An answer that leaves the effect open is asked for again first.
    for (int i = 0; i < 50 && rig.status(id) != "parked"; ++i) rig.advance_ms(60'000);
    ASSERT_EQ(rig.status(id), "parked");
    const bool doubtful = kind == OutcomeKind::ambiguous;
    EXPECT_EQ(rig.engine().parked_call(id).value().failed, true);
    EXPECT_EQ(rig.engine().parked_call(id).value().doubtful, doubtful);
    rig.crash();
    rig.start();
    EXPECT_EQ(rig.engine().parked_call(id).value().doubtful, doubtful);
  }
}

TEST(Ask, AnInstanceThatAsksIsCancelled) {
  Rig rig;
  refuse(rig);
  const std::string id = parked(rig, workflow_of(kAsks));
  ASSERT_TRUE(rig.engine().cancel(id, "user:test", "booked twice").ok());
  EXPECT_EQ(rig.wait_status(id, "cancelled"), "cancelled");
  EXPECT_EQ(rig.engine().send_again(id, "user:test", "late").error().code, "engine.not_parked");
}

TEST(Ask, FailuresOfTwoBranchesAreAskedAboutOneAfterTheOther) {
  Rig rig;
  refuse(rig);
  rig.deploy(
      "document: {dsl: '1.0.3', namespace: test, name: sample, version: '1.0.0', metadata: {rabt: "
      "{onFailure: ask}}}\nschedule: {on: {one: {with: {type: test.start.v1}}}}\ndo:\n"
      "  - both:\n      fork:\n        branches:\n"
      "          - a: {call: 'do-key:1.0.0@script', with: {n: 1}}\n"
      "          - b: {call: 'do-key:1.0.0@script', with: {n: 2}}\n");
  const std::string id = rig.send("test.start.v1", Json::object()).at(0);
  ASSERT_EQ(rig.wait_status(id, "parked"), "parked");
  rig.settle();
  rig.crash();
  rig.start();
  ASSERT_TRUE(rig.engine().drain(60'000));
  for (const char* answer : {"a", "b"}) {
    ASSERT_EQ(rig.status(id), "parked");
    ASSERT_TRUE(rig.engine().resolve(id, done(Json(answer)), "user:test", "by phone").ok());
  }
  ASSERT_EQ(rig.wait_status(id, "completed"), "completed");
  EXPECT_EQ(rig.output(id), Json::array({Json("a"), Json("b")}));
}

}  // namespace
}  // namespace rabt::engine::ask_test
