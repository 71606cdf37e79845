#include "hub/outbox/outbox.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>

#include "tests/must.hpp"
#include "tests/store_under_test.hpp"

namespace rabt::outbox::outbox_test {
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
      return put(transaction, "t1",
                 {.kind = kWebhook,
                  .target = target,
                  .subject = subject,
                  .ref = ref,
                  .put_ms = due_ms,
                  .due_ms = due_ms});
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
    for (const Work& work : due(target, now, limit)) out += work.ref + " ";
    return out;
  }
  void fails(std::string_view ref, std::int64_t attempts, std::int64_t due_ms) {
    write([&](store::Transaction& transaction) {
      again(transaction, "t1", kWebhook, {std::string(ref), 0}, attempts, due_ms);
      return ok_status();
    });
  }
  void ends(std::string_view ref) {
    write([&](store::Transaction& transaction) {
      leave(transaction, "t1", kWebhook, ref);
      return ok_status();
    });
  }

  std::int64_t due_at(const std::string& ref) {
    const DueTimes found = must(due_of(*store_, "t1", kWebhook, {ref}));
    return found.empty() ? -1 : found.begin()->second;
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
  fails("a1", 1, 5'000);
  EXPECT_EQ(refs(), "b1 free1 free2 ") << "what is tried again later holds up its own subject";
  EXPECT_EQ(refs("", 5'000), "b1 free1 free2 a1 ");
  ends("a1");
  EXPECT_EQ(refs(), "a2 b1 free1 free2 ");
}

TEST_F(Outbox, NewWorkGoesBeforeRepeatsAndATargetThatIsAwayHoldsUpNoOther) {
  for (const char* ref : {"old1", "old2", "old3"}) add(ref, "away");
  fails("old1", 3, 500);
  fails("old2", 2, 400);
  fails("old3", 1, 300);
  add("new", "away");
  add("other", "there");
  EXPECT_EQ(refs("away"), "new old3 old2 old1 ") << "repeats in the order of their time";
  EXPECT_EQ(refs("away", 1'000, 2), "new old3 ");
  EXPECT_EQ(refs("there"), "other ");
}

TEST_F(Outbox, WhatWaitsIsPutOnce) {
  add("a", "w", "", 10);
  fails("a", 4, 90'000);
  EXPECT_EQ(refs("w"), "");
  EXPECT_EQ(due_at("a"), 90'000);
  add("a", "w", "", 20);
  add("b2", "w");
  EXPECT_EQ(refs("w"), "a b2 ") << "as if it had not been tried";
  EXPECT_EQ(due_at("a"), 20);
  EXPECT_EQ(due_at("b"), -1) << "it does not wait";
}

TEST_F(Outbox, ItemsOfDueWorkComeInItsOrderAndWithoutThoseThatAreGone) {
  add("old");
  fails("old", 1, 500);
  add("gone");
  add("new");
  const auto items = [&](std::size_t limit, bool fails) {
    return due_items<std::string>(*store_, "t1", kWebhook, "", 1'000, limit,
                                  [&](store::Connection& /*connection*/, const Work& work,
                                      std::vector<std::string>& found) -> Status {
                                    if (fails && work.ref == "new")
                                      return unavailable("test.no", "no");
                                    if (work.ref != "gone") found.push_back("item of " + work.ref);
                                    return ok_status();
                                  });
  };
  EXPECT_EQ(must(items(10, false)), (std::vector<std::string>{"item of new", "item of old"}));
  EXPECT_EQ(must(items(2, false)), (std::vector<std::string>{"item of new"}));
  const auto refused = items(10, true);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, "test.no");
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
  EXPECT_FALSE(store_
                   ->write([&](store::Transaction& transaction) -> Status {
                     leave(transaction, "t1", kWebhook, "kept");
                     return invalid("test.no", "no");
                   })
                   .ok());
  EXPECT_EQ(refs("w"), "kept ");
  store_.reset();
  store_ = database_.open(folder_);
  EXPECT_EQ(refs("w"), "kept ");
  add("later", "w");
  EXPECT_EQ(refs("w"), "kept later ") << "numbers go on behind a start";
}

TEST_F(Outbox, TheWorkOfATargetLeavesAtOnce) {
  add("a", "w1");
  add("b", "w1");
  add("c", "w2");
  write([](store::Transaction& transaction) {
    leave_all(transaction, "t1", kWebhook, "w1");
    return ok_status();
  });
  EXPECT_EQ(must(waiting(*store_, "t1", kWebhook)), (std::set<std::string, std::less<>>{"c"}));
  add("young", "w2", "", 500);
  write([](store::Transaction& transaction) {
    leave_older(transaction, "t1", kWebhook, 500);
    return ok_status();
  });
  EXPECT_EQ(refs("w2"), "young ");
  ends("young");
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

TEST(OutboxShards, OneSessionHasOneShard) {
  std::set<int> seen;
  constexpr std::string_view kAlphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
  for (const char before : kAlphabet) {
    for (const char last : kAlphabet) {
      const std::string session = std::string("01M8KBY066X5PX73DH94NWPH") + before + last;
      const int shard = shard_of(session);
      EXPECT_EQ(shard, shard_of(session + "/files"));
      ASSERT_GE(shard, 0);
      ASSERT_LT(shard, kShards);
      seen.insert(shard);
    }
  }
  EXPECT_EQ(seen.size(), 64U) << "all of them are used";
  EXPECT_EQ(shard_of("short"), 0);
}

}  // namespace
}  // namespace rabt::outbox::outbox_test
