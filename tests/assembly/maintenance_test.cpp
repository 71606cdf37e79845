#include "hub/assembly/maintenance.hpp"

#include <gtest/gtest.h>

#include <filesystem>

#include "hub/base/clock.hpp"
#include "tests/crypto/support.hpp"
#include "tests/keyring.hpp"
#include "tests/recording_logger.hpp"

namespace rabt::assembly::maintenance_test {
namespace {

// A clock whose wall time and uptime can part, as when somebody sets the date.
class JumpingClock final : public Clock {
 public:
  [[nodiscard]] Timestamp now() const override { return {wall_ms}; }
  [[nodiscard]] std::int64_t monotonic_ms() const override { return uptime_ms; }
  void pass(std::int64_t ms) {
    wall_ms += ms;
    uptime_ms += ms;
  }
  std::int64_t wall_ms = 1'773'000'000'000;
  std::int64_t uptime_ms = 5'000;
};

// Number of removals due within `hours`, asked every five seconds as the hub does.
int times_within(JumpingClock& clock, RemovalTimes& times, int hours) {
  int due = 0;
  for (std::int64_t passed = 0; passed < hours * kHourMs; passed += 5000) {
    clock.pass(5000);
    due += times.due() ? 1 : 0;
  }
  return due;
}

TEST(RemovalTimes, AreOnceAnHourAndNotInTheFirst) {
  JumpingClock clock;
  RemovalTimes times(clock);
  EXPECT_FALSE(times.due());
  clock.pass(kHourMs - 1);
  EXPECT_FALSE(times.due());
  clock.pass(1);
  EXPECT_TRUE(times.due());
  EXPECT_FALSE(times.due());
  EXPECT_EQ(times_within(clock, times, 24), 24);
}

TEST(RemovalTimes, WaitForADayAfterTheDateWasSet) {
  for (const std::int64_t jump : {400 * 24 * kHourMs, -2 * kHourMs}) {
    JumpingClock clock;
    RemovalTimes times(clock);
    clock.pass(kHourMs);
    clock.wall_ms += jump;
    EXPECT_FALSE(times.due());
    EXPECT_EQ(times_within(clock, times, 23), 0);
    clock.wall_ms -= jump;  // and back: the day begins again
    EXPECT_EQ(times_within(clock, times, 23), 0);
    EXPECT_EQ(times_within(clock, times, 3), 2);
  }
}

TEST(KeyringTrouble, IsSaidOnceAndSoIsItsEnd) {
  const test::TemporaryFolder folder;
  const SystemClock clock;
  SystemRandom random;
  const auto keyring = test::open_keyring(folder.text(), clock, random);
  test::RecordingLogger log;
  KeyringTrouble trouble(*keyring, log);
  const auto looked = [&] {
    for (int i = 0; i < 3; ++i) trouble.look();
    return log.lines();
  };
  EXPECT_TRUE(looked().empty());
  // In the place of the file that is written before it becomes the keyring.
  const std::string in_the_way = folder.text() + "/keyring.tmp";
  ASSERT_TRUE(std::filesystem::create_directory(in_the_way));
  EXPECT_FALSE(keyring->ensure_buckets("t1", {"event/2031-01"}).ok());
  std::vector<std::string> lines{"keys.not_written code=crypto.keyring_io"};
  EXPECT_EQ(looked(), lines);
  std::filesystem::remove(in_the_way);
  EXPECT_TRUE(keyring->ensure_buckets("t1", {"event/2031-01"}).ok());
  lines.emplace_back("keys.written_again");
  EXPECT_EQ(looked(), lines);
}

}  // namespace
}  // namespace rabt::assembly::maintenance_test
