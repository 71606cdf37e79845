#include <gtest/gtest.h>

#include <future>
#include <thread>

#include "tests/engine/rig.hpp"

// Durable work that was lost in memory is resumed: by the next start, by the sweep, or by the
// engine that gets the partition.
namespace rabt::engine::recovery_test {
namespace {

constexpr std::int64_t kMinute = 60'000;

std::string file_of(const std::string& tasks, const std::string& name = "sample",
                    const std::string& schedule = "on: {one: {with: {type: test.start.v1}}}") {
  return "document: {dsl: '1.0.3', namespace: test, name: " + name +
         ", version: '1.0.0'}\nschedule: {" + schedule +
         "}\ninput: {from: '${ if . == null then {} elif (. | type) == \"array\" then .[0].data "
         "else . end }'}\ndo:\n" +
         tasks;
}
const std::string kListening =
    "  - keep: {set: '${ . }', export: {as: '${ . }'}}\n"
    "  - hear:\n      listen:\n        to:\n          one:\n"
    "            with: {type: test.reply.v1}\n"
    "            correlate: {room: {from: .data.room, expect: '${ $context.room }'}}\n";
const std::string kCallAndListen =
    "  - work: {call: 'do-key:1.0.0@script', with: {room: '${ .room }'}}\n" + kListening;
const Json kRoom = Json::object({{"room", "a"}});

class Recovers : public testing::Test {
 protected:
  // An instance that waits for its reply.
  std::string listening() {
    rig_.deploy(file_of(kListening));
    const auto ids = rig_.send("test.start.v1", kRoom);
    rig_.settle();
    EXPECT_EQ(rig_.status(ids.at(0)), "waiting");
    return ids.at(0);
  }
  void restart() {
    rig_.crash();
    rig_.start();
    rig_.settle();
  }
  void write(const store::Statement& statement, std::int64_t value) {
    ASSERT_TRUE(rig_.store()
                    .write([&](store::Transaction& transaction) {
                      return store::run(transaction, statement, {value});
                    })
                    .ok());
  }
  Rig rig_;
};

// The look for listens that follows the commit of an event fails, as if the process had died
// between the two.
TEST_F(Recovers, AnEventThatWasStoredAndNotOfferedIsOfferedByTheNextStart) {
  const std::string id = listening();
  rig_.faults().fail_next_read();
  rig_.send("test.reply.v1", kRoom);
  rig_.settle();
  ASSERT_EQ(rig_.status(id), "waiting") << "the event is durable, and nobody was told";
  restart();
  EXPECT_EQ(rig_.status(id), "completed");
}

TEST_F(Recovers, AnEventThatWasStoredAndNotOfferedIsFoundByTheSweep) {
  const std::string id = listening();
  rig_.faults().fail_next_read();
  rig_.send("test.reply.v1", kRoom);
  rig_.settle();
  ASSERT_EQ(rig_.status(id), "waiting");
  rig_.advance_ms(kMinute);
  EXPECT_EQ(rig_.status(id), "completed");
}

TEST_F(Recovers, AListenThatCouldNotLookForStoredEventsLooksAgainAtTheSweep) {
  std::promise<ScriptedService::Call> asked;
  rig_.script().on("do-key", [&](ScriptedService::Call call) { asked.set_value(std::move(call)); });
  rig_.deploy(file_of(kCallAndListen));
  const auto ids = rig_.send("test.start.v1", kRoom);
  ScriptedService::Call call = asked.get_future().get();
  rig_.send("test.reply.v1", kRoom);
  rig_.faults().fail_next_read();
  call.done(done(call.arguments));
  call.done = nullptr;
  rig_.settle();
  ASSERT_EQ(rig_.status(ids[0]), "waiting") << "it reached its listen after the event";
  // The event is as old as the last sweeps that looked at it.
  rig_.advance_ms(kMinute);
  rig_.advance_ms(kMinute);
  EXPECT_EQ(rig_.status(ids[0]), "completed");
}

TEST_F(Recovers, ATimerThatMemoryDoesNotKnowIsFoundByTheSweep) {
  rig_.deploy(file_of("  - rest: {wait: P1D}\n"));
  const auto ids = rig_.send("test.start.v1", Json::object());
  rig_.settle();
  ASSERT_EQ(rig_.status(ids[0]), "waiting");
  static constexpr store::Statement kSooner{"UPDATE timer SET due_ms = $1"};
  write(kSooner, rig_.clock().now().ms + 1000);
  rig_.advance_ms(10'000);
  EXPECT_EQ(rig_.status(ids[0]), "waiting") << "memory waits for the next day";
  rig_.advance_ms(kMinute);
  EXPECT_EQ(rig_.status(ids[0]), "completed");
}

TEST_F(Recovers, ACallWhoseNoteCouldNotBeStoredIsSentByTheSweep) {
  rig_.deploy(file_of("  - pay: {call: 'do-none:1.0.0@script', with: {n: 1}}\n"));
  rig_.send("test.other.v1", Json::object());  // makes the key that events share
  rig_.settle();
  rig_.faults().refuse_submit(3);  // after the delivery and the first turn
  const auto ids = rig_.send("test.start.v1", Json::object());
  rig_.settle();
  ASSERT_EQ(rig_.status(ids[0]), "running");
  ASSERT_EQ(rig_.script().count("do-none"), 0U) << "it must not leave without its note";
  rig_.advance_ms(kMinute);
  EXPECT_EQ(rig_.status(ids[0]), "completed");
  EXPECT_EQ(rig_.script().count("do-none"), 1U);
}

TEST_F(Recovers, AnInstanceThatWasStoredAndNotBegunBeginsAfterACrash) {
  rig_.deploy(file_of("  - mark: {set: {a: 1}}\n", "ticking", "every: PT1M"));
  rig_.faults().tell_nobody();
  rig_.clock().advance_ms(kMinute);
  rig_.engine().catch_up();
  rig_.store().flush();
  const auto list = rig_.engine().instances({}, 10);
  ASSERT_EQ(list->size(), 1U);
  EXPECT_EQ(list->front().status, "running");
  EXPECT_EQ(rig_.engine().stats().started, 0U);
  restart();
  EXPECT_EQ(rig_.status(list->front().id), "completed");
}

// Deploys a parent that waits for a child that waits for a minute; gives their ids.
struct Family {
  std::string parent;
  std::string child;
};
Family family(Rig& rig) {
  const std::string run =
      "  - sub: {run: {workflow: {namespace: test, name: child, version: '1.0.0'}}}\n";
  EXPECT_TRUE(rig.engine()
                  .apply({{"parent.yaml", file_of(run)},
                          {"child.yaml",
                           "document: {dsl: '1.0.3', namespace: test, name: child, version: "
                           "'1.0.0'}\ndo: [{rest: {wait: PT1M}}]\n"}},
                         "test")
                  .ok());
  const auto ids = rig.send("test.start.v1", Json::object());
  rig.settle();
  const Json view = rig.engine().instance(ids.at(0)).value();
  return {ids.at(0), view["children"][0].as_string()};
}

TEST_F(Recovers, TheEndOfAChildThatNobodyWasToldOfReachesItsParentAfterACrash) {
  const Family ids = family(rig_);
  rig_.faults().tell_nobody();
  rig_.clock().advance_ms(kMinute + 1);
  ASSERT_EQ(rig_.wait_status(ids.child, "completed"), "completed");
  ASSERT_EQ(rig_.status(ids.parent), "running");
  restart();
  EXPECT_EQ(rig_.status(ids.parent), "completed");
}

TEST_F(Recovers, AChildThatWasNotToldOfItsParentsEndIsCancelledAfterACrash) {
  const Family ids = family(rig_);
  rig_.faults().tell_nobody();
  std::thread canceller([&] {
    // The engine goes away without an answer.
    EXPECT_THROW((void)rig_.engine().cancel(ids.parent, "user:test", "no longer needed"),
                 std::future_error);
  });
  ASSERT_EQ(rig_.wait_status(ids.parent, "cancelled"), "cancelled");
  ASSERT_EQ(rig_.status(ids.child), "waiting");
  rig_.crash();
  canceller.join();
  rig_.start();
  rig_.settle();
  EXPECT_EQ(rig_.status(ids.child), "cancelled");
}

// ---- partitions

TEST_F(Recovers, APartitionThatIsGivenAwayGoesOnAtItsNewOwner) {
  rig_.deploy(file_of(kListening));
  const auto first = rig_.send("test.start.v1", kRoom);
  rig_.settle();
  ASSERT_EQ(rig_.engine().stats().resident, 1U);
  const auto other = rig_.open_engine();
  rig_.engine().give(kFirstPartition);
  EXPECT_EQ(rig_.engine().stats().resident, 0U);
  const Delivery late = rig_.delivery("test.reply.v1", kRoom, "late");
  EXPECT_EQ(rig_.engine().accept(late).error().code, "engine.no_partition");
  EXPECT_EQ(rig_.engine().cancel(first[0], "user:test", "").error().code, "engine.elsewhere");
  ASSERT_TRUE(other->take(kFirstPartition).ok());
  ASSERT_TRUE(other->accept(late).ok());
  EXPECT_TRUE(other->drain(60'000));
  EXPECT_EQ(rig_.status(first[0]), "completed");
  EXPECT_EQ(rig_.engine().stats().completed, 0U);
  EXPECT_EQ(other->stats().completed, 1U);
}

TEST_F(Recovers, AnEngineTakesOnlyTheInstancesOfItsPartitions) {
  rig_.deploy(file_of("  - rest: {wait: PT1M}\n"));
  const auto first = rig_.send("test.start.v1", Json::object());
  const auto other = rig_.open_engine();
  ASSERT_TRUE(other->take(5).ok());
  const auto accepted = other->accept(rig_.delivery("test.start.v1", Json::object(), "elsewhere"));
  ASSERT_TRUE(accepted.ok());
  const std::string second = (*Json::parse(accepted->answer))["instances"][0].as_string();
  rig_.settle();
  EXPECT_TRUE(other->drain(60'000));
  rig_.advance_ms(kMinute + 1);
  EXPECT_EQ(rig_.status(first[0]), "completed");
  other->catch_up();
  EXPECT_TRUE(other->drain(60'000));
  EXPECT_EQ(rig_.status(second), "completed");
  EXPECT_EQ(rig_.engine().stats().completed, 1U);
  EXPECT_EQ(other->stats().completed, 1U);
  other->stop();
}

TEST_F(Recovers, AnEventAcceptedByOneEngineReachesTheInstanceOfAnotherByItsSweep) {
  const std::string id = listening();
  const auto other = rig_.open_engine();
  ASSERT_TRUE(other->take(1).ok());
  ASSERT_TRUE(other->accept(rig_.delivery("test.reply.v1", kRoom, "there")).ok());
  EXPECT_TRUE(other->drain(60'000));
  ASSERT_EQ(rig_.status(id), "waiting");
  rig_.advance_ms(kMinute);
  EXPECT_EQ(rig_.status(id), "completed");
  other->stop();
}

}  // namespace
}  // namespace rabt::engine::recovery_test
