#include <chrono>
#include <cstdio>
#include <future>
#include <thread>

#include "tests/store/support.hpp"

namespace rabt::store::test::store_test {
namespace {

constexpr Statement kReversed{"SELECT $2, $1, $2"};
constexpr Statement kGap{"SELECT $1, $3"};
constexpr Statement kQuestionMark{"SELECT ?"};
constexpr Statement kNoSuchTable{"SELECT * FROM nothing"};
constexpr Statement kTypes{"SELECT $1, $2, $3, $4, $5"};
constexpr Statement kUpdate{"UPDATE item SET body = $2 WHERE id <= $1"};

TEST(Store, KeepsWhatAJobWrote) {
  const Folder folder;
  {
    const auto store = folder.open();
    EXPECT_TRUE(store->write(insert(7)).ok());
    EXPECT_EQ(ids(*store), std::vector<std::int64_t>{7});
  }
  EXPECT_EQ(ids(*folder.open()), std::vector<std::int64_t>{7});
}

TEST(Store, BindsEveryKindOfValueAndReadsItBack) {
  const Folder folder;
  const auto store = folder.open();
  const std::string bytes("\0\xff\x01", 3);
  const Status status = store->read([&](Connection& connection) {
    return connection.query(
        kTypes,
        {Null{}, std::int64_t{INT64_MIN}, std::string_view("نص"), Blob{bytes}, std::string_view()},
        [&](const Row& row) {
          EXPECT_TRUE(row.is_null(0));
          EXPECT_EQ(row.integer(1), INT64_MIN);
          EXPECT_EQ(row.text(2), "نص");
          EXPECT_EQ(row.blob(3), bytes);
          EXPECT_FALSE(row.is_null(4));  // an empty text is not NULL
          EXPECT_EQ(row.text(4), "");
          return true;
        });
  });
  EXPECT_TRUE(status.ok());
}

TEST(Store, NumbersParametersByTheirNumberAndNotByTheirPlace) {
  const Folder folder;
  const auto store = folder.open();
  EXPECT_TRUE(store
                  ->read([](Connection& connection) {
                    return connection.query(kReversed, {std::int64_t{1}, std::int64_t{2}},
                                            [](const Row& row) {
                                              EXPECT_EQ(row.integer(0), 2);
                                              EXPECT_EQ(row.integer(1), 1);
                                              EXPECT_EQ(row.integer(2), 2);
                                              return true;
                                            });
                  })
                  .ok());
  for (const Statement& wrong : {kGap, kQuestionMark, kNoSuchTable}) {
    const Status status = store->read([&](Connection& connection) {
      return connection.query(wrong, {std::int64_t{1}}, [](const Row&) { return true; });
    });
    ASSERT_FALSE(status.ok()) << wrong.sql;
    EXPECT_EQ(status.error().code, "store.sql");
  }
}

TEST(Store, RefusesAWrongNumberOfValues) {
  const Folder folder;
  const auto store = folder.open();
  const Status status = store->write([](Transaction& transaction) -> Status {
    RABT_TRY(rows, transaction.execute(kInsert, {std::int64_t{1}}));
    (void)rows;
    return ok_status();
  });
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().code, "store.sql");
}

TEST(Store, CountsTheRowsThatAStatementChanged) {
  const Folder folder;
  const auto store = folder.open();
  for (int i = 1; i <= 5; ++i) EXPECT_TRUE(store->write(insert(i)).ok());
  EXPECT_TRUE(store
                  ->write([](Transaction& transaction) -> Status {
                    RABT_TRY(rows, transaction.execute(kUpdate, {std::int64_t{3}, Blob{"y"}}));
                    EXPECT_EQ(rows, 3);
                    RABT_TRY(none, transaction.execute(kUpdate, {std::int64_t{0}, Blob{"y"}}));
                    EXPECT_EQ(none, 0);
                    return ok_status();
                  })
                  .ok());
}

TEST(Store, RunsTheSameQueryInsideItself) {
  const Folder folder;
  const auto store = folder.open();
  for (int i = 1; i <= 3; ++i) EXPECT_TRUE(store->write(insert(i)).ok());
  int pairs = 0;
  EXPECT_TRUE(store
                  ->read([&](Connection& connection) {
                    return connection.query(kIds, {}, [&](const Row&) {
                      EXPECT_TRUE(connection
                                      .query(kIds, {},
                                             [&](const Row&) {
                                               ++pairs;
                                               return true;
                                             })
                                      .ok());
                      return true;
                    });
                  })
                  .ok());
  EXPECT_EQ(pairs, 9);
}

TEST(Store, ReadsOneSnapshotForTheWholeFunction) {
  const Folder folder;
  const auto store = folder.open();
  EXPECT_TRUE(store->write(insert(1)).ok());
  EXPECT_TRUE(store
                  ->read([&](Connection& connection) -> Status {
                    std::int64_t before = 0;
                    std::int64_t after = 0;
                    RABT_TRY_STATUS(connection.query(
                        kCount, {}, [&](const Row& row) { return before = row.integer(0), true; }));
                    EXPECT_TRUE(store->write(insert(2)).ok());
                    RABT_TRY_STATUS(connection.query(
                        kCount, {}, [&](const Row& row) { return after = row.integer(0), true; }));
                    EXPECT_EQ(before, 1);
                    EXPECT_EQ(after, 1);
                    return ok_status();
                  })
                  .ok());
  EXPECT_EQ(ids(*store).size(), 2U);
}

TEST(Store, DoesNotLetAReaderWrite) {
  const Folder folder;
  const auto store = folder.open();
  const Status status = store->read([](Connection& connection) {
    return connection.query(kInsert, {std::int64_t{1}, Blob{"x"}}, [](const Row&) { return true; });
  });
  EXPECT_FALSE(status.ok());
  EXPECT_TRUE(ids(*store).empty());
}

TEST(Store, RunsWhatAJobLeftForItsCommitOnceItIsDurableAndBeforeDone) {
  const Folder folder;
  const auto store = folder.open();
  std::vector<std::string> order;
  Gate gate(*store);
  for (int i = 0; i < 3; ++i) {
    store->submit(
        Store::Need::droppable,
        [i, &order](Transaction& transaction) -> Status {
          transaction.on_commit([i, &order] { order.push_back("then " + std::to_string(i)); });
          RABT_TRY_STATUS(run(transaction, kInsert, {std::int64_t{i}, Blob{"x"}}));
          if (i == 1) return invalid("test.no", "no");
          return ok_status();
        },
        [i, &order](const Status& status) {
          order.push_back((status.ok() ? "done " : "failed ") + std::to_string(i));
        });
  }
  gate.open();
  store->flush();
  // The batch ran again without the one that failed: nothing runs twice.
  EXPECT_EQ(order, (std::vector<std::string>{"then 0", "done 0", "failed 1", "then 2", "done 2"}));
}

TEST(Store, UndoesAFailingJobAloneWhileItsNeighboursCommit) {
  const Folder folder;
  const auto store = folder.open();
  std::vector<int> order;
  std::vector<bool> oks;
  std::vector<int> undone;
  std::vector<std::thread::id> threads;
  std::uint64_t commits = 0;
  Gate gate(*store);
  for (int i = 0; i < 9; ++i) {
    store->submit(
        Store::Need::droppable,
        [i, &undone](Transaction& transaction) -> Status {
          transaction.on_rollback([i, &undone] { undone.push_back(i * 10); });
          transaction.on_rollback([i, &undone] { undone.push_back(i * 10 + 1); });
          RABT_TRY(rows, transaction.execute(kInsert, {std::int64_t{i}, Blob{"x"}}));
          (void)rows;
          if (i % 3 == 1) return invalid("test.no", "no");
          if (i == 5) {  // fails in the database, after a good write
            RABT_TRY(again, transaction.execute(kInsert, {std::int64_t{0}, Blob{"x"}}));
            (void)again;
          }
          return ok_status();
        },
        [i, &order, &oks, &threads, &commits, &store](const Status& status) {
          commits = store->stats().commits;  // flush below may be in this batch or in its own
          order.push_back(i);
          oks.push_back(status.ok());
          threads.push_back(std::this_thread::get_id());
          if (i == 5) {
            EXPECT_EQ(status.error().code, "store.constraint");
            EXPECT_EQ(status.error().kind, ErrorKind::conflict);
          } else if (!status.ok()) {
            EXPECT_EQ(status.error().code, "test.no");
          }
        });
  }
  gate.open();
  store->flush();
  EXPECT_EQ(order, (std::vector<int>{0, 1, 2, 3, 4, 5, 6, 7, 8}));
  EXPECT_EQ(oks, (std::vector<bool>{true, false, true, true, false, false, true, false, true}));
  EXPECT_EQ(ids(*store), (std::vector<std::int64_t>{0, 2, 3, 6, 8}));
  // The batch up to its first failure, then each failing job alone; always the newest first.
  EXPECT_EQ(undone, (std::vector<int>{11, 10, 1, 0, 11, 10, 41, 40, 51, 50, 71, 70}));
  for (const auto& thread : threads) EXPECT_EQ(thread, threads.front());
  EXPECT_NE(threads.front(), std::this_thread::get_id());
  EXPECT_EQ(commits, 2U);  // the gate's and theirs
}

TEST(Store, RunsTheNeighboursOfAFailedJobAgainOnlyIfItHadWrittenAndNotBatchAfterBatch) {
  const Folder folder;
  const auto store = folder.open();
  int id = 0;
  const auto neighbour_runs = [&](bool fails, bool writes) {
    int runs = 0;
    const int first = id;
    id += 2;
    Gate gate(*store);
    store->submit(
        Store::Need::droppable,
        [&runs, first](Transaction& transaction) {
          ++runs;
          return run(transaction, kInsert, {std::int64_t{first}, Blob{"x"}});
        },
        [](const Status& status) { EXPECT_TRUE(status.ok()); });
    store->submit(
        Store::Need::droppable,
        [=](Transaction& transaction) -> Status {
          if (writes) transaction.put(kInsert, {std::int64_t{first + 1}, Blob{"x"}});
          return fails ? Status(invalid("test.no", "no")) : ok_status();
        },
        [=](const Status& status) { EXPECT_EQ(status.ok(), !fails); });
    gate.open();
    store->flush();
    return runs;
  };
  EXPECT_EQ(neighbour_runs(false, true), 1);
  EXPECT_EQ(neighbour_runs(true, false), 1);
  EXPECT_EQ(neighbour_runs(true, true), 2);
  EXPECT_EQ(neighbour_runs(true, true), 1);  // with a savepoint for each job
  EXPECT_EQ(ids(*store), (std::vector<std::int64_t>{0, 1, 2, 4, 6}));
}

TEST(Store, UndoesAJobWithAFailedStatementWhateverTheJobReturns) {
  const Folder folder;
  const auto store = folder.open();
  EXPECT_TRUE(store->write(insert(1)).ok());
  const Status status = store->write([](Transaction& transaction) -> Status {
    EXPECT_TRUE(transaction.execute(kInsert, {std::int64_t{2}, Blob{"x"}}).ok());
    const auto twice = transaction.execute(kInsert, {std::int64_t{1}, Blob{"x"}});
    EXPECT_FALSE(twice.ok());
    const auto later = transaction.execute(kInsert, {std::int64_t{3}, Blob{"x"}});
    EXPECT_FALSE(later.ok());
    EXPECT_EQ(later.error().code, "store.constraint");
    return ok_status();
  });
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().code, "store.constraint");
  EXPECT_EQ(ids(*store), std::vector<std::int64_t>{1});
}

