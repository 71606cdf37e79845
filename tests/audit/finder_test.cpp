#include "hub/audit/finder.hpp"

#include <gtest/gtest.h>

#include <random>

#include "hub/audit/reader.hpp"
#include "tests/audit/support.hpp"

namespace rabt::audit::finder_test {
namespace {

// 1,000 entries, three full tiles and the begin of a fourth; the clock jumps both ways.
class AuditFinder : public Fixture {
 protected:
  static constexpr int kEntries = 1'000;

  void SetUp() override {
    // The log does not look at itself while a test removes look-up rows.
    LogOptions blind = options();
    blind.look_interval = std::chrono::hours(1);
    open_log(std::move(blind));
    std::mt19937 random(7);
    for (int i = 1; i <= kEntries; ++i) {
      clock_.advance_ms(static_cast<std::int64_t>(random() % 2'000) - 700);
      if (i % 300 == 0) clock_.advance_ms(-400'000);
      Entry one = entry(i);
      one.object = i % 7 == 0 ? "" : "instance:" + std::to_string(i / 40);
      if (i % 3 == 0) one.patient = "p" + std::to_string(i / 100);
      entries_.push_back(one);
      times_.push_back(clock_.now().ms);
      store_->submit(
          store::Store::Need::required,
          [this, prepared = log_->prepare(one)](store::Transaction& transaction) {
            return log_->append(transaction, prepared);
          },
          [](const Status& status) { EXPECT_TRUE(status.ok()); });
    }
    store_->flush();
  }
  std::vector<std::int64_t> found(const Query& query, std::size_t limit) {
    std::vector<std::int64_t> list;
    std::optional<Query> next = query;
    while (next) {
      const auto page = read_page(*log_, *next, limit);
      EXPECT_TRUE(page.ok());
      if (!page.ok()) break;
      EXPECT_LE(page->entries.size(), limit);
      for (const Logged& logged : page->entries) list.push_back(logged.seq);
      next = page->next;
    }
    return list;
  }
  [[nodiscard]] std::vector<std::int64_t> expected(const Query& query) const {
    std::vector<std::int64_t> list;
    for (int i = 1; i <= kEntries; ++i) {
      const Entry& entry = entries_[static_cast<std::size_t>(i - 1)];
      const std::int64_t at = times_[static_cast<std::size_t>(i - 1)];
      if (i >= query.first && i <= query.last && at >= query.from_ms && at < query.to_ms &&
          (query.object.empty() || entry.object == query.object) &&
          (query.patient.empty() || entry.patient == query.patient)) {
        list.push_back(i);
      }
    }
    return list;
  }
  std::vector<std::pair<std::int64_t, std::int64_t>> runs(const Wanted& wanted,
                                                          std::int64_t first = 1,
                                                          std::int64_t last = INT64_MAX) {
    std::vector<std::pair<std::int64_t, std::int64_t>> list;
    EXPECT_TRUE(store_
                    ->read([&](store::Connection& connection) {
                      return each_run(connection, &mac_key_, wanted, first, last,
                                      [&](std::int64_t from, std::int64_t to) -> Result<bool> {
                                        list.emplace_back(from, std::min<std::int64_t>(to, 9'999));
                                        return true;
                                      });
                    })
                    .ok());
    return list;
  }
  const SecretBytes mac_key_ = test_mac_key();
  std::vector<Entry> entries_;
  std::vector<std::int64_t> times_;
};

TEST_F(AuditFinder, FindsWhatAScanOfAllEntriesFinds) {
  std::vector<Query> queries;
  for (const char* object :
       {"", "instance:0", "instance:6", "instance:12", "instance:25", "none"}) {
    for (const char* patient : {"", "p0", "p5", "p9", "none"}) {
      for (const auto& [from, to] : std::vector<std::pair<std::int64_t, std::int64_t>>{
               {INT64_MIN, INT64_MAX},
               {times_[40], times_[60]},
               {times_[298], times_[299] + 100'000},
               {times_[700], INT64_MAX},
               {INT64_MIN, times_[500]},
               {times_[999] + 10'000'000, INT64_MAX}}) {
        queries.push_back({.from_ms = from, .to_ms = to, .patient = patient, .object = object});
      }
    }
  }
  queries.push_back({.first = 200, .last = 600, .object = "instance:12"});
  queries.push_back({.first = 257, .last = 512, .patient = "p4"});
  queries.push_back({.first = 900, .patient = "p9"});
  queries.push_back({.first = 0, .last = 0});
  queries.push_back({.first = 700, .last = 600, .patient = "p6"});
  std::size_t with_result = 0;
  // Without its row a tile is searched all the same.
  for (const char* gone : {"tile < 0", "tile = 1", "tile = 0", "tile >= 0"}) {
    tamper(std::string("DELETE FROM audit_find WHERE ") + gone);
    for (const Query& query : queries) {
      const auto wanted = expected(query);
      if (!wanted.empty()) ++with_result;
      EXPECT_EQ(found(query, 256), wanted) << query.object << " " << query.patient;
      if (wanted.size() < 100) {
        EXPECT_EQ(found(query, 3), wanted);
      }
    }
  }
  EXPECT_GT(with_result, 100U);
}

TEST_F(AuditFinder, LeavesOutTilesThatCannotHoldWhatIsWanted) {
  using Runs = std::vector<std::pair<std::int64_t, std::int64_t>>;
  EXPECT_EQ(runs({}), (Runs{{1, 9'999}}));
  EXPECT_EQ(runs({.object = "instance:0"}), (Runs{{1, 256}, {769, 9'999}}));
  EXPECT_EQ(runs({.object = "instance:6"}), (Runs{{1, 512}, {769, 9'999}})) << "in two tiles";
  EXPECT_EQ(runs({.patient = "p5"}), (Runs{{257, 9'999}}));
  EXPECT_EQ(runs({.patient = "p5"}, 300, 700), (Runs{{300, 700}}));
  EXPECT_EQ(runs({.patient = "p1"}, 300, 700), (Runs{}));
  EXPECT_EQ(runs({.object = "instance:0", .patient = "p7"}), (Runs{{769, 9'999}}));
  EXPECT_EQ(runs({.object = "p1"}), (Runs{{769, 9'999}})) << "a patient is no object";
  EXPECT_EQ(runs({.from_ms = times_[999] + 10'000'000}), (Runs{{769, 9'999}}));
  EXPECT_EQ(runs({.patient = "p5"}, 5, 4), (Runs{}));
  // Whatever stands in the table, there is no end to run past.
  tamper("INSERT INTO audit_find VALUES (36028797018963967, 0, 0, x'', x'')");
  EXPECT_EQ(runs({.patient = "none"}), (Runs{{769, 9'999}}));
}

TEST_F(AuditFinder, ARowThatWouldHideItsTileIsNamed) {
  for (const char* set : {"keys = x''", "to_ms = 0", "from_ms = 9000000000000", "mac = x''",
                          "keys = (SELECT keys FROM audit_find WHERE tile = 2), from_ms = (SELECT "
                          "from_ms FROM audit_find WHERE tile = 2), to_ms = (SELECT to_ms FROM "
                          "audit_find WHERE tile = 2), mac = (SELECT mac FROM audit_find WHERE "
                          "tile = 2)"}) {
    tamper("CREATE TABLE IF NOT EXISTS kept AS SELECT * FROM audit_find");
    tamper(std::string("UPDATE audit_find SET ") + set + " WHERE tile = 1");
    Error refused = invalid("none", "");
    const Status read = store_->read([&](store::Connection& connection) {
      const auto page = read_page(connection, {.mac_key = &mac_key_}, {.object = "instance:12"}, 9);
      if (!page.ok()) refused = page.error();
      return ok_status();
    });
    ASSERT_TRUE(read.ok());
    EXPECT_EQ(refused.code, "audit.broken") << set;
    EXPECT_TRUE(refused.message.starts_with("tile 0/1: its look-up row")) << refused.message;
    tamper("DELETE FROM audit_find; INSERT INTO audit_find SELECT * FROM kept; DROP TABLE kept");
  }
  // Whoever has no key reads everything.
  EXPECT_TRUE(store_
                  ->read([&](store::Connection& connection) {
                    return each_run(connection, nullptr, {.object = "none"}, 1, 1'000,
                                    [](std::int64_t from, std::int64_t to) -> Result<bool> {
                                      EXPECT_EQ(from, 1);
                                      EXPECT_EQ(to, 1'000);
                                      return true;
                                    });
                  })
                  .ok());
}

TEST_F(AuditFinder, WritesTheKeysOfTheFormatPage) {
  const auto page = content(migrations() + "/../../docs/formats/audit_log.md");
  Entry entry;
  entry.tenant = "acme";
  std::string kind;
  std::vector<std::string> keys;
  for (const auto& [name, text] :
       {std::pair{"object     ", &entry.object}, std::pair{"kind       ", &kind},
        std::pair{"patient    ", &entry.patient}}) {
    const auto at = page.find(std::string("\n") + name);
    ASSERT_NE(at, std::string::npos) << name;
    const auto line = page.find('\n', at + 1);
    *text = page.substr(at + 12, line - at - 12);
    ASSERT_EQ(page.substr(line + 1, 11), "key        ");
    keys.push_back(page.substr(line + 12, 8));
  }
  std::sort(keys.begin(), keys.end());
  for (int i = kEntries; i < 1'280; ++i) {
    ASSERT_TRUE(
        store_
            ->write([this, prepared = log_->prepare(entry)](store::Transaction& transaction) {
              return log_->append(transaction, prepared);
            })
            .ok());
  }
  EXPECT_EQ(ask("SELECT lower(hex(keys)) FROM audit_find WHERE tile = 4"),
            keys[0] + keys[1] + keys[2]);
  EXPECT_EQ(kind_of(entry.object), kind);
}

TEST_F(AuditFinder, ATileThatWasUndoneLeavesNoRow) {
  store_->flush();
  EXPECT_EQ(ask("SELECT count(*) FROM audit_find"), "3");
  const int missing = 1'024 - kEntries;
  for (int i = 1; i < missing; ++i) ASSERT_TRUE(store_->write(append(i)).ok());
  EXPECT_FALSE(store_->write(append(missing, true)).ok());
  EXPECT_EQ(ask("SELECT count(*) FROM audit_find"), "3");
  ASSERT_TRUE(store_->write(append(missing)).ok());
  EXPECT_EQ(ask("SELECT count(*) FROM audit_find"), "4");
  close_log();
  EXPECT_EQ(problems(), Texts{});
}

}  // namespace
}  // namespace rabt::audit::finder_test
