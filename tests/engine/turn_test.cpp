#include "hub/engine/turn.hpp"

#include <gtest/gtest.h>

// Changes made by one turn, without a store, keys or a clock.
namespace rabt::engine::turn_test {
namespace {

using workflow::InstanceStatus;

ResidentInstance instance_of(const std::string& tasks) {
  const std::string yaml =
      "document: {dsl: '1.0.3', namespace: test, name: sample, version: '1.0.0'}\ndo:\n" + tasks;
  const auto parsed = workflow::parse_definition(yaml, nullptr);
  EXPECT_NE(parsed.definition, nullptr);
  return {.num = 7,
          .id = "01K00000000000000000000000",
          .definition = parsed.definition,
          .execution = workflow::Execution(parsed.definition)};
}
workflow::Input at(std::int64_t ms, decltype(workflow::Input::what) what) {
  return {Timestamp{ms}, std::move(what)};
}
Turn begin(ResidentInstance& instance, Json input = Json::object()) {
  return make_turn(instance, at(1000, workflow::Start{instance.id, std::move(input)}),
                   {.act = "instance.started"});
}
Turn answer(ResidentInstance& instance, std::uint64_t call, Json output = Json::object()) {
  return make_turn(instance, at(2000, workflow::ActionEnded{call, {.output = std::move(output)}}),
                   {.actor = "node:engine", .act = "action.ended"});
}

const char* const kTwoCalls =
    "  - one: {call: 'work:1.0.0@a', with: {n: 1}}\n"
    "  - two: {call: 'work:1.0.0@a', with: {n: 2}}\n";

TEST(Turn, ACallOpensAndItsInstanceRuns) {
  ResidentInstance instance = instance_of(kTwoCalls);
  const Turn turn = begin(instance);
  EXPECT_EQ(turn.n, 0U);
  ASSERT_EQ(turn.calls.size(), 1U);
  EXPECT_EQ(instance.calls.at(turn.calls[0]).action.action, "work");
  EXPECT_EQ(turn.cause.detail.string_or("requested", ""), "a/work");
  EXPECT_EQ(turn.status, as_int(InstanceStatus::running));
  EXPECT_TRUE(turn.busy);
  EXPECT_FALSE(turn.finished);
}

TEST(Turn, TheRowOfAnInstanceIsWrittenOnlyWhenItChanges) {
  ResidentInstance instance = instance_of(kTwoCalls);
  const Turn first = begin(instance);
  EXPECT_FALSE(first.update_instance) << "a new row says running and busy already";
  const Turn second = answer(instance, first.calls[0]);
  EXPECT_FALSE(second.update_instance);
  const Turn last = answer(instance, second.calls[0]);
  EXPECT_EQ(last.n, 2U);
  EXPECT_TRUE(last.update_instance);
  EXPECT_TRUE(last.finished);
  EXPECT_EQ(last.status, as_int(InstanceStatus::completed));
  EXPECT_FALSE(last.busy);
  EXPECT_EQ(last.cause.detail.string_or("ended", ""), "completed");
}

TEST(Turn, TheNoteOfACallGoesOnlyWhereRepeatingIsNotSafe) {
  for (const Idempotency idempotency : {Idempotency::key, Idempotency::none}) {
    ResidentInstance instance = instance_of(kTwoCalls);
    const std::uint64_t call = begin(instance).calls[0];
    instance.calls.at(call).idempotency = idempotency;
    const Turn turn = answer(instance, call);
    EXPECT_EQ(turn.answered_call, idempotency == Idempotency::none ? call : 0U);
  }
}

TEST(Turn, AnInputThatNothingWaitsForChangesNothing) {
  ResidentInstance instance = instance_of(kTwoCalls);
  (void)begin(instance);
  const Turn turn = answer(instance, 99);
  EXPECT_TRUE(turn.calls.empty());
  EXPECT_EQ(turn.answered_call, 0U);
  EXPECT_FALSE(turn.update_instance);
  EXPECT_EQ(instance.calls.size(), 1U);
}

TEST(Turn, AWaitLeavesATimerAndItsFiringTakesItAway) {
  ResidentInstance instance = instance_of("  - rest: {wait: PT1M}\n");
  const Turn first = begin(instance);
  ASSERT_EQ(first.timers.size(), 1U);
  EXPECT_EQ(first.timers[0].due.ms, 61'000);
  EXPECT_EQ(first.status, as_int(InstanceStatus::waiting));
  EXPECT_TRUE(first.update_instance);
  const Turn second = make_turn(instance, at(61'000, workflow::TimerFired{first.timers[0].id}),
                                {.act = "timer.fired"});
  EXPECT_EQ(second.timers_done, std::vector<std::uint64_t>{first.timers[0].id});
  EXPECT_TRUE(second.finished);
  EXPECT_TRUE(instance.timers.empty());
}

TEST(Turn, AListenLeavesASubscriptionUntilItsEventArrives) {
  ResidentInstance instance =
      instance_of("  - hear: {listen: {to: {one: {with: {type: test.reply.v1}}}}}\n");
  const Turn first = begin(instance);
  ASSERT_EQ(first.listens.size(), 1U);
  EXPECT_EQ(first.listens[0].keys.size(), 1U);
  const Json event = Json::object({{"specversion", "1.0"},
                                   {"id", "e1"},
                                   {"source", "/test"},
                                   {"type", "test.reply.v1"},
                                   {"data", Json::object()}});
  ASSERT_TRUE(instance.execution.wants(first.listens[0].id, event));
  const Turn second =
      make_turn(instance, at(2000, workflow::EventArrived{first.listens[0].id, event}),
                {.act = "event.consumed"});
  EXPECT_TRUE(second.finished);
  EXPECT_EQ(second.listens_done, std::vector<std::uint64_t>{first.listens[0].id});
}

TEST(Turn, CancellingEndsTheInstanceAndItsCallInFlight) {
  ResidentInstance instance = instance_of(kTwoCalls);
  const std::uint64_t call = begin(instance).calls[0];
  instance.calls.at(call).token = 42;
  const Turn turn =
      make_turn(instance, at(2000, workflow::Cancel{"enough"}), {.act = "instance.cancel"});
  EXPECT_TRUE(turn.finished);
  EXPECT_EQ(turn.status, as_int(InstanceStatus::cancelled));
  ASSERT_EQ(turn.cancelled_calls.size(), 1U);
  EXPECT_EQ(turn.cancelled_calls[0].token, 42U);
  EXPECT_TRUE(instance.calls.empty());
}

TEST(Turn, ParkedCallsAreDecidedOneAfterTheOther) {
  ResidentInstance instance = instance_of(
      "  - both:\n      fork:\n        branches:\n"
      "          - x: {call: 'pay:1.0.0@a', with: {n: 1}}\n"
      "          - y: {call: 'pay:1.0.0@b', with: {n: 2}}\n");
  const Turn first = begin(instance);
  ASSERT_EQ(first.calls.size(), 2U);
  for (const std::uint64_t call : first.calls) instance.calls.at(call).parked = true;
  instance.parked_call = first.calls[0];
  const Turn second = answer(instance, first.calls[0]);
  EXPECT_TRUE(second.unpark);
  EXPECT_EQ(second.parked_next.call, std::to_string(first.calls[1]) + " b/pay");
  EXPECT_EQ(instance.parked_call, first.calls[1]);
  const Turn third = answer(instance, first.calls[1]);
  EXPECT_TRUE(third.unpark);
  EXPECT_EQ(third.parked_next.call, "");
  EXPECT_EQ(instance.parked_call, 0U);
}

TEST(Turn, AChildThatIsAwaitedIsOpenUntilItEnds) {
  ResidentInstance instance =
      instance_of("  - sub: {run: {workflow: {namespace: test, name: child, version: '1.0.0'}}}\n");
  const Turn first = begin(instance);
  ASSERT_EQ(first.starts.size(), 1U);
  EXPECT_EQ(first.status, as_int(InstanceStatus::running));
  EXPECT_FALSE(first.busy) << "recovery settles children without replaying their parents";
  EXPECT_EQ(first.cause.detail.string_or("requested", ""), "workflow/child");
  const std::uint64_t call = first.starts[0].id;
  const Turn second = answer(instance, call);
  EXPECT_EQ(second.answered_child, call);
  EXPECT_TRUE(second.finished);
  EXPECT_TRUE(second.cancelled_children.empty());
}

TEST(Turn, TheEndOfAParentCancelsTheChildItWaitsFor) {
  ResidentInstance instance =
      instance_of("  - sub: {run: {workflow: {namespace: test, name: child, version: '1.0.0'}}}\n");
  const std::uint64_t call = begin(instance).starts[0].id;
  const Turn turn =
      make_turn(instance, at(2000, workflow::Cancel{"enough"}), {.act = "instance.cancel"});
  EXPECT_TRUE(turn.finished);
  EXPECT_EQ(turn.cancelled_children, std::vector<std::uint64_t>{call});
}

TEST(Turn, TheEndOfAnAwaitedChildAnswersItsParent) {
  ResidentInstance instance = instance_of(
      "  - no: {raise: {error: {type: 'https://x.example/no', status: 418, title: No}}}\n");
  instance.origin = std::make_shared<const Origin>(Origin{.parent = 3, .call = 5, .awaited = true});
  const Turn turn = begin(instance);
  EXPECT_TRUE(turn.finished);
  EXPECT_EQ(turn.outcome.kind, workflow::OutcomeKind::permanent);
  EXPECT_EQ(turn.outcome.detail["error"].int_or("status", 0), 418);
  EXPECT_EQ(turn.cause.detail.string_or("error", ""), "https://x.example/no");
}

TEST(Turn, TheSameInputsMakeTheSameTurns) {
  const auto run = [] {
    ResidentInstance instance = instance_of(kTwoCalls);
    std::string seen;
    Turn turn = begin(instance, Json::object({{"n", 1}}));
    while (!turn.finished) {
      seen += workflow::to_json(turn.input).dump() + turn.cause.detail.dump();
      turn = answer(instance, turn.calls[0], Json::object({{"ok", true}}));
    }
    return seen + instance.execution.state().dump();
  };
  EXPECT_EQ(run(), run());
}

}  // namespace
}  // namespace rabt::engine::turn_test