TEST(Store, UndoesAJobThatThrows) {
  const Folder folder;
  const auto store = folder.open();
  const Status status = store->write([](Transaction& transaction) -> Status {
    (void)transaction.execute(kInsert, {std::int64_t{1}, Blob{"x"}});
    throw std::runtime_error("boom");
  });
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().kind, ErrorKind::internal);
  EXPECT_TRUE(ids(*store).empty());
}

TEST(Store, ALaterJobOfABatchSeesWhatAnEarlierOneWrote) {
  const Folder folder;
  const auto store = folder.open();
  Gate gate(*store);
  std::int64_t seen = -1;
  store->submit(Store::Need::droppable, insert(1), [](const Status&) {});
  store->submit(
      Store::Need::droppable,
      [&](Transaction& transaction) {
        return transaction.query(kCount, {},
                                 [&](const Row& row) { return seen = row.integer(0), true; });
      },
      [](const Status&) {});
  gate.open();
  store->flush();
  EXPECT_EQ(seen, 1);
}

TEST(Store, GroupsCommitsUnderLoad) {
  const Folder folder;
  const auto store = folder.open();
  constexpr int kJobs = 20'000;
  const auto start = std::chrono::steady_clock::now();
  const std::string body(600, 'b');
  for (int i = 0; i < kJobs; ++i)
    store->submit(Store::Need::droppable, insert(i, body),
                  [](const Status& status) { EXPECT_TRUE(status.ok()); });
  store->flush();
  const double seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  const auto stats = store->stats();
  std::printf("%d rows of 600 bytes in %llu commits (WAL, synchronous=FULL): %.0f rows/s\n", kJobs,
              static_cast<unsigned long long>(stats.commits), kJobs / seconds);
  EXPECT_EQ(stats.rows, static_cast<std::uint64_t>(kJobs));
  EXPECT_EQ(stats.jobs, static_cast<std::uint64_t>(kJobs) + 1);
  EXPECT_GT(static_cast<double>(stats.rows) / static_cast<double>(stats.commits), 10.0);
  EXPECT_GE(stats.commits, kJobs / 512U);  // no more than kMaxCommitJobs share a transaction
  EXPECT_EQ(ids(*store).size(), static_cast<std::size_t>(kJobs));
}

