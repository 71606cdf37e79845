#include "hub/base/settled_clock.hpp"

#include <gtest/gtest.h>

namespace rabt::settled_clock_test {
namespace {

constexpr std::int64_t kMinute = 60'000;
constexpr std::int64_t kDay = 24 * 60 * kMinute;

// A machine whose clock may be set while it runs.
class Machine final : public Clock {
 public:
  [[nodiscard]] Timestamp now() const override { return {1'773'000'000'000 + up_ + set_by_}; }
  [[nodiscard]] std::int64_t monotonic_ms() const override { return up_; }
  void runs(std::int64_t ms) { up_ += ms; }
  void set_by(std::int64_t ms) { set_by_ += ms; }

 private:
  std::int64_t up_ = 5'000;
  std::int64_t set_by_ = 0;
};

TEST(SettledClock, GoesWithTheWallClock) {
  Machine machine;
  const SettledClock clock(machine);
  machine.runs(3 * kDay);
  EXPECT_EQ(clock.now(), machine.now());
  machine.set_by(SettledClock::kTakenAtOnce.count());
  EXPECT_EQ(clock.now(), machine.now());
  EXPECT_EQ(clock.ahead_ms(), 0);
}

// Symptom: 60 visits ended when the clock of the machine stood 60 days ahead for some seconds.
// Cause: due times were compared with the wall clock alone.
// Caught: the step is made here.
TEST(SettledClock, DoesNotFollowAStepThatIsTakenBack) {
  for (const std::int64_t step : {60 * kDay, -60 * kDay, SettledClock::kTakenAtOnce.count() + 1}) {
    Machine machine;
    const SettledClock clock(machine);
    const Timestamp before = clock.now();
    machine.set_by(step);
    machine.runs(10 * kMinute);
    EXPECT_EQ(clock.now().ms, before.ms + 10 * kMinute);
    EXPECT_EQ(clock.ahead_ms(), step);
    machine.set_by(-step);
    machine.runs(SettledClock::kBelievedAfter.count());
    EXPECT_EQ(clock.now(), machine.now());
    EXPECT_EQ(clock.ahead_ms(), 0);
  }
}

TEST(SettledClock, FollowsAStepThatLasts) {
  Machine machine;
  const SettledClock clock(machine);
  machine.set_by(kDay);
  EXPECT_NE(clock.now(), machine.now());
  machine.runs(SettledClock::kBelievedAfter.count() - 1);
  EXPECT_NE(clock.now(), machine.now());
  machine.runs(1);
  EXPECT_EQ(clock.now(), machine.now());
}

TEST(SettledClock, AnotherStepWaitsAnew) {
  Machine machine;
  const SettledClock clock(machine);
  machine.set_by(kDay);
  (void)clock.now();
  machine.runs(SettledClock::kBelievedAfter.count() - kMinute);
  machine.set_by(kDay);
  EXPECT_EQ(clock.ahead_ms(), 2 * kDay);
  machine.runs(2 * kMinute);
  EXPECT_EQ(clock.ahead_ms(), 2 * kDay);
}

}  // namespace
}  // namespace rabt::settled_clock_test
