// The log is copied into the database beside the writer, and begins anew afterwards.
#include "hub/store/sqlite/log_copier.hpp"

#include <atomic>
#include <future>
#include <thread>

#include "tests/store/changed_files.hpp"
#include "tests/store/support.hpp"

namespace rabt::store::test {
namespace {

using namespace std::chrono_literals;

// SQLite's own files, except that syncs of databases can be stopped, and can fail.
Brake database_syncs;
std::atomic<bool> fail_sync{false};
ChangedFiles& files() {
  static ChangedFiles of_disk("slow database", [](sqlite3_io_methods& methods) {
    methods.xSync = [](sqlite3_file* file, int flags) {
      if (!files().is_log(file)) {
        database_syncs.pass();
        if (fail_sync) return SQLITE_IOERR_FSYNC;
      }
      return files().real().xSync(file, flags);
    };
  });
  return of_disk;
}

constexpr std::size_t kBodyBytes = 100'000;
// More than the log takes before it is copied, and more than it takes while it is copied.
constexpr std::int64_t kManyRows = 200;
constexpr std::int64_t kTooManyRows = 500;

// One commit of many rows. Returns whether the thread that copies them stands in this sync of the
// database: the first is SQLite's when no commit came meanwhile, the second is the thread's own.
bool copies_until(Store& store, int sync) {
  database_syncs.hold(sync);
  Gate gate(store);
  for (std::int64_t id = 0; id < kManyRows; ++id)
    store.submit(Store::Need::required, insert(id, std::string(kBodyBytes, 'b')), {});
  gate.open();
  return database_syncs.holds();
}

class LogCopierTest : public ::testing::Test {
 protected:
  LogCopierTest()
      : store_(folder_.open({.max_pages = 0, .vfs = files().name(), .max_queued = 0})) {}
  ~LogCopierTest() override { database_syncs.release(); }

  void copy_until(int sync) {
    ASSERT_TRUE(copies_until(*store_, sync));
    rows_ = kManyRows;
  }
  void write_one() { ASSERT_TRUE(store_->write(insert(rows_++)).ok()); }
  [[nodiscard]] std::filesystem::path log() const { return folder_.path() / "hub.db-wal"; }
  // What a log gets when it begins anew (the salts of
  // https://sqlite.org/fileformat.html#walformat).
  [[nodiscard]] std::string start_of_log() const {
    std::ifstream in(log(), std::ios::binary);
    std::string start(24, '\0');
    in.read(start.data(), static_cast<std::streamsize>(start.size()));
    return start.substr(16);
  }
  // Whether the log begins anew while more is written.
  [[nodiscard]] bool begins_anew(const std::string& start) {
    const auto until = std::chrono::steady_clock::now() + 10s;
    while (start_of_log() == start && std::chrono::steady_clock::now() < until) write_one();
    return start_of_log() != start;
  }
  void expect_all_rows() {
    EXPECT_EQ(ids(*store_).size(), static_cast<std::size_t>(rows_));
    const Status read = store_->read([](Connection& connection) {
      return connection.query(Statement{"PRAGMA integrity_check"}, {}, [](const Row& row) {
        EXPECT_EQ(row.text(0), "ok");
        return true;
      });
    });
    EXPECT_TRUE(read.ok());
  }

  void goes_on_meanwhile(int sync) {
    copy_until(sync);
    const std::string start = start_of_log();
    for (int i = 0; i < 20; ++i) write_one();
    EXPECT_EQ(start_of_log(), start) << "the thread still copies";
    expect_all_rows();
    database_syncs.release();
    EXPECT_TRUE(begins_anew(start));
    expect_all_rows();
  }

  const Folder folder_;
  std::unique_ptr<Store> store_;
  std::int64_t rows_ = 0;
};

TEST_F(LogCopierTest, LetsTheWriterGoOnAndTheLogBeginAnewOnlyAfterwards) {
  goes_on_meanwhile(1);
}
TEST_F(LogCopierTest, LetsTheWriterGoOnWhenSqliteHasSyncedToo) {
  goes_on_meanwhile(2);
}

// A reader of a log that is copied does not need the log, and would not keep it from beginning
// anew.
TEST_F(LogCopierTest, DoesNotBeginWhenNothingIsToBeCopied) {
  copy_until(2);
  database_syncs.release();
  const auto flush_often = [&] {
    for (int i = 0; i < 50; ++i) {
      store_->flush();
      std::this_thread::sleep_for(1ms);
    }
    return database_syncs.passed();
  };
  const int syncs = flush_often();
  EXPECT_EQ(flush_often(), syncs);
}

TEST_F(LogCopierTest, KeepsTheLogShortOnASlowDisk) {
  copy_until(1);
  auto writing = std::async(std::launch::async, [&] {
    for (; rows_ < kTooManyRows; ++rows_)
      EXPECT_TRUE(store_->write(insert(rows_, std::string(kBodyBytes, 'b'))).ok());
  });
  EXPECT_EQ(writing.wait_for(500ms), std::future_status::timeout);
  EXPECT_LT(std::filesystem::file_size(log()), 45'000'000U);
  database_syncs.release();
  writing.get();
  expect_all_rows();
}

TEST_F(LogCopierTest, IsWaitedForWhenTheStoreCloses) {
  copy_until(2);
  write_one();
  auto closing = std::async(std::launch::async, [&] { store_.reset(); });
  EXPECT_EQ(closing.wait_for(100ms), std::future_status::timeout);
  database_syncs.release();
  closing.get();
  EXPECT_FALSE(std::filesystem::exists(log()));
  store_ = folder_.open();
  expect_all_rows();
}

// Symptom: SQLite's own checkpoint drops the error of a failed fsync; a later fsync succeeds
// although the kernel has thrown the pages away, the log is reused, and acknowledged rows are gone.
// Cause: sqlite3_wal_autocheckpoint. Here the first sync is SQLite's, the second the thread's.
TEST(LogCopierFailure, StopsTheProcess) {
  for (const int sync : {1, 2}) {
    const Folder folder;
    const pid_t child = ::fork();
    if (child == 0) {
      const auto store = folder.open({.max_pages = 0, .vfs = files().name(), .max_queued = 0});
      if (store == nullptr) ::_exit(1);
      if (!copies_until(*store, sync)) ::_exit(2);
      fail_sync = true;
      database_syncs.release();
      std::this_thread::sleep_for(10s);
      ::_exit(3);
    }
    EXPECT_EQ(wait_for(child), sqlite::kExitIo) << "sync " << sync;
  }
}

}  // namespace
}  // namespace rabt::store::test
