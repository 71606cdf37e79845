#include <gtest/gtest.h>

#include <future>

#include "hub/engine/receipt.hpp"
#include "tests/engine/rig.hpp"
#include "tests/recording_logger.hpp"

// Status of an instance that is compensated, that waits for a person, or that the hub cannot
// run.
namespace rabt::engine::status_test {
namespace {

using workflow::ActionOutcome;
using workflow::OutcomeKind;

std::string workflow_of(const std::string& tasks, const std::string& more = {}) {
  return "document: {dsl: '1.0.3', namespace: test, name: sample, version: '1.0.0'}\n"
         "schedule: {on: {one: {with: {type: test.start.v1}}}}\ninput: {from: '${ .[0].data }'}\n" +
         more + "do:\n" + tasks;
}
// A task that was done and can be undone, then one that the test ends.
const std::string kUndone =
    "  - book:\n      call: do-key:1.0.0@script\n      with: {n: 1}\n"
    "      metadata: {rabt: {compensate: {call: 'undo:1.0.0@script', with: {n: 1}}}}\n"
    "  - fail: {raise: {error: {type: 'https://x.example/no', status: 418, title: No}}}\n";

TEST(StatusOf, AnInstanceThatIsUndoneRunsUntilThatIsOverAlsoAfterACrash) {
  Rig rig;
  rig.script().on("undo", [](ScriptedService::Call) {});  // no answer before the crash
  rig.deploy(workflow_of(kUndone));
  const std::string id = rig.send("test.start.v1", Json::object()).at(0);
  ASSERT_TRUE(rig.script().wait_for("undo", 1));
  EXPECT_EQ(rig.status(id), "running");
  const Json timeline = rig.engine().instance(id).value()["timeline"];
  EXPECT_EQ(timeline[1].string_or("state", ""), "faulted") << "what went wrong shows already";
  // It is asked to stop meanwhile: it ends as what it was, and undoing goes on.
  ASSERT_TRUE(rig.engine().cancel(id, "user:test", "impatient").ok());
  EXPECT_EQ(rig.status(id), "running");
  rig.crash();
  std::promise<ScriptedService::Call> open;
  rig.script().on("undo", [&open](ScriptedService::Call call) { open.set_value(std::move(call)); });
  rig.start();
  ScriptedService::Call call = open.get_future().get();
  EXPECT_EQ(rig.status(id), "running");
  call.done(done());
  EXPECT_EQ(rig.wait_status(id, "faulted"), "faulted");
  EXPECT_EQ(rig.engine().instance(id).value()["error"].int_or("status", 0), 418);
  const auto keys = rig.script().keys("undo");
  ASSERT_EQ(keys.size(), 2U);
  EXPECT_EQ(keys[0], keys[1]);
}

TEST(StatusOf, ATitleThatAnExpressionMadeShowsOnlyWithTheData) {
  Rig rig;
  rig.deploy(workflow_of(
      "  - fail: {raise: {error: {type: 'https://x.example/no', status: 418, title: '${ \"not "
      "for \" + .name }'}}}\n"));
  const std::string id = rig.send("test.start.v1", Json::object({{"name", "Layla"}})).at(0);
  ASSERT_EQ(rig.wait_status(id, "faulted"), "faulted");
  const Json shown = rig.engine().instance(id).value();
  EXPECT_EQ(shown.dump().find("Layla"), std::string::npos) << shown.dump_pretty();
  EXPECT_EQ(shown["error"].string_or("type", ""), "https://x.example/no");
  EXPECT_EQ(shown["error"].int_or("status", 0), 418);
  const Json whole = rig.engine().instance(id, admitted).value();
  EXPECT_EQ(whole["error"].string_or("title", ""), "not for Layla");
}

TEST(StatusOf, AnInstanceWhoseUndoingWaitsForAnotherTryIsWaitingAndNotFaultedYet) {
  Rig rig;
  int tries = 0;
  rig.script().on("undo", [&tries](ScriptedService::Call call) {
    call.done(++tries == 1 ? failed(OutcomeKind::transient, "vendor.away") : done());
  });
  rig.deploy(workflow_of(kUndone));
  const std::string id = rig.send("test.start.v1", Json::object()).at(0);
  ASSERT_TRUE(rig.script().wait_for("undo", 1));
  EXPECT_EQ(rig.wait_status(id, "waiting"), "waiting");
  rig.clock().advance_ms(10'001);
  EXPECT_EQ(rig.wait_status(id, "faulted"), "faulted");
  const Json timeline = rig.engine().instance(id).value()["timeline"];
  ASSERT_EQ(timeline.size(), 3U) << timeline.dump_pretty();
  EXPECT_EQ(timeline[2].string_or("kind", ""), "compensate");
  EXPECT_EQ(timeline[2].string_or("task", ""), "book");
  EXPECT_EQ(timeline[2].string_or("state", ""), "compensated");
  EXPECT_EQ(timeline[2].int_or("attempts", 0), 2);
}

// The outcome of the instance's call is unknown, and cancelling does not settle it.
TEST(StatusOf, AParkedInstanceThatIsCancelledIsCancelledWhenItsCallIsAnswered) {
  Rig rig;
  rig.script().on("do-none", [](ScriptedService::Call call) {
    call.done(failed(OutcomeKind::ambiguous, "vendor.silent"));
  });
  rig.deploy(workflow_of("  - work: {call: 'do-none:1.0.0@script', with: {n: 1}}\n"));
  const std::string id = rig.send("test.start.v1", Json::object()).at(0);
  ASSERT_EQ(rig.wait_status(id, "parked"), "parked");
  ASSERT_TRUE(rig.engine().cancel(id, "user:test", "no longer needed").ok());
  EXPECT_EQ(rig.status(id), "parked");
  ASSERT_TRUE(rig.engine()
                  .resolve(id, failed(OutcomeKind::permanent, "no.such"), "user:test", "not there")
                  .ok());
  EXPECT_EQ(rig.wait_status(id, "cancelled"), "cancelled");
  EXPECT_EQ(rig.engine().instances({.states = {"parked"}}, 10)->size(), 0U);
  EXPECT_EQ(rig.engine().resolve(id, done(), "user:test", "late").error().code,
            "engine.not_parked");
  rig.crash();
  rig.start();
  EXPECT_EQ(rig.status(id), "cancelled");
}

// Symptom: an operator's misspelt decision about a claim closed the visit without one.
// Cause: whatever stood in the answer of a parked call was taken for what the action gave.
// Here: the answer has to fit the action's output schema and the words that its call names.
TEST(StatusOf, AnAnswerThatIsNotAmongWhatIsAskedIsRefusedAndTheCallStaysParked) {
  Rig rig;
  rig.script().on("choose", [](ScriptedService::Call call) {
    call.done(failed(OutcomeKind::ambiguous, "vendor.silent"));
  });
  rig.deploy(
      workflow_of("  - work: {call: 'choose:1.0.0@script', with: {words: [claim, skip]}}\n"));
  const std::string id = rig.send("test.start.v1", Json::object()).at(0);
  ASSERT_EQ(rig.wait_status(id, "parked"), "parked");
  const auto answer = [&](const Json& output) {
    return rig.engine().resolve(id, done(output), "user:test", "seen");
  };
  const auto misspelt = answer(Json::object({{"word", "clam"}}));
  ASSERT_FALSE(misspelt.ok());
  EXPECT_EQ(misspelt.error().code, "engine.answer");
  EXPECT_NE(misspelt.error().message.find("output/word must be one of claim, skip"),
            std::string::npos)
      << misspelt.error().message;
  EXPECT_EQ(misspelt.error().message.find("clam,"), std::string::npos) << "no word of his is told";
  EXPECT_FALSE(answer(Json()).ok());
  EXPECT_FALSE(answer(Json::object({{"Word", "claim"}})).ok());
  rig.crash();
  rig.start();
  ASSERT_TRUE(rig.engine().drain(60'000));
  EXPECT_EQ(rig.status(id), "parked");
  EXPECT_FALSE(answer(Json::object({{"word", "clam"}})).ok());
  ASSERT_TRUE(answer(Json::object({{"word", "skip"}})).ok());
  EXPECT_EQ(rig.wait_status(id, "completed"), "completed");
}

TEST(StatusOf, SeveralCallsThatWaitForAPersonAreDecidedOneAfterTheOther) {
  Rig rig;
  rig.script().on("do-none", [](ScriptedService::Call call) {
    call.done(failed(OutcomeKind::ambiguous, "vendor.silent"));
  });
  std::string branches;
  for (const char* name : {"a", "b", "c"})
    branches +=
        std::string("        - ") + name + ": {call: 'do-none:1.0.0@script', with: {n: 1}}\n";
  rig.deploy(workflow_of("  - both:\n      fork:\n        branches:\n" + branches));
  const std::string id = rig.send("test.start.v1", Json::object()).at(0);
  ASSERT_EQ(rig.wait_status(id, "parked"), "parked");
  ASSERT_TRUE(rig.script().wait_for("do-none", 3));
  ASSERT_TRUE(rig.engine().drain(60'000));
  const auto decide = [&](const char* answer) {
    return rig.engine().resolve(id, done(Json::object({{"v", answer}})), "user:test", "seen").ok();
  };
  ASSERT_TRUE(decide("first"));
  EXPECT_EQ(rig.status(id), "parked") << "two are open";
  rig.crash();
  rig.start();
  ASSERT_TRUE(rig.engine().drain(60'000));
  ASSERT_TRUE(decide("second"));
  EXPECT_EQ(rig.status(id), "parked") << "one is open";
  ASSERT_TRUE(decide("third"));
  EXPECT_EQ(rig.wait_status(id, "completed"), "completed");
  EXPECT_EQ(rig.script().count("do-none"), 3U) << "none was sent again";
}

// Its events, its start and its answers are kept; a person is told what is missing.
TEST(StatusOf, AnInstanceWhoseSecretIsMissingLosesNothing) {
  Rig rig;
  rig.crash();
  const std::map<std::string, std::shared_ptr<SecretBytes>> whole{
      {"token", std::make_shared<SecretBytes>(std::string_view("a secret of the test"))}};
  rig.secrets = whole;
  rig.start();
  rig.deploy(
      workflow_of("  - work: {call: 'do-key:1.0.0@script', with: {n: 1}}\n"
                  "  - hear: {listen: {to: {one: {with: {type: test.go.v1}}}}}\n",
                  "use: {secrets: [token]}\n"));
  const std::string waits = rig.send("test.start.v1", Json::object()).at(0);
  ASSERT_EQ(rig.wait_status(waits, "waiting"), "waiting");

  rig.crash();
  rig.secrets.clear();
  rig.start();
  rig.send("test.go.v1", Json::object());
  const std::string begun = rig.send("test.start.v1", Json::object()).at(0);
  ASSERT_TRUE(rig.engine().drain(60'000));
  EXPECT_EQ(rig.script().count("do-key"), 1U) << "nothing runs without its secret";
  for (const std::string& id : {waits, begun}) {
    EXPECT_EQ(rig.engine().cancel(id, "user:test", "x").error().code, "engine.secret");
    EXPECT_EQ(rig.engine().resolve(id, done(), "user:test", "x").error().code, "engine.secret");
    const auto shown = rig.engine().instance(id);
    ASSERT_FALSE(shown.ok());
    EXPECT_EQ(shown.error().code, "engine.secret");
    EXPECT_NE(shown.error().message.find("workflow_secrets: {token: {file: PATH}}"),
              std::string::npos);
  }
  EXPECT_EQ(rig.engine().instances({}, 10)->size(), 2U);

  rig.crash();
  rig.secrets = whole;
  rig.start();
  EXPECT_EQ(rig.wait_status(waits, "completed"), "completed") << "the event was kept";
  EXPECT_EQ(rig.wait_status(begun, "waiting"), "waiting");
}

// ---- why: what an operator sees without a reason, and with one

ActionOutcome refused_by_vendor() {
  ActionOutcome outcome;
  outcome.kind = OutcomeKind::permanent;
  outcome.code = "vendor.20404";
  outcome.message = "the vendor refused [withheld]";
  outcome.said = Sealed<std::string>("the vendor refused Layla");
  outcome.detail = Json::object({{"status", 404}});
  return outcome;
}

TEST(Why, TheCodesOfAVendorShowWithoutAReasonAndItsWordsWithOne) {
  Rig rig;
  test::RecordingLogger log;
  rig.log = &log;
  rig.crash();
  rig.start();
  rig.script().on("do-key", [](ScriptedService::Call call) { call.done(refused_by_vendor()); });
  // The workflow raises an error of its own afterwards.
  rig.deploy(workflow_of(
      "  - ask:\n      try:\n        - work: {call: 'do-key:1.0.0@script', with: {n: 1}}\n"
      "      catch:\n        do:\n"
      "          - stop: {raise: {error: {type: 'https://x.example/no', status: 418, "
      "title: No}}}\n"));
  const std::string id = rig.send("test.start.v1", Json::object()).at(0);
  ASSERT_EQ(rig.wait_status(id, "faulted"), "faulted");
  const auto failure_of = [](const Json& instance) {
    for (const Json& task : instance["timeline"].as_array()) {
      if (task.string_or("task", "") == "work") return task["failure"];
    }
    return Json();
  };
  EXPECT_EQ(
      failure_of(rig.engine().instance(id).value()).dump(),
      R"({"outcome":"permanent","code":"vendor.20404","message":"the vendor refused [withheld]"})");
  const Json whole = failure_of(rig.engine().instance(id, admitted).value());
  EXPECT_EQ(whole.string_or("message", ""), "the vendor refused Layla");
  EXPECT_EQ(whole["detail"].int_or("status", 0), 404);
  EXPECT_TRUE(log.comes("action.failed instance=" + id));
  EXPECT_TRUE(log.comes("code=vendor.20404"));
  EXPECT_TRUE(log.comes("instance.faulted instance=" + id +
                        " task=/do/0/ask/catch/do/0/stop error=https://x.example/no status=418 "
                        "title=No"));
  EXPECT_FALSE(log.has("Layla"));
}

// Symptom: the log line of a consultation that failed had an empty title. Cause: the workflow
// raises the caught error again, and a title that an expression gives was never shown, also when it
// is the code of the failed call.
TEST(Why, AnErrorThatIsRaisedAgainKeepsATitleThatHoldsNoData) {
  Rig rig;
  test::RecordingLogger log;
  rig.log = &log;
  rig.crash();
  rig.start();
  rig.script().on("do-key", [](ScriptedService::Call call) { call.done(refused_by_vendor()); });
  const auto faulted_by = [&](const std::string& raised) {
    rig.deploy(workflow_of(
        "  - ask:\n      try:\n        - work: {call: 'do-key:1.0.0@script', with: {n: 1}}\n"
        "      catch:\n        as: failure\n        do:\n          - stop: {raise: {error: " +
        raised + "}}\n"));
    const std::string id = rig.send("test.start.v1", Json::object()).at(0);
    EXPECT_EQ(rig.wait_status(id, "faulted"), "faulted");
    return rig.engine().instance(id).value()["error"].string_or("title", "");
  };
  EXPECT_EQ(faulted_by("{type: '${ $failure.type }', status: '${ $failure.status }', "
                       "title: '${ $failure.title }'}"),
            "vendor.20404");
  EXPECT_TRUE(log.comes("title=vendor.20404"));
}

TEST(Why, DeclaredCodesOfEventsAreInTheTimeline) {
  Rig rig;
  rig.deploy(
      workflow_of("  - keep: {set: {n: 1}}\n"
                  "  - hear: {listen: {to: {one: {with: {type: test.news.v1}}}}}\n"));
  const auto accepted = [&](const char* type, const char* codes) {
    Delivery delivery = rig.delivery(type, Json::object({{"who", "Layla"}}), type);
    delivery.events.front().set(kEventCodes, codes);
    ASSERT_TRUE(rig.engine().accept(delivery).ok());
    rig.settle();
  };
  accepted("test.start.v1", R"({"assumed":["coverage"]})");
  const std::string id = rig.engine().instances({}, 10)->at(0).id;
  ASSERT_EQ(rig.wait_status(id, "waiting"), "waiting");
  accepted("test.news.v1", R"({"kind":"late"})");
  ASSERT_EQ(rig.wait_status(id, "completed"), "completed");
  const Json shown = rig.engine().instance(id).value();
  EXPECT_EQ(shown["timeline"][0]["codes"].dump(), R"({"assumed":["coverage"]})");
  EXPECT_EQ(shown["timeline"][1]["codes"].dump(), R"({"kind":"late"})");
  EXPECT_EQ(shown.dump().find("Layla"), std::string::npos);
}

TEST(Why, DeclaredCodesOfAnAnswerAreInTheTimelineTheLogAndTheAuditLog) {
  Rig rig;
  test::RecordingLogger log;
  rig.log = &log;
  rig.crash();
  rig.start();
  rig.script().on("do-key", [](ScriptedService::Call call) {
    ActionOutcome outcome = done(Json::object({{"adjudication", "rejected"}, {"who", "Layla"}}));
    outcome.codes = Json::object(
        {{"adjudication", "rejected"}, {"errors.code", Json::array({"BV-00027", "IC-00001"})}});
    call.done(std::move(outcome));
  });
  rig.deploy(workflow_of("  - work: {call: 'do-key:1.0.0@script', with: {n: 1}}\n"));
  const std::string id = rig.send("test.start.v1", Json::object()).at(0);
  ASSERT_EQ(rig.wait_status(id, "completed"), "completed");
  const Json shown = rig.engine().instance(id).value();
  EXPECT_EQ(shown["timeline"][0]["codes"].dump(),
            R"({"adjudication":"rejected","errors.code":["BV-00027","IC-00001"]})");
  EXPECT_EQ(shown.dump().find("Layla"), std::string::npos);
  EXPECT_TRUE(log.comes(
      "action=do-key codes=adjudication=rejected errors.code=BV-00027 errors.code=IC-00001"));
  std::string acts;
  ASSERT_TRUE(rig.store()
                  .read([&](store::Connection& connection) {
                    return connection.query(store::Statement{"SELECT canonical FROM audit"}, {},
                                            [&](const store::Row& row) {
                                              acts += row.text(0);
                                              return true;
                                            });
                  })
                  .ok());
  EXPECT_NE(acts.find(R"("codes":{"adjudication":"rejected")"), std::string::npos);
}

TEST(Why, ATaskThatFaultsWithoutACallHasALine) {
  Rig rig;
  test::RecordingLogger log;
  rig.log = &log;
  rig.crash();
  rig.start();
  rig.deploy(workflow_of(
      "  - ask:\n      try:\n        - stop: {raise: {error: {type: 'https://x.example/no', "
      "status: 418, title: No}}}\n      catch: {do: [{go: {set: {a: 1}}}]}\n"));
  const std::string id = rig.send("test.start.v1", Json::object()).at(0);
  ASSERT_EQ(rig.wait_status(id, "completed"), "completed");
  EXPECT_TRUE(log.comes("task.faulted instance=" + id +
                        " task=/do/0/ask/try/0/stop error=https://x.example/no 418: No"));
  EXPECT_FALSE(log.has("instance.faulted"));
  EXPECT_EQ(rig.engine().stats().task_faults, 1U);
}

}  // namespace
}  // namespace rabt::engine::status_test
