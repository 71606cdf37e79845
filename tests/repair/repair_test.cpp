#include <gtest/gtest.h>

#include <algorithm>
#include <future>
#include <set>

#include "tests/engine/rig.cpp"  // NOLINT(bugprone-suspicious-include): built into this program
#include "tests/repair/rig.hpp"

// One act on many instances: previewed, fixed by a digest, done once each.
namespace rabt::repair::repair_test {
namespace {

using engine::ScriptedService;

TEST(Repair, APreviewSaysWhatIsSentAgainAndDoesNothing) {
  Rig rig;
  (void)rig.faulted(4);
  const std::size_t calls = rig.engine.script().count();
  const auto job = rig.preview("retry");
  ASSERT_TRUE(job.ok()) << job.error().message;
  EXPECT_EQ(job->total, 4);
  EXPECT_FALSE(job->more);
  ASSERT_EQ(job->effects["sent"].size(), 1U);
  EXPECT_EQ(job->effects["sent"][0].dump_sorted(),
            R"({"action":"do-key","count":4,"role":"script","withoutKey":0})");
  for (int i = 0; i < 5; ++i) rig.second();
  EXPECT_EQ(rig.engine.script().count(), calls);
  EXPECT_EQ(rig.counts(job->id)[ItemState::open], 4);
}

TEST(Repair, CallsWithoutAKeyAreCounted) {
  Rig rig;
  rig.engine.deploy(
      "document: {dsl: '1.0.3', namespace: test, name: pay, version: '1.0.0'}\n"
      "schedule: {on: {one: {with: {type: test.pay.v1}}}}\ndo:\n"
      "  - pay: {call: 'do-none:1.0.0@script'}\n");
  rig.engine.script().on("do-none", [](ScriptedService::Call call) {
    call.done(engine::failed(workflow::OutcomeKind::permanent, "bank.away"));
  });
  const std::string id = rig.engine.send("test.pay.v1", Json::object()).at(0);
  ASSERT_EQ(rig.engine.wait_status(id, "faulted"), "faulted");
  const Job job = must(rig.preview("retry"));
  EXPECT_EQ(job.effects["sent"][0].int_or("withoutKey", -1), 1) << job.effects.dump();
}

TEST(Repair, TheFirstThreeAreActedOnAndThenTheJobWaits) {
  Rig rig;
  const auto ids = rig.faulted(6);
  rig.payer_up();
  const Job job = must(rig.preview("retry"));
  must(rig.run(job, 3));
  const Job waits = rig.end_of(job.id, 20);
  EXPECT_EQ(waits.state, JobState::waiting);
  EXPECT_EQ(rig.counts(job.id)[ItemState::well], 3);
  for (std::size_t i = 0; i < ids.size(); ++i)
    EXPECT_EQ(rig.engine.status(ids[i]), i < 3 ? "completed" : "faulted") << "the oldest first";
  for (int i = 0; i < 5; ++i) rig.second();
  EXPECT_EQ(rig.counts(job.id)[ItemState::well], 3) << "it waits";
  must(rig.repairs().go(rig.caller, job.id, ""));
  EXPECT_EQ(rig.end_of(job.id).state, JobState::done);
  EXPECT_EQ(rig.counts(job.id)[ItemState::well], 6);
}

TEST(Repair, AJobThatMayGoesOnWhenTheFirstAllEndedWell) {
  Rig rig;
  (void)rig.faulted(5);
  rig.payer_up();
  const Job job = must(rig.preview("retry"));
  must(rig.run(job, 2, true));
  EXPECT_EQ(rig.end_of(job.id).state, JobState::done);
  EXPECT_EQ(rig.counts(job.id)[ItemState::well], 5);
}

TEST(Repair, AJobThatMayGoOnWaitsWhenOneOfTheFirstFailed) {
  Rig rig;
  (void)rig.faulted(5);
  const Job job = must(rig.preview("retry"));
  must(rig.run(job, 2, true));
  EXPECT_EQ(rig.end_of(job.id, 20).state, JobState::waiting);
  EXPECT_EQ(rig.counts(job.id)[ItemState::failed], 2);
  EXPECT_EQ(rig.counts(job.id)[ItemState::open], 3);
}

TEST(Repair, FiveFailuresInARowStopTheJob) {
  Rig rig;
  (void)rig.faulted(20);
  const Job job = must(rig.preview("retry"));
  must(rig.run(job));
  const Job stopped = rig.end_of(job.id);
  EXPECT_EQ(stopped.state, JobState::stopped);
  EXPECT_EQ(stopped.why, "failures");
  EXPECT_GE(rig.counts(job.id)[ItemState::failed], kMaxFailures);
  EXPECT_GE(rig.counts(job.id)[ItemState::open], 20 - kMaxFailures - kInFlight);
  EXPECT_EQ(must(rig.repairs().rows().items(job.id, -1, 1, ItemState::failed)).at(0).code,
            "payer.away");
  rig.payer_up();
  must(rig.repairs().go(rig.caller, job.id, "the payer is back now"));
  EXPECT_EQ(rig.end_of(job.id).state, JobState::done) << "the rest of the same list";
}

TEST(Repair, ActsAreDoneByTheRate) {
  Rig rig;
  (void)rig.faulted(10);
  rig.payer_up();
  const Job job = must(rig.preview("retry"));
  must(rig.run(job));
  for (int i = 0; i < 10; ++i) {
    (void)rig.runner().turn();
    rig.engine.engine().drain(5'000);
  }
  EXPECT_EQ(rig.counts(job.id).tried(), 1) << "no time has passed";
  for (int i = 0; i < 3; ++i) rig.second();
  EXPECT_EQ(rig.counts(job.id).tried(), 4);
}

TEST(Repair, OneOfASubjectIsActedOnAtATime) {
  Mutex mutex;
  std::vector<ScriptedService::Call> open;  // outlives the rig, whose threads put calls there
  Rig rig;
  rig.payer_down();
  std::vector<std::string> ids;
  for (int i = 0; i < 3; ++i) {
    rig.engine.clock().advance_ms(1);
    ids.push_back(rig.claim(Rig::phone_of(7)));
    ASSERT_EQ(rig.engine.wait_status(ids.back(), "faulted"), "faulted");
  }
  rig.engine.settle();
  // The payer takes its time.
  rig.engine.script().on("do-key", [&](ScriptedService::Call call) {
    const Lock lock(mutex);
    open.push_back(std::move(call));
  });
  const Job job = must(rig.preview("retry"));
  must(rig.run(job));
  for (int i = 0; i < 4; ++i) {
    rig.engine.clock().advance_ms(1'000);
    (void)rig.runner().turn();
  }
  ASSERT_TRUE(rig.engine.script().wait_for("do-key", 4));
  EXPECT_EQ(rig.counts(job.id)[ItemState::acted], 1) << "three of one person, one at a time";
  {
    const Lock lock(mutex);
    open.at(0).done(engine::done());
  }
  ASSERT_EQ(rig.engine.wait_status(ids[0], "completed"), "completed");
  rig.engine.clock().advance_ms(1'000);
  (void)rig.runner().turn();
  EXPECT_EQ(rig.counts(job.id)[ItemState::well], 1);
  EXPECT_EQ(rig.counts(job.id)[ItemState::acted], 1);
}

TEST(Repair, ARowThatHasMovedSinceThePreviewIsLeftOutAndSaid) {
  Rig rig;
  const auto ids = rig.faulted(4);
  rig.payer_up();
  const Job job = must(rig.preview("retry"));
  must(rig.engine.engine().retry(ids[1], "user:test", "by hand"));
  ASSERT_EQ(rig.engine.wait_status(ids[1], "completed"), "completed");
  // It faults again: the state is the same, and yet it has moved.
  rig.payer_down();
  must(rig.engine.engine().retry(ids[2], "user:test", "by hand"));
  rig.engine.settle();
  ASSERT_EQ(rig.engine.wait_status(ids[2], "faulted"), "faulted");
  rig.payer_up();
  must(rig.run(job));
  EXPECT_EQ(rig.end_of(job.id).state, JobState::done);
  EXPECT_EQ(rig.counts(job.id)[ItemState::well], 2);
  const auto moved = must(rig.repairs().rows().items(job.id, -1, 10, ItemState::moved));
  ASSERT_EQ(moved.size(), 2U);
  EXPECT_EQ(moved[0].object, ids[1]);
  EXPECT_EQ(moved[1].object, ids[2]);
  EXPECT_EQ(rig.engine.status(ids[2]), "faulted");
  EXPECT_EQ(rig.acts("repair.left_out").size(), 2U);
}

TEST(Repair, AnotherDigestIsRefusedAndNothingIsDone) {
  Rig rig;
  (void)rig.faulted(2);
  const Job job = must(rig.preview("retry"));
  Job other = job;
  other.digest = std::string(64, '0');
  EXPECT_EQ(rig.run(other).error().code, "repair.digest");
  EXPECT_EQ(rig.run(other).error().kind, ErrorKind::conflict);
  EXPECT_EQ(rig.job(job.id).state, JobState::previewed);
  must(rig.run(job));
  EXPECT_EQ(rig.run(job).error().code, "repair.state") << "it runs already";
}

TEST(Repair, AnOldPreviewIsNotRun) {
  Rig rig;
  (void)rig.faulted(1);
  const Job job = must(rig.preview("retry"));
  rig.engine.clock().advance_ms(kPreviewKeptMs);
  EXPECT_TRUE(rig.repairs().ready(job.id, job.digest).ok());
  rig.engine.clock().advance_ms(1);
  EXPECT_EQ(rig.run(job).error().code, "repair.expired");
}

TEST(Repair, NothingIsDoneAfterAPersonStoppedTheJob) {
  Rig rig;
  (void)rig.faulted(10);
  rig.payer_up();
  const Job job = must(rig.preview("retry"));
  must(rig.run(job));
  for (int i = 0; i < 4; ++i) rig.second();
  must(rig.repairs().stop(rig.caller, job.id, "wrong list"));
  const std::int64_t tried = rig.counts(job.id).tried();
  for (int i = 0; i < 5; ++i) rig.second();
  EXPECT_EQ(rig.counts(job.id).tried(), tried);
  EXPECT_EQ(rig.counts(job.id)[ItemState::acted], 0) << "what was acted on is looked after";
  EXPECT_EQ(rig.job(job.id).why, "person");
  EXPECT_EQ(rig.repairs().stop(rig.caller, job.id, "").error().code, "repair.state");
}

TEST(Repair, TwoJobsOnTheSameRowsActOnEachOnce) {
  Rig rig;
  const auto ids = rig.faulted(8);
  rig.payer_up();
  const Job job = must(rig.preview("retry"));
  const Job two = must(rig.preview("retry"));
  EXPECT_EQ(job.digest, two.digest) << "the same list";
  must(rig.run(job));
  must(rig.run(two));
  (void)rig.end_of(job.id);
  (void)rig.end_of(two.id);
  EXPECT_EQ(rig.counts(job.id)[ItemState::well] + rig.counts(two.id)[ItemState::well], 8);
  EXPECT_EQ(rig.counts(job.id)[ItemState::moved] + rig.counts(two.id)[ItemState::moved], 8);
  for (const auto& [object, count] : rig.acts("instance.retry")) EXPECT_EQ(count, 1) << object;
}

TEST(Repair, TheAuditLogHasTheJobWithItsDigestAndEachAct) {
  Rig rig;
  const auto ids = rig.faulted(3);
  rig.payer_up();
  const Job job = must(rig.preview("retry"));
  must(rig.run(job));
  (void)rig.end_of(job.id);
  std::vector<audit::Logged> runs;
  must(audit::read_each(rig.engine.audit(), {.tenant = "t1", .act = "repair.run"},
                        [&](const audit::Logged& logged) {
                          runs.push_back(logged);
                          return true;
                        }));
  ASSERT_EQ(runs.size(), 1U);
  EXPECT_EQ(runs[0].entry.object, "repair:" + job.id);
  EXPECT_EQ(runs[0].entry.detail.string_or("digest", ""), job.digest);
  EXPECT_FALSE(runs[0].entry.sealed.empty()) << "the reason";
  int of_job = 0;
  must(audit::read_each(rig.engine.audit(), {.tenant = "t1", .act = "instance.retry"},
                        [&](const audit::Logged& logged) {
                          of_job += logged.entry.detail.string_or("repair", "") == job.id ? 1 : 0;
                          EXPECT_EQ(logged.entry.actor, rig.caller.who.actor());
                          return true;
                        }));
  EXPECT_EQ(of_job, 3);
}

// The hub ends at each point of a job: before the commit of an act, behind it before anybody is
// told, between act and end, and behind the end.
TEST(Repair, AHubThatIsKilledAtAnyPointDoesNoActTwiceAndLeavesNoneOut) {
  Rig rig;
  const auto ids = rig.faulted(200);
  rig.payer_up();
  const Job job = must(rig.preview("retry"));
  must(rig.run(job));
  for (int kill = 0; kill < 5; ++kill) {
    for (int i = 0; i < 25; ++i) rig.second();
    rig.engine.clock().advance_ms(1'000);
    switch (kill) {
      case 0:  // the act is not written
        rig.engine.faults().refuse_submit(1);
        (void)rig.runner().turn();
        break;
      case 1:  // the act is durable, and nobody is told
        rig.engine.faults().tell_nobody();
        (void)std::async(std::launch::async, [&] {
          try {
            (void)rig.runner().turn();
          } catch (const std::future_error&) {
          }
        });
        break;
      case 2:  // the act is durable, and its end is not written
        (void)rig.runner().turn();
        break;
      case 3:
        rig.engine.faults().refuse_submit(2);
        (void)rig.runner().turn();
        break;
      default:
        rig.second();
        break;
    }
    rig.restart();
  }
  EXPECT_EQ(rig.end_of(job.id).state, JobState::done);
  EXPECT_EQ(rig.counts(job.id)[ItemState::well], 200);
  const auto acts = rig.acts("instance.retry");
  EXPECT_EQ(acts.size(), 200U);
  for (const auto& [object, count] : acts) EXPECT_EQ(count, 1) << object;
  for (const std::string& id : ids) EXPECT_EQ(rig.engine.status(id), "completed");
  std::set<std::string> claims;
  for (const std::string& key : rig.engine.script().keys("do-key")) claims.insert(key);
  EXPECT_EQ(claims.size(), 200U) << "one key for each claim";
}

// Version 1.1.0 asks for another booking in the second instance: that one cannot go on with it.
TEST(Repair, ARetryGoesOnWithTheVersionThatIsNamed) {
  Rig rig;
  const auto ids = rig.faulted(3);
  rig.engine.deploy(
      "document: {dsl: '1.0.3', namespace: test, name: claim, version: '1.1.0', metadata: {rabt: "
      "{patient: {phone: '${ .phone }'}}}}\n"
      "schedule: {on: {one: {with: {type: test.claim.v1}}}}\ninput: {from: '${ .[0].data }'}\ndo:\n"
      "  - book: {call: 'do-native:1.0.0@script', with: {n: '${ if .n == 1 then 7 else .n end "
      "}'}}\n"
      "  - claim: {call: 'do-key:1.0.0@script', with: {n: '${ .n }', code: A}}\n");
  rig.engine.script().on("do-key", [](ScriptedService::Call call) {
    if (call.arguments.find("code") == nullptr)
      return call.done(engine::failed(workflow::OutcomeKind::permanent, "payer.no_code"));
    call.done(engine::done(call.arguments));
  });
  const Job own = must(rig.preview("retry"));
  const Job job = must(rig.preview("retry", {}, {}, "newest"));
  EXPECT_NE(job.digest, own.digest) << "another version is another act";
  EXPECT_EQ(rig.job(job.id).version(), "newest");
  must(rig.run(job));
  EXPECT_EQ(rig.end_of(job.id).state, JobState::done);
  EXPECT_EQ(rig.counts(job.id)[ItemState::well], 2);
  const auto refused = must(rig.repairs().rows().items(job.id, -1, 10, ItemState::refused));
  ASSERT_EQ(refused.size(), 1U);
  EXPECT_EQ(refused[0].object, ids[1]);
  EXPECT_EQ(refused[0].code, "engine.retry_version");
  const auto version = [&](std::size_t at) {
    return rig.engine.engine().instance(ids[at]).value().string_or("version", "");
  };
  EXPECT_EQ(version(0), "1.1.0");
  EXPECT_EQ(version(1), "1.0.0");
  EXPECT_EQ(rig.engine.status(ids[1]), "faulted") << "it stays as it was";
  EXPECT_EQ(version(2), "1.1.0");
  int named = 0;
  must(audit::read_each(rig.engine.audit(), {.tenant = "t1", .act = "repair.run"},
                        [&](const audit::Logged& logged) {
                          named += logged.entry.detail.string_or("version", "") == "newest" ? 1 : 0;
                          return true;
                        }));
  EXPECT_EQ(named, 1);
}

TEST(Repair, ARestartedInstanceIsStartedOnceThoughTheHubIsKilled) {
  Rig rig;
  const auto ids = rig.faulted(6);
  rig.payer_up();
  const Job job = must(rig.preview("restart"));
  EXPECT_EQ(job.effects["sent"][0].string_or("action", ""), "do-native") << "stands";
  must(rig.run(job));
  for (int i = 0; i < 3; ++i) {
    rig.engine.clock().advance_ms(1'000);
    (void)rig.runner().turn();
    rig.restart();
  }
  EXPECT_EQ(rig.end_of(job.id).state, JobState::done);
  const auto items = must(rig.repairs().rows().items(job.id, -1, 10, std::nullopt));
  std::set<std::string> became;
  for (const Item& item : items) {
    EXPECT_EQ(item.state, ItemState::well) << item.code;
    EXPECT_EQ(rig.engine.status(item.became), "completed");
    became.insert(item.became);
  }
  EXPECT_EQ(became.size(), ids.size());
  EXPECT_EQ(rig.acts("instance.restart").size(), ids.size());
}

TEST(Repair, ManyAreCancelled) {
  Rig rig;
  rig.engine.deploy(
      "document: {dsl: '1.0.3', namespace: test, name: stay, version: '1.0.0'}\n"
      "schedule: {on: {one: {with: {type: test.stay.v1}}}}\ndo:\n  - late: {wait: {hours: 1}}\n");
  std::vector<std::string> ids;
  for (int i = 0; i < 3; ++i) ids.push_back(rig.engine.send("test.stay.v1", Json::object()).at(0));
  rig.engine.settle();
  const Job job = must(rig.preview("cancel", {"waiting"}));
  EXPECT_EQ(job.total, 3);
  must(rig.run(job));
  EXPECT_EQ(rig.end_of(job.id).state, JobState::done);
  for (const std::string& id : ids) EXPECT_EQ(rig.engine.status(id), "cancelled");
}

class ParkedCalls : public testing::Test {
 protected:
  void SetUp() override {
    rig_.engine.deploy(
        "document: {dsl: '1.0.3', namespace: test, name: ask, version: '1.0.0'}\n"
        "schedule: {on: {one: {with: {type: test.ask.v1}}}}\ninput: {from: '${ .[0].data }'}\n"
        "do:\n  - decide: {call: 'do-none:1.0.0@script', with: {n: '${ .n }'}}\n");
  }
  std::string park(const std::string& code) {
    rig_.engine.script().on("do-none", [code](ScriptedService::Call call) {
      call.done(engine::failed(workflow::OutcomeKind::ambiguous, code));
    });
    std::string id = rig_.engine.send("test.ask.v1", Json::object({{"n", ++n_}})).at(0);
    EXPECT_EQ(rig_.engine.wait_status(id, "parked"), "parked");
    rig_.engine.settle();
    return id;
  }
  Rig rig_;
  int n_ = 0;
};

TEST_F(ParkedCalls, OneAnswerIsForCallsOfOneRoleActionAndCode) {
  (void)park("bank.silent");
  const std::string other = park("bank.broken");
  const Json answer = Json::object({{"outcome", "done"}, {"output", Json::object()}});
  const auto mixed = rig_.preview("answer", {}, answer);
  EXPECT_EQ(mixed.error().code, "repair.mixed");
  EXPECT_NE(mixed.error().message.find("bank.broken: 1"), std::string::npos)
      << mixed.error().message;
  Wanted wanted{.verb = "answer", .answer = answer, .failure = "bank.broken"};
  const Job job = must(rig_.repairs().preview(rig_.caller, wanted));
  EXPECT_EQ(job.total, 1);
  EXPECT_EQ(job.effects["sent"].size(), 0U) << "nothing is sent";
  must(rig_.run(job));
  EXPECT_EQ(rig_.end_of(job.id).state, JobState::done);
  EXPECT_EQ(rig_.engine.status(other), "completed");
  EXPECT_EQ(rig_.acts("action.resolved").size(), 1U);
}

TEST_F(ParkedCalls, SendingAgainSaysThatThereIsNoKey) {
  const std::string text = park("bank.silent");
  const std::string two = park("bank.silent");
  const Job job = must(rig_.preview("answer", {}, Json::object({{"outcome", "again"}})));
  EXPECT_EQ(job.effects["sent"][0].int_or("withoutKey", -1), 2);
  must(rig_.run(job));
  rig_.engine.script().on("do-none", [](ScriptedService::Call call) { call.done(engine::done()); });
  EXPECT_EQ(rig_.end_of(job.id).state, JobState::done);
  EXPECT_EQ(rig_.engine.status(text), "completed");
  EXPECT_EQ(rig_.engine.status(two), "completed");
}

TEST_F(ParkedCalls, AnAnswerThatDoesNotFitIsRefusedBeforeItIsAJob) {
  rig_.engine.deploy(
      "document: {dsl: '1.0.3', namespace: test, name: choice, version: '1.0.0'}\n"
      "schedule: {on: {one: {with: {type: test.choice.v1}}}}\n"
      "do:\n  - choose: {call: 'choose:1.0.0@script', with: {words: [yes, no]}}\n");
  rig_.engine.script().on("choose", [](ScriptedService::Call call) {
    call.done(engine::failed(workflow::OutcomeKind::ambiguous, "desk.silent"));
  });
  for (int i = 0; i < 2; ++i) {
    const std::string id = rig_.engine.send("test.choice.v1", Json::object()).at(0);
    ASSERT_EQ(rig_.engine.wait_status(id, "parked"), "parked");
  }
  rig_.engine.settle();
  const auto answer = [](const Json& output) {
    Json out = Json::object({{"outcome", "done"}});
    if (!output.is_null()) out.set("output", output);
    return out;
  };
  for (const Json& output : {Json(), Json::object({{"word", "perhaps"}})}) {
    const auto refused = rig_.preview("answer", {}, answer(output));
    EXPECT_EQ(refused.error().code, "engine.answer");
    EXPECT_NE(refused.error().message.find("output"), std::string::npos);
  }
  const Job job = must(rig_.preview("answer", {}, answer(Json::object({{"word", "yes"}}))));
  EXPECT_EQ(job.total, 2);
  EXPECT_EQ(rig_.preview("answer", {}, Json::object({{"outcome", "perhaps"}})).error().code,
            "api.invalid");
}

TEST(Repair, WhatCannotBeRunAgainIsLeftOutOfTheListAndCounted) {
  Rig rig;
  rig.engine.deploy(
      "document: {dsl: '1.0.3', namespace: test, name: own, version: '1.0.0'}\n"
      "schedule: {on: {one: {with: {type: test.own.v1}}}}\ndo:\n"
      "  - fail: {raise: {error: {type: 'https://x.example/own', status: 400}}}\n");
  (void)rig.faulted(1);
  const std::string own = rig.engine.send("test.own.v1", Json::object()).at(0);
  ASSERT_EQ(rig.engine.wait_status(own, "faulted"), "faulted");
  const Job job = must(rig.preview("retry"));
  EXPECT_EQ(job.total, 1);
  EXPECT_EQ(job.effects["leftOut"].dump(), R"([{"code":"engine.retry_place","count":1}])");
  Wanted wanted{.verb = "retry", .ids = {own}};
  EXPECT_EQ(rig.repairs().preview(rig.caller, wanted).error().code, "repair.nothing");
}

TEST(Repair, AFilterForStatesOfAnotherActIsRefused) {
  Rig rig;
  EXPECT_EQ(rig.preview("retry", {"completed"}).error().code, "api.invalid");
  EXPECT_EQ(rig.preview("cancel", {"faulted"}).error().code, "api.invalid");
  EXPECT_EQ(rig.preview("retry").error().code, "repair.nothing");
}

TEST(Repair, OldPreviewsGoAndNotTheJobsThatRan) {
  Rig rig;
  (void)rig.faulted(1);
  const Job ran = must(rig.preview("retry"));
  must(rig.run(ran));
  (void)rig.end_of(ran.id);
  rig.payer_up();
  const Job oldest = must(rig.preview("retry"));
  for (std::int64_t i = 0; i < kKeptPreviews; ++i) (void)must(rig.preview("retry"));
  EXPECT_FALSE(rig.repairs().rows().job(oldest.id).ok());
  EXPECT_TRUE(rig.repairs().rows().job(ran.id).ok());
  rig.engine.clock().advance_ms(kJobKeptMs + 10'000);
  (void)must(rig.preview("retry"));
  EXPECT_FALSE(rig.repairs().rows().job(ran.id).ok());
}

// 5,000 rows, and a hub that is killed on the way.
TEST(SlowRepair, FiveThousandAreRetriedOnceEachUnderKills) {
  Rig rig;
  const auto ids = rig.faulted(5'000);
  rig.payer_up();
  const auto begun = std::chrono::steady_clock::now();
  const Job job = must(rig.preview("retry"));
  const auto took = std::chrono::steady_clock::now() - begun;
  EXPECT_LT(took, std::chrono::seconds(60));
  RecordProperty(
      "preview_ms",
      static_cast<int>(std::chrono::duration_cast<std::chrono::milliseconds>(took).count()));
  must(rig.run(job));
  for (int kill = 0; kill < 5; ++kill) {
    for (int i = 0; i < 300; ++i) rig.second();
    rig.engine.clock().advance_ms(1'000);
    (void)rig.runner().turn();
    rig.restart();
  }
  EXPECT_EQ(rig.end_of(job.id, 10'000).state, JobState::done);
  EXPECT_EQ(rig.counts(job.id)[ItemState::well], 5'000);
  const auto acts = rig.acts("instance.retry");
  EXPECT_EQ(acts.size(), 5'000U);
  for (const auto& [object, count] : acts) EXPECT_EQ(count, 1) << object;
}

}  // namespace
}  // namespace rabt::repair::repair_test
