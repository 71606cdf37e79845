#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <future>
#include <numeric>
#include <thread>

#include "hub/base/limits.hpp"
#include "hub/store/sqlite/connection.hpp"
#include "hub/store/sqlite/settings.hpp"
#include "tests/eventually.hpp"
#include "tests/store/changed_files.hpp"
#include "tests/store/support.hpp"

namespace rabt::store::test::log_sync_test {
namespace {

using namespace std::chrono_literals;

// SQLite's own files on a disk whose syncs of the log can be stopped, and whose syncs can fail.
struct Disk {
  Brake log;
  std::atomic<bool> fails{false};
  std::atomic<int> log_syncs{0};
};
Disk disk;

ChangedFiles& files();

int sync(sqlite3_file* file, int flags) {
  if (files().is_log(file)) {
    ++disk.log_syncs;
    disk.log.pass();
  }
  return disk.fails ? SQLITE_IOERR_FSYNC : files().real().xSync(file, flags);
}

ChangedFiles& files() {
  static ChangedFiles of_disk("disk", [](sqlite3_io_methods& methods) { methods.xSync = sync; });
  return of_disk;
}

// Enough for a commit that is synced beside the writer.
constexpr std::int64_t kTogether = 40;

std::unique_ptr<Store> open(const Folder& folder) {
  return folder.open({.max_pages = 0, .vfs = files().name(), .max_queued = 0});
}

// A commit that is being synced keeps nobody from running the next jobs, but nobody hears of it.
TEST(LogSync, RunsTheNextJobsMeanwhileAndTellsAndShowsNothing) {
  const Folder folder;
  const auto store = open(folder);
  ASSERT_NE(store, nullptr);
  std::atomic<int> ran{0};
  std::mutex mutex;
  std::vector<std::int64_t> told;
  const auto submit = [&](std::int64_t id) {
    store->submit(
        Store::Need::required,
        [&ran, job = insert(id)](Transaction& transaction) {
          ++ran;
          return job(transaction);
        },
        [&, id](const Status& status) {
          EXPECT_TRUE(status.ok());
          const std::scoped_lock lock(mutex);
          told.push_back(id);
        });
  };
  Gate gate(*store, [] { disk.log.hold(); });
  for (std::int64_t id = 0; id < kTogether; ++id) submit(id);
  gate.open();
  ASSERT_TRUE(disk.log.holds());
  std::promise<std::vector<std::int64_t>> seen;
  auto seeing = seen.get_future();
  std::thread reader([&] { seen.set_value(ids(*store)); });
  // More than fit into the next commit, which has to wait for this one.
  constexpr auto kMost = static_cast<int>(limits::kMaxCommitJobs);
  constexpr std::int64_t kAll = kTogether + 2 * kMost;
  for (std::int64_t id = kTogether; id < kAll; ++id) submit(id);
  EXPECT_TRUE(rabt::test::eventually([&] { return ran >= kTogether + kMost; }));
  EXPECT_EQ(seeing.wait_for(50ms), std::future_status::timeout) << "read what is not durable";
  EXPECT_EQ(ran, kTogether + kMost);
  {
    const std::scoped_lock lock(mutex);
    EXPECT_TRUE(told.empty()) << "told of " << told.size();
  }
  disk.log.release();
  EXPECT_GE(seeing.get().size(), static_cast<std::size_t>(kTogether));
  reader.join();
  store->flush();
  std::vector<std::int64_t> all(kAll);
  std::iota(all.begin(), all.end(), 0);
  EXPECT_EQ(told, all);
  EXPECT_EQ(ids(*store), all);
}

TEST(LogSync, WhoStopsTheStoreWaitsForIt) {
  const Folder folder;
  auto store = open(folder);
  ASSERT_NE(store, nullptr);
  Store& still = *store;
  std::atomic<int> told{0};
  // The callback submits one more job.
  const auto told_all = [&](const Status& status) {
    told += status.ok() ? 1 : 100;
    if (told == kTogether) {
      still.submit(Store::Need::required, insert(100),
                   [&](const Status& last) { told += last.ok() ? 1 : 100; });
    }
  };
  Gate gate(*store, [] { disk.log.hold(); });
  for (std::int64_t id = 0; id < kTogether; ++id)
    store->submit(Store::Need::required, insert(id), told_all);
  gate.open();
  ASSERT_TRUE(disk.log.holds());
  std::thread stopping([&] { store.reset(); });
  EXPECT_FALSE(rabt::test::eventually([&] { return told > 0; }, 20ms));
  disk.log.release();
  stopping.join();
  EXPECT_EQ(told, kTogether + 1);
}

TEST(LogSync, StopsTheProcessWithoutAnAnswerWhenItFails) {
  const Folder folder;
  const pid_t child = ::fork();
  if (child == 0) {
    const auto store = open(folder);
    if (store == nullptr) ::_exit(1);
    Gate gate(*store, [] { disk.fails = true; });
    for (std::int64_t id = 0; id < kTogether; ++id)
      store->submit(Store::Need::required, insert(id), [](const Status&) { ::_exit(2); });
    gate.open();
    store->flush();
    ::_exit(3);
  }
  EXPECT_EQ(wait_for(child), sqlite::kExitIo);
}

// A log that begins anew has its new start on the disk before anything else: the old one would make
// SQLite take new pages for old ones (https://sqlite.org/src/info/ff5be73dee).
TEST(LogSync, SyncsTheStartOfALogAtOnce) {
  const Folder folder;
  std::ofstream(folder.options().path).flush();  // the store makes the file
  const auto database = *sqlite::Database::open({folder.options().path, files().name(), false});
  ASSERT_TRUE(sqlite::set_up_writer(*database).ok());
  ASSERT_TRUE(database->script(schema()).ok());
  constexpr Statement kBegin{"BEGIN IMMEDIATE"};
  int visible = 0;
  const auto commit = [&](std::int64_t id) {
    EXPECT_TRUE(database->execute(kBegin, {}).ok());
    EXPECT_TRUE(database->execute(kInsert, {id, Blob{"x"}}).ok());
    disk.log_syncs = 0;
    visible = 0;
    EXPECT_TRUE(database->commit_unsynced([&] { ++visible; }).ok());
  };
  commit(1);
  EXPECT_EQ(disk.log_syncs, 0);
  EXPECT_EQ(visible, 1);
  EXPECT_TRUE(database->sync_log());
  EXPECT_EQ(disk.log_syncs, 1);
  ASSERT_TRUE(database->checkpoint());
  commit(2);
  EXPECT_EQ(disk.log_syncs, 1);
  EXPECT_EQ(visible, 1);
  commit(3);
  EXPECT_EQ(disk.log_syncs, 0);
  EXPECT_EQ(visible, 1);
}

}  // namespace
}  // namespace rabt::store::test::log_sync_test
