// The store's promises to concurrent writers: put, next, lanes,
// compare-and-set.
#include <algorithm>
#include <set>
#include <thread>

#include "tests/store/support.hpp"

namespace rabt::store::test::writers_test {
namespace {

constexpr Sequence kNumbers{"item"};
constexpr Sequence kOthers{"other"};
constexpr Statement kInsertNew{
    "INSERT INTO item (id, body) VALUES ($1, $2) ON CONFLICT DO NOTHING"};
constexpr Statement kBody{"SELECT body FROM item WHERE id = $1"};
constexpr Statement kSwap{"UPDATE item SET body = $3 WHERE id = $1 AND body = $2"};

// Draws a number in a job of its own.
std::int64_t draw(Store& store, Sequence sequence, bool keep = true) {
  std::int64_t drawn = 0;
  const Status status = store.write([&](Transaction& transaction) -> Status {
    RABT_TRY(number, transaction.next(sequence));
    drawn = number;
    return keep ? ok_status() : Status(invalid("test.no", "no"));
  });
  EXPECT_EQ(status.ok(), keep);
  return drawn;
}

std::string body_of(Connection& connection, std::int64_t id) {
  std::string body;
  EXPECT_TRUE(
      connection.query(kBody, {id}, [&](const Row& row) { return body = row.blob(0), false; })
          .ok());
  return body;
}

// ---- put

TEST(StorePut, KeepsWhatWasPutInOrderAndShowsItToAQuery) {
  const Folder folder;
  const auto store = folder.open();
  std::int64_t seen = 0;
  EXPECT_TRUE(store
                  ->write([&](Transaction& transaction) {
                    for (std::int64_t i = 1; i <= 5; ++i) transaction.put(kInsert, {i, Blob{"x"}});
                    return transaction.query(
                        kCount, {}, [&](const Row& row) { return seen = row.integer(0), true; });
                  })
                  .ok());
  EXPECT_EQ(seen, 5);
  EXPECT_EQ(ids(*store), (std::vector<std::int64_t>{1, 2, 3, 4, 5}));
  EXPECT_EQ(store->stats().rows, 5U);
}

TEST(StorePut, ThatFailsUndoesItsJobAloneAndTellsDone) {
  const Folder folder;
  const auto store = folder.open();
  EXPECT_TRUE(store->write(insert(1)).ok());
  std::vector<std::string> answers;
  bool undone = false;
  const auto note = [&answers](const Status& status) {
    answers.push_back(status.ok() ? "ok" : status.error().code);
  };
  Gate gate(*store);
  store->submit(Store::Need::droppable, insert(2), note);
  store->submit(
      Store::Need::droppable,
      [&](Transaction& transaction) {
        transaction.on_rollback([&] { undone = true; });
        transaction.put(kInsert, {std::int64_t{3}, Blob{"x"}});
        transaction.put(kInsert, {std::int64_t{1}, Blob{"x"}});
        transaction.put(kInsert, {std::int64_t{4}, Blob{"x"}});
        return ok_status();
      },
      note);
  store->submit(Store::Need::droppable, insert(5), note);
  gate.open();
  store->flush();
  EXPECT_EQ(answers, (std::vector<std::string>{"ok", "store.constraint", "ok"}));
  EXPECT_TRUE(undone);
  EXPECT_EQ(ids(*store), (std::vector<std::int64_t>{1, 2, 5}));
}

// ---- next

TEST(StoreNext, DrawsDenseRisingNumbersForEachSequence) {
  const Folder folder;
  const auto store = folder.open();
  for (std::int64_t i = 1; i <= 3000; ++i) ASSERT_EQ(draw(*store, kNumbers), i);
  EXPECT_EQ(draw(*store, kOthers), 1);
}

TEST(StoreNext, DrawsNoNumberTwiceWhenItsJobIsUndone) {
  const Folder folder;
  const auto store = folder.open();
  std::set<std::int64_t> drawn;
  // The first draw reserves the block, and that write is undone with its job.
  for (int i = 0; i < 20; ++i) EXPECT_TRUE(drawn.insert(draw(*store, kNumbers, i % 3 == 2)).second);
}

TEST(StoreNext, DrawsNoNumberTwiceAfterARestartThoughNoRowHasIt) {
  const Folder folder;
  std::int64_t last = 0;
  for (int start = 0; start < 3; ++start) {
    const auto store = folder.open();
    // Undone: nothing of the block may be thought reserved.
    const std::int64_t lost = draw(*store, kNumbers, false);
    EXPECT_GT(lost, last);
    const std::int64_t next = draw(*store, kNumbers);
    EXPECT_GT(next, lost);
    last = next;
  }
}

TEST(StoreNext, DrawsOneNumberOnceAmongJobsOfOneBatchOfWhichSomeFail) {
  const Folder folder;
  const auto store = folder.open();
  std::set<std::int64_t> kept;
  std::size_t runs = 0;  // more than jobs: the neighbours of one that fails may run again
  Gate gate(*store);
  for (int i = 0; i < 300; ++i) {
    store->submit(
        Store::Need::droppable,
        [i, &kept, &runs](Transaction& transaction) -> Status {
          ++runs;
          for (int n = 0; n < 7; ++n) {
            RABT_TRY(number, transaction.next(kNumbers));
            EXPECT_TRUE(kept.insert(number).second);
            transaction.put(kInsert, {number, Blob{"x"}});
          }
          return i % 5 == 0 ? Status(invalid("test.no", "no")) : ok_status();
        },
        [](const Status&) {});
  }
  gate.open();
  store->flush();
  EXPECT_GE(runs, 300U);
  EXPECT_EQ(kept.size(), runs * 7);
  EXPECT_EQ(ids(*store).size(), 240U * 7U);
}

// ---- lanes

TEST(StoreLanes, KeepTheOrderOfTheirJobsAndShowTheirNumber) {
  const Folder folder;
  const auto store = folder.open();
  std::map<Lane, std::vector<int>> order;
  for (int i = 0; i < 500; ++i) {
    store->submit(
        Store::Need::droppable, i % 7,
        [i, &order](Transaction& transaction) {
          EXPECT_EQ(transaction.lane(), i % 7);
          EXPECT_GE(transaction.stream(), 1);
          order[transaction.lane()].push_back(i);
          return ok_status();
        },
        [](const Status& status) { EXPECT_TRUE(status.ok()); },
        i % 2 == 0 ? Store::Caller::waits : Store::Caller::goes_on);
  }
  store->submit(
      Store::Need::droppable,
      [](Transaction& transaction) {
        EXPECT_EQ(transaction.lane(), kNoLane);
        return ok_status();
      },
      [](const Status&) {});
  store->flush();
  for (const auto& [lane, jobs] : order) {
    EXPECT_TRUE(std::is_sorted(jobs.begin(), jobs.end()));
    EXPECT_GE(jobs.size(), 71U);
  }
}

// ---- insert first, compare and set

TEST(StoreRaces, OnlyOneOfManyWhoInsertFirstFindsNoRow) {
  const Folder folder;
  const auto store = folder.open();
  std::atomic<int> won{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([&] {
      for (std::int64_t id = 0; id < 50; ++id) {
        EXPECT_TRUE(store
                        ->write([&](Transaction& transaction) -> Status {
                          RABT_TRY(rows, transaction.execute(kInsertNew, {id, Blob{"x"}}));
                          won += static_cast<int>(rows);
                          return ok_status();
                        })
                        .ok());
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(won, 50);
}

TEST(StoreRaces, AJobThatWasBeatenRunsAgainOnWhatStandsNow) {
  const Folder folder;
  const auto store = folder.open();
  EXPECT_TRUE(store->write(insert(1, "0")).ok());
  // Two engines on one store: each reads outside of its transaction, as one that keeps the row in
  // memory does, and reads again when it was beaten.
  constexpr int kEach = 200;
  std::vector<std::thread> engines;
  for (int e = 0; e < 2; ++e) {
    engines.emplace_back([&] {
      for (int i = 0; i < kEach; ++i) {
        std::string text;
        EXPECT_TRUE(store
                        ->read([&](Connection& connection) {
                          text = body_of(connection, 1);
                          return ok_status();
                        })
                        .ok());
        int runs = 0;
        EXPECT_TRUE(store
                        ->write([&, text](Transaction& transaction) -> Status {
                          const std::string from = ++runs == 1 ? text : body_of(transaction, 1);
                          const std::string to = std::to_string(std::stoi(from) + 1);
                          return compare_and_set(transaction, kSwap,
                                                 {std::int64_t{1}, Blob{from}, Blob{to}});
                        })
                        .ok());
        EXPECT_LE(runs, 2);
      }
    });
  }
  for (auto& engine : engines) engine.join();
  EXPECT_TRUE(store
                  ->read([&](Connection& connection) {
                    EXPECT_EQ(body_of(connection, 1), std::to_string(2 * kEach));
                    return ok_status();
                  })
                  .ok());
}

TEST(StoreRaces, ABeatenJobIsUndoneBeforeItRunsAgain) {
  const Folder folder;
  const auto store = folder.open();
  int runs = 0;
  int undone = 0;
  const auto job = [&](Transaction& transaction) -> Status {
    transaction.on_rollback([&] { ++undone; });
    transaction.put(kInsert, {std::int64_t{7}, Blob{"x"}});
    if (++runs < 3)
      return compare_and_set(transaction, kSwap, {std::int64_t{99}, Blob{"a"}, Blob{"b"}});
    return ok_status();
  };
  // Alone, and among others of a batch.
  EXPECT_TRUE(store->write(job).ok());
  EXPECT_EQ(undone, 2);
  EXPECT_EQ(store->stats().raced, 2U);
  EXPECT_TRUE(store
                  ->write([](Transaction& transaction) {
                    static constexpr Statement kClear{"DELETE FROM item"};
                    return run(transaction, kClear, {});
                  })
                  .ok());
  runs = 0;
  Gate gate(*store);
  store->submit(Store::Need::droppable, insert(1), [](const Status&) {});
  store->submit(Store::Need::droppable, job,
                [](const Status& status) { EXPECT_TRUE(status.ok()); });
  store->submit(Store::Need::droppable, insert(2), [](const Status&) {});
  gate.open();
  store->flush();
  EXPECT_EQ(ids(*store), (std::vector<std::int64_t>{1, 2, 7}));
}

TEST(StoreRaces, AJobThatIsBeatenAlwaysGivesUp) {
  const Folder folder;
  const auto store = folder.open();
  int runs = 0;
  const Status status = store->write([&](Transaction& transaction) -> Status {
    ++runs;
    return compare_and_set(transaction, kSwap, {std::int64_t{99}, Blob{"a"}, Blob{"b"}});
  });
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().code, "store.busy");
  EXPECT_EQ(status.error().kind, ErrorKind::unavailable);
  EXPECT_EQ(runs, kMaxRaces + 1);
}

// ---- figures

TEST(StoreStats, SayWhereTheTimeWent) {
  const Folder folder;
  const auto store = folder.open();
  EXPECT_TRUE(store
                  ->write([](Transaction&) {
                    std::this_thread::sleep_for(std::chrono::milliseconds(5));
                    return ok_status();
                  })
                  .ok());
  EXPECT_TRUE(store->write(insert(1)).ok());
  const auto stats = store->stats();
  EXPECT_GE(stats.in_jobs, std::chrono::milliseconds(5));
  EXPECT_GT(stats.in_commits.count(), 0);
  EXPECT_EQ(stats.commits, 2U);
  EXPECT_EQ(stats.rows, 1U);
}

}  // namespace
}  // namespace rabt::store::test::writers_test
