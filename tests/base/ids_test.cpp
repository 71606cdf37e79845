#include "hub/base/ids.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <thread>
#include <vector>

#include "hub/base/bytes.hpp"

namespace rabt::ids_test {
namespace {

TEST(Ulid, WritesAndReadsTheExampleOfItsSpecification) {
  const auto id = Ulid::parse("01ARZ3NDEKTSV4RRFFQ69G5FAV");
  ASSERT_TRUE(id.has_value());
  EXPECT_EQ(id->text(), "01ARZ3NDEKTSV4RRFFQ69G5FAV");
  EXPECT_EQ(Ulid::parse("01arz3ndektsv4rrffq69g5fav"), id);
  std::uint64_t ms = 0;
  for (std::size_t i = 0; i < 6; ++i) ms = ms << 8U | id->bytes[i];
  EXPECT_EQ(ms, 1469922850259U);
}

TEST(Ulid, ReadsTheLargestAndRefusesOneMore) {
  const auto largest = Ulid::parse("7ZZZZZZZZZZZZZZZZZZZZZZZZZ");
  ASSERT_TRUE(largest.has_value());
  for (const auto byte : largest->bytes) EXPECT_EQ(byte, 0xff);
  EXPECT_EQ(largest->text(), "7ZZZZZZZZZZZZZZZZZZZZZZZZZ");
  EXPECT_FALSE(Ulid::parse("80000000000000000000000000").has_value());
}

TEST(Ulid, RefusesWhatIsNone) {
  for (const char* text :
       {"", "01ARZ3NDEKTSV4RRFFQ69G5FA", "01ARZ3NDEKTSV4RRFFQ69G5FAVX",
        "01ARZ3NDEKTSV4RRFFQ69G5FAI", "01ARZ3NDEKTSV4RRFFQ69G5FAL", "01ARZ3NDEKTSV4RRFFQ69G5FAO",
        "01ARZ3NDEKTSV4RRFFQ69G5FAU", "01ARZ3NDEKTSV4RRFFQ69G5FA-"}) {
    EXPECT_FALSE(Ulid::parse(text).has_value()) << text;
  }
  EXPECT_FALSE(Ulid::from_bytes("short").has_value());
}

TEST(Ulid, SortsAlikeAsBytesAndAsText) {
  FakeRandom random;
  std::vector<Ulid> ids(500);
  for (auto& id : ids) random.fill(id.bytes);
  std::sort(ids.begin(), ids.end());
  std::vector<std::string> texts;
  for (const auto& id : ids) {
    texts.push_back(id.text());
    EXPECT_EQ(Ulid::parse(texts.back()), id);
    EXPECT_EQ(Ulid::from_bytes(id.view()), id);
  }
  EXPECT_TRUE(std::is_sorted(texts.begin(), texts.end()));
}

TEST(UlidSource, RisesWhileTheClockStandsMovesAndStepsBack) {
  FakeClock clock;
  FakeRandom random;
  UlidSource source(clock, random);
  Ulid last = source.next();
  for (int i = 0; i < 3000; ++i) {
    clock.advance_ms(i % 7 == 0 ? -1000 : i % 3);
    const Ulid next = source.next();
    ASSERT_LT(last, next) << i;
    last = next;
  }
}

TEST(UlidSource, StartsWithTheMillisecondsOfTheClock) {
  FakeClock clock({1469922850259});
  FakeRandom random;
  EXPECT_EQ(UlidSource(clock, random).next().text().substr(0, 10), "01ARZ3NDEK");
}

TEST(UlidSource, GivesEveryThreadItsOwn) {
  FakeClock clock;
  FakeRandom random;
  UlidSource source(clock, random);
  std::vector<std::vector<Ulid>> made(4);
  std::vector<std::thread> threads;
  for (auto& ids : made)
    threads.emplace_back([&] {
      for (int i = 0; i < 2000; ++i) ids.push_back(source.next());
    });
  for (auto& thread : threads) thread.join();
  std::set<Ulid> all;
  for (const auto& ids : made) all.insert(ids.begin(), ids.end());
  EXPECT_EQ(all.size(), 8000U);
}

TEST(Uuid, IsVersion4InLowerCase) {
  SystemRandom random;
  const std::string shape = "xxxxxxxx-xxxx-4xxx-yxxx-xxxxxxxxxxxx";
  std::set<std::string> seen;
  for (int i = 0; i < 200; ++i) {
    const std::string uuid = make_uuid(random);
    ASSERT_EQ(uuid.size(), shape.size());
    for (std::size_t k = 0; k < shape.size(); ++k) {
      const std::string allowed = shape[k] == 'x'   ? "0123456789abcdef"
                                  : shape[k] == 'y' ? "89ab"
                                                    : std::string(1, shape[k]);
      EXPECT_NE(allowed.find(uuid[k]), std::string::npos) << uuid;
    }
    seen.insert(uuid);
  }
  EXPECT_EQ(seen.size(), 200U);
}

TEST(FakeRandom, RepeatsItselfForOneSeedOnly) {
  Bytes a(32), b(32), c(32), zero(32);
  FakeRandom(1).fill(a);
  FakeRandom(1).fill(b);
  FakeRandom(2).fill(c);
  FakeRandom(0).fill(zero);
  EXPECT_EQ(a, b);
  EXPECT_NE(a, c);
  EXPECT_NE(zero, Bytes(32));
}

// Symptom: two threads drew the same bytes. Cause: FakeRandom said it was synchronised and was not.
TEST(FakeRandom, GivesNoBytesTwiceToThreads) {
  FakeRandom random;
  std::vector<std::vector<std::uint64_t>> made(4);
  std::vector<std::thread> threads;
  for (auto& values : made) {
    threads.emplace_back([&] {
      for (int i = 0; i < 5000; ++i) {
        std::uint64_t value = 0;
        random.fill(std::span(reinterpret_cast<std::uint8_t*>(&value), sizeof value));
        values.push_back(value);
      }
    });
  }
  for (auto& thread : threads) thread.join();
  std::set<std::uint64_t> all;
  for (const auto& values : made) all.insert(values.begin(), values.end());
  EXPECT_EQ(all.size(), 20'000U);
}

TEST(SystemRandom, FillsLargeAndEmptySpans) {
  SystemRandom random;
  random.fill({});
  Bytes large(100'000);  // more than getrandom gives at once to a signal-interrupted caller
  random.fill(large);
  EXPECT_LT(std::count(large.begin(), large.end(), 0), 1000);
}

}  // namespace
}  // namespace rabt::ids_test
