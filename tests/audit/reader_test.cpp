#include "hub/audit/reader.hpp"

#include <gtest/gtest.h>

#include "tests/audit/support.hpp"

namespace rabt::audit::reader_test {
namespace {

class AuditReader : public Fixture {
 protected:
  void SetUp() override {
    open_log();
    for (int i = 1; i <= 30; ++i) {
      clock_.advance_ms(i == 20 ? -5'000 : 1'000);  // the clock steps back once
      Entry one = entry(i);
      one.act = i % 3 == 0 ? "recording.read" : (i % 3 == 1 ? "recording.stored" : "record");
      one.object = "instance:" + std::to_string(i % 4);
      if (i % 5 == 0) one.patient = i % 10 == 0 ? "p10" : "p5";
      one.purpose = "TREAT";
      one.client = "203.0.113.7";
      one.request = "r" + std::to_string(i);
      one.sealed = "c2VhbGVk";
      times_.push_back(clock_.now().ms);
      write(one);
    }
  }
  void write(const Entry& entry) {
    ASSERT_TRUE(
        store_
            ->write([this, prepared = log_->prepare(entry)](store::Transaction& transaction) {
              return log_->append(transaction, prepared);
            })
            .ok());
  }
  std::vector<std::int64_t> numbers(const Query& query) {
    std::vector<std::int64_t> list;
    EXPECT_TRUE(read_each(*log_, query, [&](const Logged& logged) {
                  list.push_back(logged.seq);
                  return true;
                }).ok());
    return list;
  }
  std::vector<std::int64_t> where(const std::function<bool(int)>& fits) {
    std::vector<std::int64_t> list;
    for (int i = 1; i <= 30; ++i) {
      if (fits(i)) list.push_back(i);
    }
    return list;
  }
  std::vector<std::int64_t> times_;
};

TEST_F(AuditReader, GivesBackEveryFieldOfAnEntry) {
  const auto page = read_page(*log_, {.first = 7, .last = 7}, 10);
  ASSERT_TRUE(page.ok());
  ASSERT_EQ(page->entries.size(), 1U);
  EXPECT_FALSE(page->next.has_value());
  const Logged& logged = page->entries.front();
  EXPECT_EQ(logged.seq, 7);
  EXPECT_EQ(logged.at_ms, times_[6]);
  EXPECT_EQ(logged.entry.tenant, "acme");
  EXPECT_EQ(logged.entry.actor, "hub");
  EXPECT_EQ(logged.entry.act, "recording.stored");
  EXPECT_EQ(logged.entry.object, "instance:3");
  EXPECT_EQ(logged.entry.result, "ok");
  EXPECT_EQ(logged.entry.detail.int_or("n", 0), 7);
  EXPECT_EQ(logged.entry.patient, "");
  EXPECT_EQ(logged.entry.purpose, "TREAT");
  EXPECT_EQ(logged.entry.client, "203.0.113.7");
  EXPECT_EQ(logged.entry.request, "r7");
  EXPECT_EQ(logged.entry.sealed, "c2VhbGVk");
  EXPECT_EQ(Json::parse(logged.canonical)->string_or("request", ""), "r7");
}

TEST_F(AuditReader, FindsByNumberTimeTenantPatientObjectAndAct) {
  EXPECT_EQ(numbers({}), where([](int) { return true; }));
  EXPECT_EQ(numbers({.first = 5, .last = 8}), where([](int i) { return i >= 5 && i <= 8; }));
  EXPECT_EQ(numbers({.tenant = "acme"}).size(), 30U);
  EXPECT_TRUE(numbers({.tenant = "acm"}).empty());
  EXPECT_EQ(numbers({.patient = "p10"}), where([](int i) { return i % 10 == 0; }));
  EXPECT_EQ(numbers({.object = "instance:2"}), where([](int i) { return i % 4 == 2; }));
  EXPECT_EQ(numbers({.patient = "p10", .object = "instance:2"}),
            where([](int i) { return i % 10 == 0 && i % 4 == 2; }));
  EXPECT_EQ(numbers({.act = "recording.read"}), where([](int i) { return i % 3 == 0; }));
  EXPECT_EQ(numbers({.act = "recording.*"}), where([](int i) { return i % 3 != 2; }));
  EXPECT_EQ(numbers({.act = "record"}), where([](int i) { return i % 3 == 2; }));
  EXPECT_EQ(numbers({.act = "*"}).size(), 30U);
}

TEST_F(AuditReader, FindsEveryObjectOfAKindInWhicheverTile) {
  for (int i = 31; i <= 600; ++i) {
    Entry one = entry(i);
    one.object = (i % 100 == 0 ? "grant:" : "instance:") + std::to_string(i);
    write(one);
  }
  EXPECT_EQ(numbers({.object = "grant:*"}),
            (std::vector<std::int64_t>{100, 200, 300, 400, 500, 600}));
  EXPECT_EQ(numbers({.first = 257, .last = 512, .object = "grant:*"}),
            (std::vector<std::int64_t>{300, 400, 500}));
  EXPECT_TRUE(numbers({.object = "gran:*"}).empty());
}

TEST_F(AuditReader, FindsEveryEntryOfATimeAlsoWhenTheClockSteppedBack) {
  const auto in = [&](std::int64_t from, std::int64_t to) {
    return where([&](int i) {
      const std::int64_t at = times_[static_cast<std::size_t>(i - 1)];
      return at >= from && at < to;
    });
  };
  const std::int64_t from = times_[17];
  const std::int64_t to = times_[18];
  ASSERT_EQ(in(from, to).size(), 2U) << "one before and one after the step";
  EXPECT_EQ(numbers({.from_ms = from, .to_ms = to}), in(from, to));
  EXPECT_EQ(numbers({.from_ms = times_[9]}), in(times_[9], INT64_MAX));
  EXPECT_EQ(numbers({.to_ms = times_[3]}), in(INT64_MIN, times_[3]));
  EXPECT_TRUE(numbers({.from_ms = times_[29] + 1'000'000}).empty());
}

TEST_F(AuditReader, PagesWithoutGapOrRepeat) {
  for (const Query& query : {Query{}, Query{.from_ms = times_[2]}, Query{.patient = "p5"}}) {
    std::vector<std::int64_t> seen;
    std::optional<Query> next = query;
    while (next) {
      const auto page = read_page(*log_, *next, 3);
      ASSERT_TRUE(page.ok());
      EXPECT_LE(page->entries.size(), 3U);
      for (const Logged& logged : page->entries) seen.push_back(logged.seq);
      next = page->next;
    }
    EXPECT_EQ(seen, numbers(query));
  }
}

TEST_F(AuditReader, StopsWhenToldAndNamesARowThatIsNoEntry) {
  int seen = 0;
  EXPECT_TRUE(read_each(*log_, {}, [&](const Logged&) { return ++seen < 4; }).ok());
  EXPECT_EQ(seen, 4);
  tamper("UPDATE audit SET canonical = x'7b' WHERE seq = 9");
  const auto page = read_page(*log_, {}, 100);
  ASSERT_FALSE(page.ok());
  EXPECT_EQ(page.error().code, "audit.broken");
  EXPECT_EQ(page.error().kind, ErrorKind::corrupt);
  EXPECT_NE(page.error().message.find("entry 9"), std::string::npos);
}

}  // namespace
}  // namespace rabt::audit::reader_test
