#include "hub/engine/waiters.hpp"

#include <gtest/gtest.h>

#include <string>

// Sides that the hub keeps in memory while retries wait for them.
namespace rabt::engine::waiters_test {
namespace {

constexpr Timestamp kStart{1'000'000};
constexpr Timestamp at(std::int64_t ms) {
  return {kStart.ms + ms};
}
// Side of an HTTP request.
Side host(int number) {
  return {.role = "http host" + std::to_string(number) + ":443", .action = "post"};
}
Waiters::Waiter waiter(std::int64_t num) {
  return {.num = num, .timer = 1, .due = at(1'000'000'000'000)};
}

// Symptom: memory grew with each host that was ever away. Cause: a side stayed for ever. Caught by:
// more sides than may be kept.
TEST(Waiters, ASideForWhichNothingWaitsIsForgotten) {
  Waiters waiters;
  for (int i = 0; i < 1'000; ++i) {
    const auto outage = waiters.away(host(i), "http", "call", at(i * Waiters::kKeptMs * 2));
    EXPECT_TRUE(waiters.add(outage, waiter(i), at(i * Waiters::kKeptMs * 2)).empty());
    waiters.over(i, 1);
  }
  EXPECT_EQ(waiters.sides(), 1U) << "the newest alone";
}

TEST(Waiters, ASideForWhichSomethingWaitsIsKept) {
  Waiters waiters;
  const auto outage = waiters.away(host(1), "http", "call", at(0));
  EXPECT_TRUE(waiters.add(outage, waiter(7), at(0)).empty());
  (void)waiters.away(host(2), "http", "call", at(Waiters::kKeptMs * 100));
  EXPECT_EQ(waiters.sides(), 2U);
  const auto alarms = waiters.back(host(1), 9, "call", at(Waiters::kKeptMs * 100));
  ASSERT_EQ(alarms.size(), 1U) << "its retry is woken";
  EXPECT_EQ(alarms[0].instance, 7);
  EXPECT_TRUE(waiters.rang(alarms[0]));
  // Until its call was done it gets no other alarm.
  (void)waiters.away(host(2), "http", "call", at(Waiters::kKeptMs * 200));
  const auto again = waiters.away(host(1), "http", "call", at(Waiters::kKeptMs * 200));
  EXPECT_TRUE(waiters.add(again, waiter(7), at(Waiters::kKeptMs * 200)).empty());
  EXPECT_TRUE(waiters.back(host(1), 9, "call", at(Waiters::kKeptMs * 200)).empty());
  (void)waiters.back(host(1), 7, "call", at(Waiters::kKeptMs * 200));
  (void)waiters.away(host(3), "http", "call", at(Waiters::kKeptMs * 400));
  EXPECT_EQ(waiters.sides(), 1U);
}

// The call failed, its side came back, and the retry was stored only then.
TEST(Waiters, ARetryThatIsOnItsWayToTheStoreIsWoken) {
  Waiters waiters;
  const auto outage = waiters.away(host(1), "http", "call", at(0));
  EXPECT_TRUE(waiters.back(host(1), 9, "call", at(10)).empty());
  (void)waiters.away(host(2), "http", "call", at(Waiters::kKeptMs));
  EXPECT_EQ(waiters.add(outage, waiter(7), at(Waiters::kKeptMs)).size(), 1U);
}

// A retry whose side was forgotten meanwhile waits for the next call that is done, or its timer.
TEST(Waiters, ARetryThatComesAfterItsSideWasForgottenIsWokenByTheNextCall) {
  Waiters waiters;
  const auto outage = waiters.away(host(1), "http", "call", at(0));
  EXPECT_TRUE(waiters.back(host(1), 9, "call", at(10)).empty());
  (void)waiters.away(host(2), "http", "call", at(Waiters::kKeptMs + 11));
  EXPECT_EQ(waiters.sides(), 1U);
  EXPECT_TRUE(waiters.add(outage, waiter(7), at(Waiters::kKeptMs + 12)).empty());
  EXPECT_EQ(waiters.back(host(1), 9, "call", at(Waiters::kKeptMs + 13)).size(), 1U);
}

}  // namespace
}  // namespace rabt::engine::waiters_test
