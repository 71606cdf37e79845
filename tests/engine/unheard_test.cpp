#include <gtest/gtest.h>

#include <algorithm>

#include "hub/base/limits.hpp"
#include "tests/engine/rig.hpp"
#include "tests/must.hpp"

// Start events that find their business key taken by an instance that does not hear them.
namespace rabt::engine::unheard_test {
namespace {

using rabt::test::must;

constexpr std::int64_t kHour = 3'600'000;

// Works for an hour, and then does what `rest` says.
std::string workflow(const std::string& unheard, const std::string& rest = {},
                     const std::string& version = "1.0.0", const std::string& space = "test") {
  return R"(
document:
  dsl: '1.0.3'
  namespace: )" +
         space + R"(
  name: sample
  version: ')" +
         version + R"('
  metadata: {rabt: {businessKey: '${ .k }')" +
         unheard + R"(}}
schedule: {on: {one: {with: {type: test.booked.v1}}}}
input: {from: '${ .[0].data }'}
do:
  - keep: {set: {k: '${ .k }', n: '${ .n }'}, export: {as: '${ $output }'}}
  - busy: {wait: {hours: 1}}
)" + rest +
         "output: {as: '${ $context.n }'}\n";
}
const char* const kStarts = ", unheard: start";
const char* const kListen = R"(
  - hear:
      listen:
        to: {one: {with: {type: test.booked.v1}, correlate: {k: {from: .data.k, expect: '${ $context.k }'}}}}
)";

class Unheard : public ::testing::Test {
 protected:
  std::vector<std::string> booked(int n, const std::string& key = "A-1") {
    auto ids = rig_.send("test.booked.v1", Json::object({{"k", key}, {"n", n}}));
    rig_.settle();
    return ids;
  }
  // The instances, oldest first: how each stands, and what started it if it is over: "completed 1".
  std::vector<std::string> instances() {
    std::vector<std::string> out;
    for (const auto& one : must(rig_.engine().instances({}, 100))) {
      out.push_back(one.status +
                    (one.status == "completed" ? " " + rig_.output(one.id).dump() : std::string()));
    }
    std::reverse(out.begin(), out.end());
    return out;
  }
  void hour() {
    rig_.advance_ms(kHour);
    rig_.engine().catch_up();
    rig_.settle();
  }
  using Lines = std::vector<std::string>;
  Rig rig_;
};

TEST_F(Unheard, EachStartsTheNextInstanceWhenTheOneBeforeHasEnded) {
  rig_.deploy(workflow(kStarts));
  const auto first = booked(1);
  EXPECT_EQ(booked(2), first) << "the instance that lives is told to the sender";
  booked(3);
  EXPECT_EQ(instances(), Lines{"waiting"});
  hour();
  EXPECT_EQ(instances(), (Lines{"completed 1", "waiting"}));
  hour();
  EXPECT_EQ(instances(), (Lines{"completed 1", "completed 2", "waiting"}));
  hour();
  hour();
  EXPECT_EQ(instances(), (Lines{"completed 1", "completed 2", "completed 3"}));
}

TEST_F(Unheard, TheSenderIsToldThatItIsKept) {
  const Json data = Json::object({{"k", "A-1"}, {"n", 1}});
  const auto use = [&](const std::string& id) {
    return must(rig_.engine().accept(rig_.delivery("test.booked.v1", data, id))).use;
  };
  rig_.deploy(workflow(kStarts));
  EXPECT_EQ(use("d1"), Accepted::Use::used);
  EXPECT_EQ(use("d2"), Accepted::Use::kept);
}

TEST_F(Unheard, OneThatTheInstanceHasHeardStartsNone) {
  rig_.deploy(workflow(kStarts, kListen));
  booked(1);
  booked(2);
  hour();
  hour();
  EXPECT_EQ(instances(), Lines{"completed 1"});
}

TEST_F(Unheard, OneThatAnInstanceOfAnEarlierVersionHasHeardStartsNone) {
  rig_.deploy(workflow("", kListen));
  booked(1);
  rig_.deploy(workflow(kStarts, kListen, "1.1.0"));
  booked(2);
  hour();
  hour();
  EXPECT_EQ(instances(), Lines{"completed 1"});
}

// They share their business keys. Symptom: the delivery was refused as one that the audit log could
// not take, and one event started instance after instance.
TEST_F(Unheard, TwoWorkflowsOfOneNameInTwoNamespacesShareIt) {
  ASSERT_TRUE(rig_.engine()
                  .apply({{"a.yaml", workflow(kStarts)},
                          {"b.yaml", workflow(kStarts, "", "1.0.0", "other")}},
                         "test")
                  .ok());
  booked(1);
  booked(2);
  hour();
  EXPECT_EQ(instances(), (Lines{"completed 1", "waiting"}));
  hour();
  hour();
  EXPECT_EQ(instances(), (Lines{"completed 1", "completed 2"}));
}

