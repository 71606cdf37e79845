#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <future>
#include <random>

#include "hub/base/full_disk.hpp"
#include "tests/eventually.hpp"
#include "tests/store/changed_files.hpp"
#include "tests/store/support.hpp"

namespace rabt::store::test::fault_test {
namespace {

using namespace std::chrono_literals;

// A child commits in a loop and reports every acknowledged id; it is killed at a random time.
// Whatever was acknowledged must be there. kill -9 does not lose what the kernel holds: it proves
// the order of acknowledgement and commit, not the disk.
TEST(Crash, LosesNoAcknowledgedRow) {
  const Folder folder;
  std::mt19937 random(20260310);
  std::int64_t first = 0;
  std::size_t acknowledged_in_all = 0;
  constexpr int kRuns = 25;
  for (int run = 0; run < kRuns; ++run) {
    int ends[2];
    ASSERT_EQ(::pipe(ends), 0);
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      ::close(ends[0]);
      const auto store = folder.open();
      if (store == nullptr) ::_exit(1);
      for (std::int64_t id = first;; ++id) {
        (void)rabt::test::eventually([&] { return store->stats().queued <= 300; });
        store->submit(Store::Need::required, insert(id), [id, &ends](const Status& status) {
          if (!status.ok() || ::write(ends[1], &id, sizeof id) != sizeof id) ::_exit(2);
        });
      }
    }
    ::close(ends[1]);
    std::vector<std::int64_t> acknowledged;
    const auto until = std::chrono::steady_clock::now() +
                       std::chrono::milliseconds(20 + static_cast<int>(random() % 80));
    std::int64_t id = 0;
    bool killed = false;
    while (::read(ends[0], &id, sizeof id) == sizeof id) {
      acknowledged.push_back(id);
      if (!killed && std::chrono::steady_clock::now() > until) {
        killed = true;
        ::kill(child, SIGKILL);
      }
    }
    ::close(ends[0]);
    EXPECT_EQ(wait_for(child), -SIGKILL);
    ASSERT_FALSE(acknowledged.empty());
    acknowledged_in_all += acknowledged.size();
    const auto found = ids(*folder.open());
    ASSERT_TRUE(std::includes(found.begin(), found.end(), acknowledged.begin(), acknowledged.end()))
        << "run " << run;
    first = found.back() + 1;
    EXPECT_EQ(found.size(),
              static_cast<std::size_t>(first));  // in order of submission: no hole either
  }
  std::printf("%d kills, %zu acknowledged rows, none lost\n", kRuns, acknowledged_in_all);
}

// ---- a full disk
// ------------------------------------------------------------------------------------------------------

// Runs the whole story on a store that will run out of room. make_room is called while a required
// job waits; before runs first in each try of that job.
void fill_and_recover(
    Store& store, const std::function<void()>& make_room,
    const std::function<Status(Transaction&)>& before = [](Transaction&) { return ok_status(); }) {
  const std::string body(20'000, 'b');
  std::int64_t id = 0;
  Status last = ok_status();
  int undone = 0;
  for (; id < 2000 && last.ok(); ++id) {
    last = store.write([&](Transaction& transaction) -> Status {
      transaction.on_rollback([&undone] { ++undone; });
      RABT_TRY(rows, transaction.execute(kInsert, {id, Blob{body}}));
      (void)rows;
      return ok_status();
    });
  }
  ASSERT_FALSE(last.ok());
  EXPECT_EQ(last.error().code, "store.full");
  EXPECT_EQ(last.error().kind, ErrorKind::unavailable);
  EXPECT_EQ(undone, 1);
  EXPECT_TRUE(store.stats().disk_full);
  EXPECT_EQ(
      ids(store).size(),
      static_cast<std::size_t>(id - 1));  // what was acknowledged is there, the refused row is not

  std::atomic<int> required_done{0};
  std::atomic<int> runs{0};
  store.submit(
      Store::Need::required,
      [&](Transaction& transaction) -> Status {
        ++runs;
        RABT_TRY_STATUS(before(transaction));
        RABT_TRY(rows, transaction.execute(kInsert, {std::int64_t{100'000}, Blob{body}}));
        (void)rows;
        return ok_status();
      },
      [&](const Status& status) { required_done = status.ok() ? 1 : -1; });
  EXPECT_TRUE(rabt::test::eventually([&] { return runs.load() >= 3; })) << "not tried again";
  EXPECT_EQ(required_done.load(), 0);
  EXPECT_TRUE(rabt::test::eventually([&] {
    const int tries = runs;
    const Status intake = store.write(insert(200'000, body));
    EXPECT_EQ(intake.ok() ? "" : intake.error().code, "store.full");
    EXPECT_EQ(intake.ok() ? "" : intake.error().message, full_disk().message);
    return runs == tries;
  })) << "refused after the next try, not at once";

  make_room();
  EXPECT_TRUE(rabt::test::eventually([&] { return required_done.load() != 0; }));
  EXPECT_EQ(required_done.load(), 1);
  EXPECT_FALSE(store.stats().disk_full);
  EXPECT_TRUE(store.write(insert(300'000)).ok());
  const auto found = ids(store);
  EXPECT_TRUE(std::binary_search(found.begin(), found.end(), 100'000));
  EXPECT_FALSE(std::binary_search(found.begin(), found.end(), 200'000));
}

TEST(DiskFull, RefusesIntakeAndKeepsTryingRequiredJobsWhenTheDatabaseMayNotGrow) {
  const Folder folder;
  const auto store = folder.open({.max_pages = 200, .vfs = "", .max_queued = 0});
  std::atomic<bool> room{false};
  fill_and_recover(
      *store, [&] { room = true; },
      [&](Transaction& transaction) -> Status {
        static constexpr Statement kMore{"PRAGMA max_page_count=100000"};
        if (!room) return ok_status();
        return transaction.query(kMore, {}, [](const Row&) { return true; });
      });
}

TEST(DiskFull, RecoversUnaidedOnASmallFileSystem) {
  // In a process with mounts of its own, so that nothing stays behind.
  const pid_t child = ::fork();
  if (child == 0) {
    constexpr int kNotAllowed = 77;
    if (::unshare(CLONE_NEWNS) != 0 ||
        ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0)
      ::_exit(kNotAllowed);
    std::string mount_point =
        (std::filesystem::temp_directory_path() / "rabt-full-XXXXXX").string();
    if (::mkdtemp(mount_point.data()) == nullptr) ::_exit(kNotAllowed);
    if (::mount("tmpfs", mount_point.c_str(), "tmpfs", 0, "size=4m") != 0) ::_exit(kNotAllowed);
    {
      const Folder folder(mount_point);
      const std::string ballast = mount_point + "/ballast";
      std::ofstream(ballast) << std::string(1 << 20, 'x');
      const auto store = folder.open();
      if (store != nullptr) fill_and_recover(*store, [&] { std::filesystem::remove(ballast); });
    }
    ::umount(mount_point.c_str());
    ::rmdir(mount_point.c_str());
    std::fflush(nullptr);
    ::_exit(::testing::Test::HasFailure() ? 1 : 0);
  }
  const int code = wait_for(child);
  if (code == 77) GTEST_SKIP() << "this user may not mount a file system";
  EXPECT_EQ(code, 0);
}

// Symptom: a hub that could not start on a full disk said "disk I/O error".
TEST(DiskFull, IsSaidOfADatabaseThatCannotBeOpened) {
  if (rabt::test::on_postgres()) GTEST_SKIP() << "the server's disk is its own";
  const pid_t child = ::fork();
  if (child == 0) {
    constexpr int kNotAllowed = 77;
    std::string place = (std::filesystem::temp_directory_path() / "rabt-full-XXXXXX").string();
    if (::unshare(CLONE_NEWNS) != 0 ||
        ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
        ::mkdtemp(place.data()) == nullptr ||
        ::mount("tmpfs", place.c_str(), "tmpfs", 0, "size=4m") != 0)
      ::_exit(kNotAllowed);
    {
      const Folder folder(place);
      EXPECT_NE(folder.open(), nullptr);
      std::ofstream(place + "/ballast") << std::string(8 << 20, 'x');
      const auto opened = open_sqlite(folder.options(), null_logger());
      EXPECT_FALSE(opened.ok());
      if (!opened.ok()) {
        EXPECT_EQ(opened.error().code, "store.full");
        EXPECT_EQ(opened.error().message, full_disk(folder.options().path).message);
      }
    }
    ::umount(place.c_str());
    ::rmdir(place.c_str());
    std::fflush(nullptr);
    ::_exit(::testing::Test::HasFailure() ? 1 : 0);
  }
  const int code = wait_for(child);
  if (code == 77) GTEST_SKIP() << "this user may not mount a file system";
  EXPECT_EQ(code, 0);
}

TEST(DiskFull, GivesRequiredJobsUpWhenTheHubStopsAndSaysSo) {
  const Folder folder;
  std::string answer;
  {
    const auto store = folder.open({.max_pages = 20, .vfs = "", .max_queued = 0});
    store->submit(Store::Need::required, insert(1, std::string(1'000'000, 'b')),
                  [&](const Status& status) { answer = status.ok() ? "ok" : status.error().code; });
  }
  EXPECT_EQ(answer, "store.full");
}

// SQLite's own files, except that the database has no room when asked to; its log has.
std::atomic<bool> no_room_in_database{false};
ChangedFiles& cramped() {
  static ChangedFiles files("cramped", [](sqlite3_io_methods& methods) {
    methods.xWrite = [](sqlite3_file* file, const void* data, int size, sqlite3_int64 offset) {
      if (no_room_in_database && !cramped().is_log(file)) return SQLITE_FULL;
      return cramped().real().xWrite(file, data, size, offset);
    };
  });
  return files;
}

// Symptom: after a failed checkpoint the next try came 16 MiB of log later, and the log took the
// room that the database needs. Cause: a checkpoint without room counted as one that a reader
// holds. The log here is longer than one checkpoint, and nothing is written after the room came.
TEST(DiskFull, ACheckpointWithoutRoomIsTriedAgainByItself) {
  const Folder folder;
  const auto store = folder.open({.max_pages = 0, .vfs = cramped().name(), .max_queued = 0});
  no_room_in_database = true;
  const auto full = [&] { return store->stats().disk_full; };
  for (std::int64_t id = 0; id < 400 && !full(); ++id)
    ASSERT_TRUE(store->write(insert(id, std::string(100'000, 'b')), Store::Need::required).ok());
  ASSERT_TRUE(full());
  const auto log_bytes = [&] { return std::filesystem::file_size(folder.options().path + "-wal"); };
  const auto database_bytes = [&] { return std::filesystem::file_size(folder.options().path); };
  EXPECT_TRUE(store->write(insert(1000)).ok()) << "the log has room";
  EXPECT_TRUE(full()) << "the database has none";
  const auto before = database_bytes();
  no_room_in_database = false;
  EXPECT_TRUE(rabt::test::eventually([&] { return !full(); }));
  EXPECT_GT(database_bytes(), before);
  const auto log_before = log_bytes();
  EXPECT_TRUE(store->write(insert(1001)).ok());
  EXPECT_EQ(log_bytes(), log_before) << "the log began anew";
}

// Symptom: the database or the keyring was taken away, and the hub went on to answer 202.
TEST(TakenAway, NothingIsAcknowledgedUntilTheDatabaseIsBack) {
  const Folder folder;
  const auto store = folder.open();
  ASSERT_TRUE(store->write(insert(1)).ok());
  const std::string away = (folder.path() / "away").string();
  std::filesystem::rename(folder.options().path, away);
  EXPECT_EQ(store->write(insert(2)).error().code, "store.moved");
  EXPECT_TRUE(store->stats().disk_full);
  std::atomic<int> answered{0};
  store->submit(Store::Need::required, insert(3),
                [&](const Status& status) { answered = status.ok() ? 1 : -1; });
  EXPECT_FALSE(rabt::test::eventually([&] { return answered.load() != 0; }, 300ms)) << "it waits";
  std::filesystem::rename(away, folder.options().path);
  EXPECT_TRUE(rabt::test::eventually([&] { return answered.load() != 0; }));
  EXPECT_EQ(answered.load(), 1);
  EXPECT_FALSE(store->stats().disk_full);
  EXPECT_EQ(ids(*store), (std::vector<std::int64_t>{1, 3}));
}

// Symptom: a hub whose data folder was removed never stopped. Cause: what is required was tried
// again for ever, and the stop waited for it. This waits for the same, with a bound.
TEST(TakenAway, AHubThatStopsGivesUpWhatIsRequired) {
  const Folder folder;
  const auto store = folder.open();
  ASSERT_TRUE(store->write(insert(1)).ok());
  std::filesystem::remove_all(folder.options().path);
  std::string text;
  store->submit(Store::Need::required, insert(2),
                [&](const Status& status) { text = status.ok() ? "ok" : status.error().code; });
  auto stopped = std::async(std::launch::async, [&] {
    store->end_waiting();
    // Behind the job above.
    store->flush();
  });
  ASSERT_EQ(stopped.wait_for(60s), std::future_status::ready);
  EXPECT_EQ(text, "store.moved");
}

TEST(TakenAway, AnotherFileInItsPlaceIsNotTheDatabase) {
  const Folder folder;
  const auto store = folder.open();
  ASSERT_TRUE(store->write(insert(1)).ok());
  std::filesystem::rename(folder.options().path, folder.path() / "away");
  std::filesystem::copy_file(folder.path() / "away", folder.options().path);
  EXPECT_EQ(store->write(insert(2)).error().code, "store.moved");
}

TEST(TakenAway, AFileWithoutWhichTheDatabaseIsWorthlessIsMissed) {
  const Folder folder;
  const std::string keys = (folder.path() / "keys").string();
  std::ofstream(keys) << "k";
  SqliteOptions options = folder.options();
  options.needed = {keys};
  const auto opened = open_sqlite(options, null_logger());
  ASSERT_TRUE(opened.ok());
  Store& store = **opened;
  ASSERT_TRUE(store.write(insert(1)).ok());
  std::filesystem::remove(keys);
  EXPECT_EQ(store.write(insert(2)).error().code, "store.moved");
  std::ofstream(keys) << "k";
  EXPECT_TRUE(store.write(insert(2)).ok());
}

// Symptom: bookings were acknowledged, and were gone after a kill. Cause: only the database's own
// file was watched, and what is acknowledged stands in its log first.
TEST(TakenAway, TheLogAndItsIndexAreWatchedAsTheDatabaseIs) {
  for (const char* const end : {"-wal", "-shm"}) {
    const Folder folder;
    const auto store = folder.open();
    ASSERT_TRUE(store->write(insert(1)).ok());
    const std::string file = folder.options().path + end;
    const std::string away = (folder.path() / "away").string();
    std::filesystem::rename(file, away);
    const Status refused = store->write(insert(2));
    ASSERT_FALSE(refused.ok()) << end;
    EXPECT_EQ(refused.error().code, "store.moved");
    EXPECT_EQ(refused.error().message.find("hub.db" + std::string(end) + " was moved"), 0U)
        << refused.error().message;
    EXPECT_TRUE(store->stats().disk_full);
    std::ofstream(file) << "another";
    EXPECT_EQ(store->write(insert(3)).error().code, "store.moved") << "another file: " << end;
    std::filesystem::rename(away, file);
    EXPECT_TRUE(store->write(insert(4)).ok()) << end;
    EXPECT_FALSE(store->stats().disk_full);
  }
}

TEST(TakenAway, ALogThatWasDeletedLosesNothingThatWasAcknowledged) {
  const Folder folder;
  const Folder killed;
  const auto store = folder.open();
  ASSERT_TRUE(store->write(insert(1)).ok());
  std::filesystem::remove(folder.options().path + "-wal");
  EXPECT_EQ(store->write(insert(2)).error().code, "store.moved");
  std::filesystem::copy_file(folder.options().path, killed.options().path);
  EXPECT_EQ(ids(*killed.open()), (std::vector<std::int64_t>{1}));
}

// ---- a failing disk
// ---------------------------------------------------------------------------------------------------

// SQLite's own VFS, except that fsync or write fails when asked to.
std::atomic<bool> fail_sync{false};
std::atomic<bool> fail_write{false};
ChangedFiles& failing() {
  static ChangedFiles files("failing", [](sqlite3_io_methods& methods) {
    methods.xSync = [](sqlite3_file* f, int sync_flags) {
      return fail_sync.load() ? SQLITE_IOERR_FSYNC : failing().real().xSync(f, sync_flags);
    };
    methods.xWrite = [](sqlite3_file* f, const void* data, int size, sqlite3_int64 offset) {
      return fail_write.load() ? SQLITE_IOERR_WRITE
                               : failing().real().xWrite(f, data, size, offset);
    };
  });
  return files;
}

// The child commits some rows, then the disk fails: it must stop with code 74 and must not
// acknowledge the row that failed.
void expect_stop(std::atomic<bool>& fault, int rows_before, const std::string& body) {
  const Folder folder;
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    const auto store = folder.open({.max_pages = 0, .vfs = failing().name(), .max_queued = 0});
    if (store == nullptr) ::_exit(1);
    for (std::int64_t id = 0; id < rows_before; ++id) {
      if (!store->write(insert(id, body)).ok()) ::_exit(2);
    }
    fault = true;
    (void)store->write(insert(999, body), Store::Need::required);
    (void)!::write(ends[1], "answered", 8);
    ::_exit(3);
  }
  ::close(ends[1]);
  char answer = 0;
  EXPECT_EQ(::read(ends[0], &answer, 1), 0) << "a failed write was answered";
  ::close(ends[0]);
  EXPECT_EQ(wait_for(child), sqlite::kExitIo);
  const auto found = ids(*folder.open());
  EXPECT_GE(found.size(), static_cast<std::size_t>(
                              rows_before));  // recovers; the last row may or may not be there
}

TEST(DiskFailure, StopsWithoutAnAnswerWhenFsyncFails) {
  expect_stop(fail_sync, 5, "x");
}
TEST(DiskFailure, StopsWithoutAnAnswerWhenAWriteFails) {
  expect_stop(fail_write, 5, "x");
}

}  // namespace
}  // namespace rabt::store::test::fault_test