TEST(Store, CommitsALoneJobAtOnce) {
  const Folder folder;
  const auto store = folder.open();
  std::vector<double> times;
  for (int i = 0; i < 200; ++i) {
    const auto start = std::chrono::steady_clock::now();
    EXPECT_TRUE(store->write(insert(i)).ok());
    times.push_back(
        std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start)
            .count());
  }
  std::sort(times.begin(), times.end());
  std::printf("lone job: p50 %.3f ms, p99 %.3f ms\n", times[100], times[198]);
  // A wait for more jobs would delay each of them, another process only some.
  EXPECT_LT(times.front(), 50.0);
  EXPECT_EQ(store->stats().commits, 200U);
}

TEST(Store, RefusesDroppableJobsPastItsQueueAndTakesRequiredOnes) {
  const Folder folder;
  const auto store = folder.open({.max_pages = 0, .vfs = "", .max_queued = 3});
  Gate gate(*store);
  std::vector<std::string> answers;
  const auto note = [&answers](const Status& status) {
    answers.push_back(status.ok() ? "ok" : status.error().code);
  };
  for (int i = 0; i < 5; ++i) store->submit(Store::Need::droppable, insert(i), note);
  store->submit(Store::Need::required, insert(10), note);
  EXPECT_EQ(store->stats().queued, 4U);
  gate.open();
  store->flush();
  std::sort(answers.begin(), answers.end());
  EXPECT_EQ(answers,
            (std::vector<std::string>{"ok", "ok", "ok", "ok", "store.busy", "store.busy"}));
  EXPECT_EQ(ids(*store), (std::vector<std::int64_t>{0, 1, 2, 10}));
}

