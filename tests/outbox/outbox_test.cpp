#include "hub/outbox/outbox.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>

#include "tests/must.hpp"
#include "tests/store_under_test.hpp"

namespace rabt::outbox {
namespace {

using rabt::test::must;

class Outbox : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (std::filesystem::temp_directory_path() / "rabt-outbox-XXXXXX").string();
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
    store_ = database_.open(folder_);
  }
  void TearDown() override {
    store_.reset();
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }
  void write(const store::Store::Job& job) { must(store_->write(job)); }
  void add(std::string_view ref, std::string_view target = "", std::string_view subject = "",
           std::int64_t due_ms = 0) {
    write([&](store::Transaction& transaction) {
      return put(
          transaction, "t1",
          {.kind = kWebhook, .target = target, .subject = subject, .ref = ref, .due_ms = due_ms});
    });
  }
  std::vector<Work> due(std::string_view target = "", std::int64_t now = 1'000,
                        std::size_t limit = 10) {
    std::vector<Work> found;
    must(store_->read([&](store::Connection& connection) {
      return outbox::due(connection, "t1", kWebhook, target, now, limit, found);
    }));
    return found;
  }
  std::string refs(std::string_view target = "", std::int64_t now = 1'000, std::size_t limit = 10) {
    std::string out;
    for (const Work& one : due(target, now, limit)) out += one.ref + " ";
    return out;
  }
  void fails(std::int64_t n, std::int64_t attempts, std::int64_t due_ms) {
    write([&](store::Transaction& transaction) {
      return again(transaction, "t1", n, attempts, due_ms);
    });
  }
  void ends(std::int64_t n) {
    write([&](store::Transaction& transaction) { return leave(transaction, "t1", n); });
  }

  std::string folder_;
  const test::StoreUnderTest database_;
  std::unique_ptr<store::Store> store_;
};

TEST_F(Outbox, OneSubjectLeavesInItsOrderAndHoldsUpNoOther) {
  add("a1", "", "a");
  add("a2", "", "a");
  add("b1", "", "b");
  add("free1");
  add("free2");
  EXPECT_EQ(refs(), "a1 b1 free1 free2 ");
  const std::int64_t first = due()[0].n;
  fails(first, 1, 5'000);
  EXPECT_EQ(refs(), "b1 free1 free2 ") << "what is tried again later holds up its own subject";
  EXPECT_EQ(refs("", 5'000), "b1 free1 free2 a1 ");
  ends(first);
  EXPECT_EQ(refs(), "a2 b1 free1 free2 ");
}

TEST_F(Outbox, NewWorkGoesBeforeRepeatsAndATargetThatIsAwayHoldsUpNoOther) {
  for (const char* ref : {"old1", "old2", "old3"}) add(ref, "away");
  for (const Work& one : due("away")) fails(one.n, 3, 500 - one.n);
  add("new", "away");
  add("other", "there");
  EXPECT_EQ(refs("away"), "new old3 old2 old1 ") << "repeats in the order of their time";
  EXPECT_EQ(refs("away", 1'000, 2), "new old3 ");
  EXPECT_EQ(refs("there"), "other ");
}

TEST_F(Outbox, WhatWaitsIsPutOnce) {
  add("a", "w", "", 10);
  fails(due("w")[0].n, 4, 90'000);
  EXPECT_EQ(refs("w"), "");
  EXPECT_EQ(must(due_of(*store_, "t1", kWebhook, "a")), 90'000);
  add("a", "w", "", 20);
  ASSERT_EQ(due("w").size(), 1U);
  EXPECT_EQ(due("w")[0].attempts, 0) << "as if it had not been tried";
  EXPECT_EQ(must(due_of(*store_, "t1", kWebhook, "a")), 20);
  EXPECT_FALSE(must(due_of(*store_, "t1", kWebhook, "b")).has_value());
}

TEST_F(Outbox, WorkIsKeptAndLeftWithTheCommitAroundIt) {
  EXPECT_FALSE(store_
                   ->write([](store::Transaction& transaction) -> Status {
                     RABT_TRY_STATUS(put(transaction, "t1", {.kind = kEvent, .ref = "undone"}));
                     return invalid("test.no", "no");
                   })
                   .ok());
  add("kept", "w");
  EXPECT_EQ(must(waiting(*store_, "t1", kEvent)).size(), 0U);
  const std::int64_t n = due("w")[0].n;
  EXPECT_FALSE(store_
                   ->write([&](store::Transaction& transaction) -> Status {
                     RABT_TRY_STATUS(leave(transaction, "t1", n));
                     return invalid("test.no", "no");
                   })
                   .ok());
  EXPECT_EQ(refs("w"), "kept ");
  store_.reset();
  store_ = database_.open(folder_);
  EXPECT_EQ(refs("w"), "kept ");
  add("later", "w");
  EXPECT_GT(due("w")[1].n, n) << "numbers go on behind a start";
}

TEST_F(Outbox, TheWorkOfATargetLeavesAtOnce) {
  add("a", "w1");
  add("b", "w1");
  add("c", "w2");
  write(
      [](store::Transaction& transaction) { return leave_all(transaction, "t1", kWebhook, "w1"); });
  EXPECT_EQ(must(waiting(*store_, "t1", kWebhook)), (std::set<std::string, std::less<>>{"c"}));
  write([](store::Transaction& transaction) { return leave(transaction, "t1", kWebhook, "c"); });
  EXPECT_FALSE(must(oldest(*store_, "t1", kWebhook)).has_value());
}

TEST_F(Outbox, MetricsSayHowMuchWaitsAndForHowLong) {
  add("a", "w1", "", 2'000);
  add("b", "w1", "", 9'000);
  MetricsWriter out;
  write_metrics(*store_, "t1", {62'000}, out);
  EXPECT_NE(out.str().find("rabt_outbox_waiting{kind=\"webhook\",target=\"w1\"} 2\n"),
            std::string::npos)
      << out.str();
  EXPECT_NE(out.str().find("rabt_outbox_oldest_seconds{kind=\"webhook\",target=\"w1\"} 60\n"),
            std::string::npos)
      << out.str();
}

TEST(OutboxShards, OneSubjectHasOneShard) {
  std::set<int> seen;
  for (int i = 0; i < 2'000; ++i) {
    const int shard = shard_of("w", "session" + std::to_string(i));
    EXPECT_EQ(shard, shard_of("w", "session" + std::to_string(i)));
    ASSERT_GE(shard, 0);
    ASSERT_LT(shard, kShards);
    seen.insert(shard);
  }
  EXPECT_EQ(seen.size(), 64U) << "all of them are used";
  // Kept in databases: the same in every build.
  EXPECT_EQ(shard_of("", ""), 29);
}

}  // namespace
}  // namespace rabt::outbox
