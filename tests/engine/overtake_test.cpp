#include <gtest/gtest.h>

#include "hub/engine/receipt.hpp"
#include "tests/engine/rig.hpp"
#include "tests/must.hpp"

// Events that come before the event that starts the instance which they are meant for.
namespace rabt::engine::overtake_test {
namespace {

const char* const kWorkflow = R"(
document:
  dsl: '1.0.3'
  namespace: test
  name: sample
  version: '1.0.0'
  metadata: {rabt: {businessKey: '${ .k }'}}
schedule: {on: {one: {with: {type: test.booked.v1}}}}
input: {from: '${ .[0].data }'}
do:
  - keep: {set: {k: '${ .k }'}, export: {as: '${ $output }'}}
  - calledOff:
      listen:
        to:
          one:
            with: {type: test.cancelled.v1}
            correlate: {k: {from: .data.k, expect: '${ $context.k }'}}
)";

using rabt::test::must;

class Overtake : public ::testing::Test {
 protected:
  void SetUp() override { rig_.deploy(kWorkflow); }
  // said_ms: minutes from the beginning, as the source tells; without it the source tells no time.
  std::vector<std::string> comes(const std::string& what, std::optional<int> said,
                                 const std::string& key = "A-1") {
    Delivery delivery = rig_.delivery("test." + what + ".v1", Json::object({{"k", key}}),
                                      "d" + std::to_string(++sent_));
    Json& envelope = delivery.events.front();
    if (said) {
      envelope.set("time", to_iso8601({begin_.ms + *said * 60'000LL}));
    } else {
      envelope.set(kTimeOfReceipt, true);
    }
    const Accepted accepted = must(rig_.engine().accept(delivery));
    std::vector<std::string> list;
    const Json answer = must(Json::parse(accepted.answer));
    for (const Json& item : answer["instances"].as_array()) list.push_back(item.as_string());
    rig_.settle();
    return list;
  }
  std::string booked(std::optional<int> said, const std::string& key = "A-1") {
    const auto ids = comes("booked", said, key);
    return ids.size() == 1 ? ids[0] : std::string();
  }

  Rig rig_;
  const Timestamp begin_ = rig_.clock().now();
  int sent_ = 0;
};

TEST_F(Overtake, ACancellationThatOvertookItsBookingMeetsIt) {
  comes("cancelled", 20);
  rig_.advance_ms(24LL * 3'600'000);
  EXPECT_EQ(rig_.wait_status(booked(10), "completed"), "completed");
}

TEST_F(Overtake, ACancellationWithoutATimeMeetsTheBookingThatComesSoon) {
  comes("cancelled", std::nullopt);
  rig_.advance_ms(60'000);
  EXPECT_EQ(rig_.wait_status(booked(std::nullopt), "completed"), "completed");
}

TEST_F(Overtake, ACancellationWithoutATimeDoesNotWaitForLong) {
  comes("cancelled", std::nullopt);
  rig_.advance_ms(2LL * 3'600'000);
  const std::string id = booked(std::nullopt);
  EXPECT_EQ(rig_.status(id), "waiting");
}

TEST_F(Overtake, AnOlderCancellationLeavesANewerBookingUnderTheSameNumber) {
  comes("cancelled", 5);
  EXPECT_EQ(rig_.status(booked(10)), "waiting");
}

TEST_F(Overtake, ACancellationOfTheBookingBeforeLeavesTheNextOne) {
  for (const bool tells : {true, false}) {
    const std::string key = tells ? "B-1" : "B-2";
    const auto said = [&](int minute) { return tells ? std::optional(minute) : std::nullopt; };
    const std::string first = booked(said(1), key);
    comes("cancelled", said(2), key);
    EXPECT_EQ(rig_.wait_status(first, "completed"), "completed");
    EXPECT_EQ(rig_.status(booked(said(3), key)), "waiting") << key;
  }
}

TEST_F(Overtake, ABookingOfTheSameMomentAfterItsCancellationLives) {
  const std::string first = booked(1);
  comes("cancelled", 2);
  EXPECT_EQ(rig_.wait_status(first, "completed"), "completed");
  EXPECT_EQ(rig_.status(booked(2)), "waiting");
}

TEST_F(Overtake, ACancellationUnderAnotherNumberIsNoConcern) {
  comes("cancelled", 20, "A-2");
  EXPECT_EQ(rig_.status(booked(10)), "waiting");
}

TEST_F(Overtake, TheSweepOffersAnEarlyEventAsWell) {
  comes("cancelled", 20);
  const std::string id = booked(30);
  EXPECT_EQ(rig_.status(id), "waiting");
  const std::string other = booked(10, "C-1");
  comes("cancelled", 20, "C-1");
  rig_.crash();
  rig_.start();
  EXPECT_EQ(rig_.status(id), "waiting") << "a restart offers it again, and it is still older";
  EXPECT_EQ(rig_.wait_status(other, "completed"), "completed");
}

// Symptom: a move that was taken over stood in the list of lost deliveries as `event.key_taken`.
// Cause: the instance was busy, and its key was looked at before the events that it waits for. The
// event is kept, and the instance hears of it.
TEST(UseOfAnEvent, AnEventForABusyInstanceIsKeptForIt) {
  const auto use_of = [](const std::string& listens_for, const std::string& ends) {
    Rig rig;
    rig.deploy(R"(
document:
  dsl: '1.0.3'
  namespace: test
  name: sample
  version: '1.0.0'
  metadata: {rabt: {businessKey: '${ .k }'}}
schedule: {on: {one: {with: {type: test.booked.v1}}}}
input: {from: '${ .[0].data }'}
do:
  - keep: {set: {k: '${ .k }'}, export: {as: '${ $output }'}}
  - busy: {wait: {hours: 1}}
  - moved:
      listen:
        to: {one: {with: {type: )" +
               listens_for +
               R"(}, correlate: {k: {from: .data.k, expect: '${ $context.k }'}}}}
)");
    const Json data = Json::object({{"k", "A-1"}});
    const Accepted first = must(rig.engine().accept(rig.delivery("test.booked.v1", data, "d1")));
    EXPECT_EQ(first.use, Accepted::Use::used);
    const std::string id = must(Json::parse(first.answer))["instances"].item(0).as_string();
    EXPECT_EQ(rig.wait_status(id, "waiting"), "waiting");
    const Accepted again = must(rig.engine().accept(rig.delivery("test.booked.v1", data, "d2")));
    rig.advance_ms(2LL * 3'600'000);
    EXPECT_EQ(rig.wait_status(id, ends), ends);
    return again.use;
  };
  EXPECT_EQ(use_of("test.booked.v1", "completed"), Accepted::Use::kept);
  EXPECT_EQ(use_of("test.other.v1", "waiting"), Accepted::Use::key_taken);
}

}  // namespace
}  // namespace rabt::engine::overtake_test