TEST(Store, LetsDoneSubmitAndRead) {
  const Folder folder;
  const auto store = folder.open();
  std::promise<std::size_t> seen;
  store->submit(Store::Need::droppable, insert(1), [&](const Status&) {
    EXPECT_EQ(ids(*store).size(), 1U);
    store->submit(Store::Need::droppable, insert(2),
                  [&](const Status&) { seen.set_value(ids(*store).size()); });
  });
  EXPECT_EQ(seen.get_future().get(), 2U);
}

TEST(Store, WritesEverythingSubmittedBeforeItCloses) {
  const Folder folder;
  std::atomic<int> answered{0};
  {
    const auto store = folder.open();
    for (int i = 0; i < 3000; ++i)
      store->submit(Store::Need::droppable, insert(i),
                    [&](const Status& status) { answered += status.ok() ? 1 : 0; });
  }
  EXPECT_EQ(answered.load(), 3000);
  EXPECT_EQ(ids(*folder.open()).size(), 3000U);
}

TEST(Store, TakesJobsAndReadsFromManyThreads) {
  const Folder folder;
  const auto store = folder.open();
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 50; ++i) {
        EXPECT_TRUE(store->write(insert(t * 1000 + i)).ok());
        EXPECT_FALSE(ids(*store).empty());
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(ids(*store).size(), 400U);
}

// ---- opening