TEST_F(Unheard, WithoutTheWordItStartsNone) {
  rig_.deploy(workflow(""));
  booked(1);
  booked(2);
  hour();
  hour();
  EXPECT_EQ(instances(), Lines{"completed 1"});
}

TEST_F(Unheard, OneOfAnotherKeyWaitsForNobody) {
  rig_.deploy(workflow(kStarts));
  booked(1);
  booked(2, "A-2");
  hour();
  hour();
  EXPECT_EQ(instances(), (Lines{"completed 1", "completed 2"}));
}

TEST_F(Unheard, AnInstanceThatFaultedIsFollowedAsWell) {
  rig_.deploy(workflow(kStarts,
                       "  - fail: {raise: {error: {type: 'https://rabt.health/errors/x', "
                       "status: 500}}}\n"));
  booked(1);
  booked(2);
  hour();
  EXPECT_EQ(instances(), (Lines{"faulted", "waiting"}));
}

// Whoever cancels it has decided about what came until then.
TEST_F(Unheard, OneThatWasCancelledIsNotFollowed) {
  rig_.deploy(workflow(kStarts));
  const auto first = booked(1);
  booked(2);
  ASSERT_TRUE(rig_.engine().cancel(first.at(0), "user:test", "wrong file").ok());
  hour();
  EXPECT_EQ(instances(), Lines{"cancelled"});
  booked(3);
  EXPECT_EQ(instances(), (Lines{"cancelled", "waiting"}));
}

TEST_F(Unheard, OneThatIsOlderThanWhatTheInstanceKnowsStartsNone) {
  const auto comes = [this](int n, int minute, const std::string& source = {}) {
    Delivery delivery = rig_.delivery("test.booked.v1", Json::object({{"k", "A-1"}, {"n", n}}),
                                      "d" + std::to_string(n));
    delivery.events.front().set("time", to_iso8601({rig_.clock().now().ms + minute * 60'000LL}));
    if (!source.empty()) delivery.events.front().set("source", source);
    must(rig_.engine().accept(delivery));
    rig_.settle();
  };
  rig_.deploy(workflow(kStarts));
  comes(1, 10);
  comes(2, 5);
  comes(3, 10);
  comes(4, 7);
  comes(5, 6, "/another/clock");
  hour();
  EXPECT_EQ(instances(), (Lines{"completed 1", "waiting"}));
  hour();
  EXPECT_EQ(instances(), (Lines{"completed 1", "completed 3", "waiting"})) << "4 is older than 3";
  hour();
  EXPECT_EQ(instances(), (Lines{"completed 1", "completed 3", "completed 5"}));
}

// Symptom before: none; the end is durable, and the process dies before it can act on it.
TEST_F(Unheard, TheSweepStartsWhatADeathLeftBehind) {
  rig_.deploy(workflow(kStarts));
  booked(1);
  booked(2);
  rig_.faults().tell_nobody();
  rig_.clock().advance_ms(kHour);
  rig_.engine().catch_up();
  rig_.store().flush();
  rig_.crash();
  rig_.start();
  rig_.settle();
  EXPECT_EQ(instances(), Lines{"completed 1"});
  rig_.advance_ms(60'000);
  rig_.settle();
  EXPECT_EQ(instances(), (Lines{"completed 1", "waiting"}));
  rig_.crash();
  rig_.start();
  hour();
  hour();
  EXPECT_EQ(instances(), (Lines{"completed 1", "completed 2"}));
}

TEST_F(Unheard, TwoEnginesStartItOnce) {
  rig_.deploy(workflow(kStarts));
  booked(1);
  booked(2);
  const auto other = rig_.open_engine();
  hour();
  rig_.advance_ms(60'000);
  other->catch_up();
  rig_.settle();
  EXPECT_EQ(instances(), (Lines{"completed 1", "waiting"}));
}

TEST_F(Unheard, OneWhoseRetentionIsOverStartsNone) {
  rig_.deploy(workflow(kStarts, "  - long: {wait: {days: 10}}\n"));
  booked(1);
  booked(2);
  rig_.advance_ms(8LL * 24 * kHour);
  EXPECT_TRUE(must(rig_.engine().expire_events()));
  rig_.advance_ms(11LL * 24 * kHour);
  hour();
  booked(3);
  EXPECT_EQ(instances(), (Lines{"completed 1", "waiting"}));
}

}  // namespace
}  // namespace rabt::engine::unheard_test
