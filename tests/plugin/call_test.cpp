// The asynchronous contract of rabt/abi.h, clause by clause.
#include <chrono>

#include "tests/plugin/support.hpp"

namespace rabt::plugin::test::call_test {
namespace {

using workflow::OutcomeKind;

class Calls : public BothWays {};
class Probe : public BothWays {};
class Webhook : public BothWays {};
RABT_BOTH_WAYS(Calls);
RABT_BOTH_WAYS(Probe);
RABT_BOTH_WAYS(Webhook);

TEST_P(Calls, AnAcceptedCallEndsOnceWithItsOutput) {  // A1, A3
  Hub hub;
  hub.load_echo();
  EXPECT_EQ(hub.call("echo", "echo", Json::object({{"n", 4}})).output.dump(), R"({"n":4})");
  EXPECT_EQ(hub.call("echo", "later", Json::object({{"n", 5}})).output.dump(), R"({"n":5})");
  // The counters follow the outcome, on the thread that gave it.
  ASSERT_TRUE(eventually([&] { return hub.host->plugins().front().open == 0; }));
  const auto state = hub.host->plugins().front();
  EXPECT_EQ(state.calls, 2U);
  EXPECT_EQ(state.open, 0U);
  EXPECT_EQ(state.outcomes.at("done"), 2U);
  EXPECT_TRUE(state.violations.empty());
}

// Symptom: a workflow that says the time of a visit could not use a plugin of before. Cause: it
// refuses an argument that it does not know. Caught by: a call of the capability.
TEST_P(Calls, AnArgumentThatIsYoungerThanThePluginIsLeftOut) {
  Hub hub;
  hub.load_echo();
  const Json of = Json::object({{"identifier", Json::object({{"value", "1"}})}});
  Json asked = of;
  asked.set("at", "2026-03-10T06:00:00Z");
  const auto read = [&](const Json& arguments) {
    CallRequest call = request("echo", "ehr.patient.read", arguments);
    call.version = "1.0.0";
    Waiter waiter;
    hub.host->invoke(std::move(call), waiter.sink());
    EXPECT_TRUE(waiter.wait());
    return waiter.outcome();
  };
  const auto outcome = read(asked);
  EXPECT_EQ(outcome.kind, OutcomeKind::done) << outcome.message;
  EXPECT_EQ(outcome.output["patient"], of);
  asked.set("when", "now");
  EXPECT_EQ(read(asked).code, "plugin.arguments");
}

TEST_P(Calls, ARefusedCallIsTransient) {  // A2
  Hub hub;
  hub.load_zoo();
  const auto outcome = hub.call("zoo", "refuse", Json::object());
  EXPECT_EQ(outcome.kind, OutcomeKind::transient);
  EXPECT_EQ(outcome.code, "plugin.refused");
}

TEST_P(Calls, CompleteAndRefuseCountsAsViolationAndTheFirstAnswerStays) {  // A2
  Hub hub;
  hub.load_zoo();
  const auto outcome = hub.call("zoo", "complete-and-refuse", Json::object());
  EXPECT_EQ(outcome.code, "zoo.code");
  EXPECT_EQ(outcome.retry_after_ms, 7);
  EXPECT_EQ(outcome.detail["status"].as_int64(), 503);
  EXPECT_TRUE(eventually([&] { return hub.violations("zoo", "A2") == 1; }));
}

TEST_P(Calls, ASecondCompleteIsCountedAndDropped) {  // A4
  Hub hub;
  hub.load_zoo();
  Waiter waiter;
  hub.host->invoke(request("zoo", "twice"), waiter.sink());
  ASSERT_TRUE(waiter.wait());
  EXPECT_TRUE(eventually([&] { return hub.violations("zoo", "A4") == 1; }));
  EXPECT_EQ(waiter.outcome().kind, OutcomeKind::done);
  EXPECT_EQ(waiter.count(), 1);
  EXPECT_TRUE(hub.log.comes("plugin.violation plugin=zoo clause=A4"));
}

TEST_P(Calls, AnInventedCallIdDoesNoHarm) {  // A4
  Hub hub;
  hub.load_zoo();
  EXPECT_EQ(hub.call("zoo", "invented-id", Json::object()).output.dump(), "2");
  EXPECT_EQ(hub.violations("zoo", "A4"), 1U);
}

TEST_P(Calls, WithoutAnAnswerTheCallEndsAsAmbiguousAfterDeadlineAndGrace) {  // A5
  Hub hub(true);
  hub.load_zoo();
  Waiter waiter;
  CallRequest call = request("zoo", "never");
  call.deadline_unix_ms = hub.clock.now().ms + 1000;
  hub.host->invoke(std::move(call), waiter.sink());
  ASSERT_TRUE(eventually([&] { return hub.host->plugins().front().calls == 1; }));
  EXPECT_EQ(hub.call("zoo", "echo", Json(1)).kind,
            OutcomeKind::done);  // the lane has run the call before
  hub.fake.advance_ms(1400);
  EXPECT_FALSE(waiter.wait(60)) << "the grace time is not over";
  hub.fake.advance_ms(200);
  ASSERT_TRUE(waiter.wait());
  EXPECT_EQ(waiter.outcome().kind, OutcomeKind::ambiguous);
  EXPECT_EQ(waiter.outcome().code, "plugin.no_answer");
  EXPECT_TRUE(hub.log.has("plugin.deadline"));
  // The late answer: counted, dropped (A4).
  EXPECT_EQ(hub.violations("zoo", "A4"), 0U);
  EXPECT_EQ(hub.call("zoo", "complete-last", Json::object()).output.dump(), "2");
  EXPECT_TRUE(eventually([&] { return hub.violations("zoo", "A4") >= 1; }));
  EXPECT_EQ(waiter.count(), 1);
}

TEST_P(Calls, ACallThatTheLaneNeverReachedIsTransient) {  // A8: provably no effect
  Hub hub(true);
  hub.load_zoo();
  Waiter slow;
  Waiter queued;
  hub.host->invoke(request("zoo", "slower"), slow.sink());
  CallRequest call = request("zoo", "echo");
  call.deadline_unix_ms = hub.clock.now().ms + 1;
  hub.host->invoke(std::move(call), queued.sink());
  hub.fake.advance_ms(3000);
  ASSERT_TRUE(queued.wait());
  EXPECT_EQ(queued.outcome().kind, OutcomeKind::transient);
  EXPECT_EQ(queued.outcome().code, "plugin.not_started");
  EXPECT_TRUE(slow.wait());
}

TEST_P(Calls, CancelIsAdviceAndTheAnswerStillComes) {  // A5
  Hub hub;
  hub.load_zoo();
  Waiter waiter;
  const std::uint64_t token = hub.host->invoke(request("zoo", "until-cancelled"), waiter.sink());
  EXPECT_EQ(hub.call("zoo", "echo", Json(1)).kind, OutcomeKind::done);
  EXPECT_FALSE(waiter.wait(20));
  hub.host->cancel(token);
  ASSERT_TRUE(waiter.wait());
  EXPECT_EQ(waiter.outcome().kind, OutcomeKind::cancelled);
  EXPECT_EQ(waiter.outcome().code, "zoo.code");
}

TEST_P(Calls, ACallCancelledBeforeItsTurnIsNeverStarted) {
  Hub hub;
  hub.load_zoo();
  Waiter slow;
  Waiter waiter;
  hub.host->invoke(request("zoo", "slower"), slow.sink());
  const std::uint64_t token = hub.host->invoke(request("zoo", "twice"), waiter.sink());
  hub.host->cancel(token);
  ASSERT_TRUE(waiter.wait());
  EXPECT_EQ(waiter.outcome().kind, OutcomeKind::cancelled);
  ASSERT_TRUE(slow.wait());
  EXPECT_EQ(hub.violations("zoo", "A4"), 0U);
}

TEST_P(Calls, TheIdempotencyKeyReachesThePlugin) {  // A6
  Hub hub;
  hub.load_zoo();
  CallRequest call = request("zoo", "key");
  call.idempotency_key = "\"abc\"";
  Waiter waiter;
  hub.host->invoke(std::move(call), waiter.sink());
  ASSERT_TRUE(waiter.wait());
  EXPECT_EQ(waiter.outcome().output.as_string(), "abc");
}

TEST_P(Calls, DestroyComesWhenNoCallIsOpen) {  // A7
  Hub hub;
  hub.load_zoo();
  EXPECT_EQ(hub.call("zoo", "echo", Json(1)).kind, OutcomeKind::done);
  hub.host->shutdown(1000);
  EXPECT_TRUE(hub.log.has("plugin.destroyed"));
  EXPECT_EQ(hub.call("zoo", "echo", Json(1)).code, "plugin.shutdown");
}

TEST_P(Calls, APluginThatHoldsCallsIsAbandonedAndItsCallsAreAmbiguous) {  // A7
  Hub hub;
  hub.load_zoo();
  Waiter waiter;
  hub.host->invoke(request("zoo", "never"), waiter.sink());
  EXPECT_EQ(hub.call("zoo", "echo", Json(1)).kind, OutcomeKind::done);
  hub.host->shutdown(30);
  ASSERT_TRUE(waiter.wait(0));
  EXPECT_EQ(waiter.outcome().kind, OutcomeKind::ambiguous);
  EXPECT_EQ(waiter.outcome().code, "plugin.shutdown");
  EXPECT_FALSE(hub.log.has("plugin.destroyed"));
  EXPECT_TRUE(hub.log.has("plugin.abandoned"));
}

TEST_P(Calls, ShutdownWaitsForACallThatStillAnswers) {
  Hub hub;
  hub.load_echo();
  Waiter waiter;
  hub.host->invoke(request("echo", "later", Json(3)), waiter.sink());
  hub.host->shutdown(2000);
  ASSERT_TRUE(waiter.wait(0));
  EXPECT_EQ(waiter.outcome().kind, OutcomeKind::done);
}

// Before any request nothing can have happened: a repeat is safe, as after a crash.
TEST_P(Calls, AnExceptionOrADroppedReplyBeforeAnyRequestIsTransientExactlyOnce) {  // A8
  Hub hub;
  hub.load_echo();
  for (const char* action : {"throw", "throw-later", "drop"}) {
    Waiter waiter;
    hub.host->invoke(request("echo", action), waiter.sink());
    ASSERT_TRUE(waiter.wait()) << action;
    EXPECT_EQ(waiter.outcome().kind, OutcomeKind::transient) << action;
    EXPECT_EQ(waiter.outcome().code, "plugin.no_answer") << action;
    EXPECT_EQ(waiter.count(), 1) << action;
  }
  EXPECT_TRUE(hub.host->plugins().front().violations.empty()) << "the wrapper keeps the contract";
}

TEST_P(Calls, AnExceptionAfterARequestIsAmbiguous) {  // A8
  Hub hub;
  const TinyServer server(TinyServer::Mode::answer);
  hub.load_echo(server.url());
  const auto outcome =
      hub.call("echo", "throw-later", Json::object({{"url", server.url() + "/x"}}));
  EXPECT_EQ(outcome.code, "plugin.no_answer");
  EXPECT_EQ(outcome.kind, OutcomeKind::ambiguous);
}

TEST_P(Calls, AnOutcomeThatCannotBeReadIsAmbiguous) {  // A8
  Hub hub;
  hub.load_zoo();
  EXPECT_EQ(hub.call("zoo", "bad-kind", Json::object()).code, "plugin.bad_outcome");
  EXPECT_EQ(hub.call("zoo", "no-outcome", Json::object()).kind, OutcomeKind::ambiguous);
  EXPECT_EQ(hub.violations("zoo", "A8"), 2U);
  EXPECT_EQ(hub.call("zoo", "not-json", Json::object()).code, "plugin.output");
}

TEST_P(Calls, ArgumentsAndOutputAreHeldAgainstTheirSchemasWithoutQuotingThem) {
  Hub hub;
  hub.load_echo();
  const auto arguments = hub.call("echo", "echo", Json::object({{"n", "Jane"}}));
  EXPECT_EQ(arguments.kind, OutcomeKind::permanent);
  EXPECT_EQ(arguments.code, "plugin.arguments");
  EXPECT_NE(arguments.message.find("/n must be integer"), std::string::npos) << arguments.message;
  EXPECT_EQ(arguments.message.find("Jane"), std::string::npos);
  const auto output = hub.call("echo", "echo", Json::object({{"n", 2'000'000}}));
  EXPECT_EQ(output.kind, OutcomeKind::permanent);
  EXPECT_EQ(output.code, "plugin.output");
}

TEST_P(Calls, ArgumentsOverTheLimitArePermanent) {
  Hub hub;
  hub.load_zoo();
  EXPECT_EQ(hub.call("zoo", "echo", Json(std::string(900'000, 'x'))).kind, OutcomeKind::done);
  EXPECT_EQ(hub.call("zoo", "echo", Json(std::string(1'100'000, 'x'))).code, "plugin.arguments");
}

TEST_P(Calls, AnUnknownRoleIsTransientAndAnUnknownActionPermanent) {
  Hub hub;
  hub.load_zoo();
  EXPECT_EQ(hub.call("nobody", "x", Json::object()).kind, OutcomeKind::transient);
  const auto outcome = hub.call("zoo", "x", Json::object());
  EXPECT_EQ(outcome.kind, OutcomeKind::permanent);
  EXPECT_EQ(outcome.code, "plugin.unknown_action");
}

TEST_P(Calls, ASlowCallLaneIsReported) {
  Hub hub;
  hub.load_zoo();
  EXPECT_EQ(hub.call("zoo", "slow", Json::object()).kind, OutcomeKind::done);
  EXPECT_TRUE(hub.log.comes("plugin.slow_lane plugin=zoo function=invoke"));
}

TEST_P(Probe, AnswersYesNoUnknown) {
  Hub hub;
  hub.load_echo();
  const auto ask = [&hub](const std::string& role, const char* effect) {
    std::mutex mutex;
    std::condition_variable ready;
    std::optional<ProbeAnswer> answer;
    hub.host->probe(request(role, "ask", Json::object({{"effect", effect}})), [&](ProbeAnswer got) {
      const std::scoped_lock lock(mutex);
      answer = std::move(got);
      ready.notify_all();
    });
    std::unique_lock lock(mutex);
    EXPECT_TRUE(ready.wait_for(lock, std::chrono::seconds(30), [&] { return answer.has_value(); }));
    return *answer;
  };
  EXPECT_EQ(ask("echo", "yes").effect, ProbeAnswer::Effect::yes);
  EXPECT_EQ(ask("echo", "yes").output["key"].as_string(), "key-1");
  EXPECT_EQ(ask("echo", "no").effect, ProbeAnswer::Effect::no);
  EXPECT_EQ(ask("echo", "who knows").effect, ProbeAnswer::Effect::unknown);
  hub.load_zoo();
  EXPECT_EQ(ask("zoo", "yes").effect, ProbeAnswer::Effect::unknown);
}

TEST_P(Webhook, TurnsADeliveryIntoEventsAndChecksTheirShape) {
  Hub hub;
  hub.load_echo();
  const Json info = Json::object({{"source", "his"}});
  const auto events = hub.host->normalise("echo", info, R"({"n":1})");
  ASSERT_TRUE(events.ok()) << events.error().message;
  EXPECT_EQ(events->dump(), R"([{"data":{"n":1},"id":"1","source":"his","type":"test.arrived"}])");
  const auto coded = hub.host->normalise("echo", info, R"({"n":1,"kind":"old"})");
  ASSERT_TRUE(coded.ok()) << coded.error().message;
  EXPECT_EQ((*coded)[0]["codes"].dump(), R"({"kind":"old"})");
  const auto refused = hub.host->normalise("echo", info, R"({"refuse":1})");
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, "plugin.delivery");
  EXPECT_NE(refused.error().message.find("not for us"), std::string::npos);
  for (const char* body :
       {R"({"n":"x"})", R"({"n":1,"type":"undeclared"})", R"({"n":1,"extra":1})", "{oops"}) {
    const auto wrong = hub.host->normalise("echo", info, body);
    ASSERT_FALSE(wrong.ok()) << body;
    EXPECT_EQ(wrong.error().code, "plugin.delivery") << body;
  }
  EXPECT_EQ(hub.violations("echo", "webhook"), 3U);
  EXPECT_EQ(hub.host->normalise("nobody", info, "{}").error().code, "plugin.unknown");
  hub.load_zoo();
  EXPECT_EQ(hub.host->normalise("zoo", info, "{}").error().code, "plugin.no_webhook");
}

class Human final : public HubService {
 public:
  std::string name() const override { return "human"; }
  std::vector<ActionSpec> actions() const override {
    ActionSpec ask;
    ask.name = "ask";
    ask.version = "1.0.0";
    ask.idempotency = "native";
    ask.input_schema = Json::parse(R"({"type":"object","required":["q"]})").value();
    return {ask};
  }
  void invoke(const CallRequest& call, Ended done) override {
    if (call.arguments["q"].string_or("x", "") == "never") {
      held = std::move(done);
      return;
    }
    workflow::ActionOutcome outcome;
    outcome.output = Json("yes");
    done(outcome);
    done(outcome);  // the second must go nowhere
  }
  Ended held;
};

TEST(HubServices, AreCalledThroughRolesLikePlugins) {
  Hub hub;
  auto human = std::make_shared<Human>();
  hub.host->add_service(human);
  ASSERT_TRUE(hub.host->bind_role("person", "hub://human").ok());
  EXPECT_TRUE(hub.host->find("person", "ask", "1.0.0"));
  Waiter waiter;
  hub.host->invoke(request("person", "ask", Json::object({{"q", "?"}})), waiter.sink());
  ASSERT_TRUE(waiter.wait(0)) << "a service answers on the caller's thread when it can";
  EXPECT_EQ(waiter.outcome().output.as_string(), "yes");
  EXPECT_EQ(waiter.count(), 1);
  EXPECT_EQ(hub.call("person", "ask", Json::object()).code, "plugin.arguments");
  Waiter never;
  hub.host->invoke(request("person", "ask", Json::object({{"q", Json::object({{"x", "never"}})}})),
                   never.sink());
  hub.host->shutdown(10);
  ASSERT_TRUE(never.wait(0));
  EXPECT_EQ(never.outcome().kind, OutcomeKind::ambiguous);
  human->held({});  // after the end: dropped
  EXPECT_EQ(never.count(), 1);
}

// Symptom: a hub that was stopped with much to do ended with SIGSEGV, once in 28 times.
// Cause: a call that shutdown had ended still ran on a thread of its service, when what the service
// uses was destroyed.
// Caught: services, and with them their threads, are gone when shutdown returns.
TEST(HubServices, AreGoneWhenTheHostHasShutDown) {
  Hub hub;
  auto human = std::make_shared<Human>();
  const std::weak_ptr<Human> seen = human;
  hub.host->add_service(std::move(human));
  ASSERT_TRUE(hub.host->bind_role("person", "hub://human").ok());
  Waiter never;
  hub.host->invoke(request("person", "ask", Json::object({{"q", Json::object({{"x", "never"}})}})),
                   never.sink());
  ASSERT_FALSE(seen.expired());
  hub.host->shutdown(10);
  EXPECT_TRUE(seen.expired());
  EXPECT_EQ(hub.call("person", "ask", Json::object({{"q", "?"}})).code, "plugin.shutdown");
}

TEST(HubServices, HearTheirOwnNameOfACapability) {
  class Room final : public HubService {
   public:
    std::string name() const override { return "room"; }
    std::vector<ActionSpec> actions() const override {
      ActionSpec end;
      end.name = "close-door";
      end.version = "3.1.0";
      end.idempotency = "native";
      end.capability = "video.session.end/1";
      return {end};
    }
    void invoke(const CallRequest& call, Ended done) override {
      workflow::ActionOutcome outcome;
      outcome.output = Json(call.action);
      done(std::move(outcome));
    }
  };
  Hub hub;
  hub.host->add_service(std::make_shared<Room>());
  ASSERT_TRUE(hub.host->bind_role("video", "hub://room").ok());
  CallRequest call = request("video", "video.session.end");
  call.version = "1.0.0";
  Waiter waiter;
  hub.host->invoke(std::move(call), waiter.sink());
  ASSERT_TRUE(waiter.wait());
  EXPECT_EQ(waiter.outcome().output, Json("close-door"))
      << waiter.outcome().code << ": " << waiter.outcome().message;
}

TEST_P(Calls, ManyCallsOverOneLaneAreCheap) {
  Hub hub;
  ASSERT_TRUE(hub.host->load(hub.config("small")).ok());
  ASSERT_TRUE(hub.host->bind_role("small", "plugin://small").ok());
  // On a machine that has no processor to spare each wake-up of the process waits for its turn.
  const int kCalls = in_worker() ? 2'000 : 20'000;
  std::atomic<int> ended{0};
  const auto begin = std::chrono::steady_clock::now();
  for (int i = 0; i < kCalls; ++i) {
    hub.host->invoke(request("small", "echo"), [&ended](workflow::ActionOutcome outcome) {
      if (outcome.kind == OutcomeKind::done) ++ended;
    });
  }
  ASSERT_TRUE(eventually([&] { return ended == kCalls; }));
  const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(
                      std::chrono::steady_clock::now() - begin)
                      .count();
  RecordProperty("calls_per_second",
                 std::to_string(kCalls * 1000LL / std::max<std::int64_t>(ms, 1)));
}

}  // namespace
}  // namespace rabt::plugin::test::call_test