TEST(StoreOpen, LetsTheNextHubInAfterTheFirst) {
  const Folder folder;
  (void)folder.open();
  EXPECT_NE(folder.open(), nullptr);
}

TEST(Migrations, ApplyInOrderOnce) {
  const Folder folder;
  folder.migration(
      "0002_more.sql",
      "ALTER TABLE item ADD COLUMN more TEXT;\nCREATE INDEX item_more ON item (more);\n");
  (void)folder.open();
  folder.migration("0010_last.sql", "CREATE TABLE last (id INTEGER);");
  const auto store = folder.open();
  std::vector<std::string> names;
  EXPECT_TRUE(store
                  ->read([&](Connection& connection) {
                    static constexpr Statement kNames{
                        "SELECT name FROM schema_migration ORDER BY number"};
                    return connection.query(kNames, {}, [&](const Row& row) {
                      names.emplace_back(row.text(0));
                      return true;
                    });
                  })
                  .ok());
  EXPECT_EQ(names, (std::vector<std::string>{"0001_item.sql", "0002_more.sql", "0010_last.sql"}));
}

TEST(Migrations, RefuseAnEditedAMissingAndALateFile) {
  const Folder folder;
  folder.migration("0003_x.sql", "CREATE TABLE x (id INTEGER);");
  (void)folder.open();
  folder.migration("0001_item.sql", std::string(schema()) + "-- edited\n");
  Error error = refused(folder.try_open());
  EXPECT_EQ(error.code, "store.migration_changed");
  EXPECT_NE(error.message.find("0001_item.sql"), std::string::npos);
  folder.remove_migration("0001_item.sql");
  EXPECT_EQ(refused(folder.try_open()).code, "store.migration_changed");
  folder.migration("0001_item.sql", schema());
  folder.migration("0002_late.sql", "CREATE TABLE late (id INTEGER);");
  error = refused(folder.try_open());
  EXPECT_EQ(error.code, "store.migration_changed");
  EXPECT_NE(error.message.find("0002_late.sql"), std::string::npos);
  folder.remove_migration("0002_late.sql");
  EXPECT_NE(folder.open(), nullptr);
}

TEST(Migrations, RefuseADatabaseOfANewerHub) {
  const Folder folder;
  folder.migration("0002_new.sql", "CREATE TABLE new_one (id INTEGER);");
  (void)folder.open();
  folder.remove_migration("0002_new.sql");
  const Error error = refused(folder.try_open());
  EXPECT_EQ(error.code, "store.migration_newer");
  EXPECT_NE(error.message.find("0002_new.sql"), std::string::npos);
}

TEST(Migrations, UndoAFailingFileWholeAndNameIt) {
  const Folder folder;
  for (const char* sql : {"CREATE TABLE half (id INTEGER); CREATE TABLE half (id INTEGER);",
                          "CREATE TABLE half (id INTEGER); COMMIT;"}) {
    folder.migration("0002_bad.sql", sql);
    const Error error = refused(folder.try_open());
    EXPECT_EQ(error.code, "store.migration_failed") << error.message;
    EXPECT_NE(error.message.find("0002_bad.sql"), std::string::npos);
    if (std::string(sql).find("COMMIT") != std::string::npos) break;
    folder.migration("0002_bad.sql", "CREATE TABLE other (id INTEGER);");
    const auto store = folder.open();
    const Status status = store->read([](Connection& connection) {
      static constexpr Statement kHalf{"SELECT * FROM half"};
      return connection.query(kHalf, {}, [](const Row&) { return true; });
    });
    EXPECT_FALSE(status.ok());
    folder.remove_migration("0002_bad.sql");
    folder.forget();
  }
}

TEST(Migrations, RefuseNamesAndNumbersThatDoNotFit) {
  const Folder folder;
  folder.migration("0001_other.sql", "SELECT 1;");
  EXPECT_EQ(refused(folder.try_open()).code, "store.migration_failed");
  folder.remove_migration("0001_other.sql");
  folder.migration("2_short.sql", "SELECT 1;");
  EXPECT_EQ(refused(folder.try_open()).code, "store.migration_failed");
  folder.remove_migration("2_short.sql");
  folder.remove_migrations();
  EXPECT_EQ(refused(folder.try_open()).code, "store.open");
}

}  // namespace
}  // namespace rabt::store::test::store_test
