// A caller that waits for its job and finds the writer idle runs the job on its own thread.
#include <atomic>
#include <future>
#include <thread>

#include "tests/eventually.hpp"
#include "tests/store/changed_files.hpp"
#include "tests/store/support.hpp"

namespace rabt::store::test::lent_test {
namespace {

using Thread = std::thread::id;

// Threads that ran a job and its callback.
struct Ran {
  Thread job;
  Thread done;
};

Store::Job noting(Thread& thread, Store::Job job) {
  return [&thread, job = std::move(job)](Transaction& transaction) {
    thread = std::this_thread::get_id();
    return job(transaction);
  };
}

// Submits the job, and returns where it ran once it is told.
Ran run(Store& store, Store::Caller caller, Store::Job job) {
  Ran ran;
  std::promise<void> told;
  store.submit(
      Store::Need::required, kNoLane, noting(ran.job, std::move(job)),
      [&](const Status& status) {
        EXPECT_TRUE(status.ok());
        ran.done = std::this_thread::get_id();
        told.set_value();
      },
      caller);
  told.get_future().wait();
  return ran;
}

// Until the writer lends its work, which it does when it sleeps. The rows get numbers from first.
bool lends(Store& store, std::int64_t first) {
  return rabt::test::eventually([&] {
    return run(store, Store::Caller::waits, insert(first++)).job == std::this_thread::get_id();
  });
}

TEST(LentWriter, RunsTheJobOfACallerThatWaitsOnItsThread) {
  const Folder folder;
  const auto store = folder.open();
  ASSERT_TRUE(lends(*store, 0));
  const Ran waits = run(*store, Store::Caller::waits, insert(10'000));
  EXPECT_EQ(waits.job, std::this_thread::get_id());
  EXPECT_EQ(waits.done, std::this_thread::get_id());
  const Ran goes_on = run(*store, Store::Caller::goes_on, insert(10'001));
  EXPECT_NE(goes_on.job, std::this_thread::get_id());
  EXPECT_EQ(goes_on.done, goes_on.job);
  EXPECT_EQ(ids(*store).back(), 10'001);
}

TEST(LentWriter, UndoesAJobThatFailsAndSaysSo) {
  const Folder folder;
  const auto store = folder.open();
  ASSERT_TRUE(lends(*store, 0));
  const auto before = ids(*store);
  bool undone = false;
  Thread thread;
  const Status status = store->write(noting(thread, [&](Transaction& transaction) -> Status {
    transaction.on_rollback([&] { undone = true; });
    transaction.put(kInsert, {std::int64_t{10'000}, Blob{"x"}});
    return invalid("test.no", "no");
  }));
  EXPECT_EQ(thread, std::this_thread::get_id());
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().code, "test.no");
  EXPECT_TRUE(undone);
  EXPECT_EQ(ids(*store), before);
}

// Jobs submitted while a caller writes run afterwards, without another submit.
TEST(LentWriter, LeavesWhatComesMeanwhileToItsThread) {
  const Folder folder;
  const auto store = folder.open();
  ASSERT_TRUE(lends(*store, 0));
  std::vector<std::int64_t> told;
  std::promise<void> last;
  const auto note = [&told](std::int64_t id) {
    return [&told, id](const Status& status) {
      EXPECT_TRUE(status.ok());
      told.push_back(id);
    };
  };
  Thread inner;
  store->submit(
      Store::Need::required, kNoLane,
      [&](Transaction& transaction) {
        EXPECT_TRUE(insert(10'000)(transaction).ok());
        store->submit(Store::Need::required, insert(10'001), note(10'001));
        return ok_status();
      },
      [&](const Status& status) {
        note(10'000)(status);
        // A caller that waits here would wait for itself.
        store->submit(
            Store::Need::required, kNoLane, noting(inner, insert(10'002)),
            [&](const Status& written) {
              note(10'002)(written);
              last.set_value();
            },
            Store::Caller::waits);
        EXPECT_EQ(inner, Thread()) << "a job in another's done";
      },
      Store::Caller::waits);
  last.get_future().wait();
  EXPECT_EQ(told, (std::vector<std::int64_t>{10'000, 10'001, 10'002}));
  EXPECT_NE(inner, std::this_thread::get_id());
}

// The writer's thread gathers the jobs of many callers; one that wrote alone would make each of the
// others wait for a commit of its own.
TEST(LentWriter, LendsNothingWhileManyWrite) {
  const Folder folder;
  const auto store = folder.open();
  std::promise<void> told;
  Gate gate(*store);
  for (std::int64_t id = 0; id < 10; ++id) {
    store->submit(Store::Need::required, insert(id), [&, id](const Status&) {
      if (id == 9) told.set_value();
    });
  }
  gate.open();
  told.get_future().wait();
  // It sleeps again, but the last commit had many: this job is not lent, the next ones are.
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  Thread thread;
  EXPECT_TRUE(store->write(noting(thread, insert(10))).ok());
  EXPECT_NE(thread, std::this_thread::get_id());
  EXPECT_TRUE(lends(*store, 11));
}

TEST(LentWriter, CopiesTheLogIntoTheDatabaseAsEver) {
  const Folder folder;
  const auto store = folder.open();
  ASSERT_TRUE(store->write(insert(0)).ok());
  const std::filesystem::path log = folder.options().path + "-wal";
  const std::string first = salts_of(log);
  std::size_t here = 0;
  constexpr std::int64_t kMostRows = 2'000;
  std::int64_t id = 1;
  for (; id < kMostRows && salts_of(log) == first; ++id) {
    Thread thread;
    const std::size_t size = id < 100 ? 1'000'000 : 1'000;
    ASSERT_TRUE(store->write(noting(thread, insert(id, std::string(size, 'b')))).ok());
    if (thread == std::this_thread::get_id()) ++here;
    // The writer's thread makes the checkpoint.
    if (id % 10 == 0) std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  EXPECT_GT(here, 0U);
  EXPECT_LT(id, kMostRows) << "the log did not begin anew";
}

TEST(LentWriter, IsWaitedForWhenTheStoreCloses) {
  const Folder folder;
  auto store = folder.open();
  ASSERT_TRUE(lends(*store, 0));
  std::promise<void> inside;
  std::thread caller([&inside, &writing = *store] {
    Thread thread;
    const Status written = writing.write(noting(thread, [&](Transaction& transaction) {
      inside.set_value();
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
      return insert(10'000)(transaction);
    }));
    EXPECT_TRUE(written.ok());
    EXPECT_EQ(thread, std::this_thread::get_id());
  });
  inside.get_future().wait();
  store.reset();
  caller.join();
  EXPECT_EQ(ids(*folder.open()).back(), 10'000);
}

TEST(LentWriter, KeepsOrderAndLosesNothingAmongManyThreads) {
  const Folder folder;
  const auto store = folder.open();
  constexpr int kThreads = 4;
  constexpr std::int64_t kEach = 300;
  std::atomic<std::int64_t> told{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      std::vector<std::int64_t> order;
      for (std::int64_t i = 0; i < kEach; ++i) {
        store->submit(
            Store::Need::required, t, insert(t * kEach + i),
            [&, i](const Status& status) {
              EXPECT_TRUE(status.ok());
              order.push_back(i);
              ++told;
            },
            i % 3 == 0 ? Store::Caller::goes_on : Store::Caller::waits);
        // Sometimes the writer falls asleep.
        if (i % 20 == 0) std::this_thread::sleep_for(std::chrono::milliseconds(t));
      }
      store->flush();
      EXPECT_EQ(order.size(), static_cast<std::size_t>(kEach));
      EXPECT_TRUE(std::is_sorted(order.begin(), order.end()));
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(told, kThreads * kEach);
  EXPECT_EQ(ids(*store).size(), static_cast<std::size_t>(kThreads * kEach));
}

// SQLite's own files on a disk that may be full.
std::atomic<bool> full{false};
ChangedFiles& files() {
  static ChangedFiles of_disk("sometimes full", [](sqlite3_io_methods& methods) {
    methods.xWrite = [](sqlite3_file* f, const void* data, int size, sqlite3_int64 offset) {
      return full ? SQLITE_FULL : files().real().xWrite(f, data, size, offset);
    };
  });
  return of_disk;
}

TEST(LentWriter, LeavesAFullDiskToItsThread) {
  const Folder folder;
  const auto store = folder.open({.max_pages = 0, .vfs = files().name(), .max_queued = 0});
  ASSERT_TRUE(lends(*store, 0));
  full = true;
  Thread thread;
  const Status refused = store->write(noting(thread, insert(10'000)));
  EXPECT_EQ(thread, std::this_thread::get_id());
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, "store.full");
  EXPECT_TRUE(store->stats().disk_full);
  full = false;
  ASSERT_TRUE(lends(*store, 20'000));
  EXPECT_FALSE(store->stats().disk_full);
  // A required job waits for room on the disk.
  full = true;
  std::atomic<int> runs{0};
  std::promise<Status> told;
  store->submit(
      Store::Need::required, kNoLane,
      [&](Transaction& transaction) {
        ++runs;
        return insert(30'000)(transaction);
      },
      [&](const Status& status) { told.set_value(status); }, Store::Caller::waits);
  EXPECT_TRUE(rabt::test::eventually([&] { return runs >= 3; })) << "not tried again";
  thread = {};
  EXPECT_FALSE(store->write(noting(thread, insert(40'000))).ok());
  EXPECT_EQ(thread, Thread()) << "a job that came while the writer waits for room";
  full = false;
  EXPECT_TRUE(told.get_future().get().ok());
  EXPECT_EQ(ids(*store).back(), 30'000);
}

}  // namespace
}  // namespace rabt::store::test::lent_test
