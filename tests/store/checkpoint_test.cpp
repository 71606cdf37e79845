// The log is copied into the database by the writer, and begins anew afterwards.
#include <algorithm>
#include <atomic>
#include <future>
#include <thread>

#include "tests/recording_logger.hpp"
#include "tests/store/changed_files.hpp"
#include "tests/store/support.hpp"

namespace rabt::store::test::checkpoint_test {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kBodyBytes = 10'000;
// Pages between two checkpoints, and the rows that fill them.
constexpr int kPages = 100;
constexpr std::int64_t kRows = 40;

// SQLite's own files, except that syncs of the database can be stopped, and can fail.
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

std::unique_ptr<Store> open(const Folder& folder) {
  return folder.open(
      {.max_pages = 0, .vfs = files().name(), .max_queued = 0, .checkpoint_pages = kPages});
}

class Checkpoint : public ::testing::Test {
 protected:
  Checkpoint() : store_(open(folder_)) {}
  ~Checkpoint() override { database_syncs.release(); }

  void write(std::int64_t count) {
    for (const std::int64_t end = rows_ + count; rows_ < end; ++rows_)
      ASSERT_TRUE(store_->write(insert(rows_, std::string(kBodyBytes, 'b'))).ok());
  }
  [[nodiscard]] std::filesystem::path log() const { return folder_.path() / "hub.db-wal"; }
  [[nodiscard]] std::uintmax_t log_bytes() const { return std::filesystem::file_size(log()); }
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

  const Folder folder_;
  std::unique_ptr<Store> store_;
  std::int64_t rows_ = 0;
};

TEST_F(Checkpoint, LetsTheLogBeginAnewAndKeepsItShort) {
  const std::string start = salts_of(log());
  write(10 * kRows);
  EXPECT_NE(salts_of(log()), start);
  EXPECT_LT(log_bytes(), 2U * kPages * 4120U);
  expect_all_rows();
}

// A hub that writes nothing has nothing to copy.
TEST_F(Checkpoint, IsNotMadeWhenNothingWasWritten) {
  write(kRows);
  store_->flush();
  const int syncs = database_syncs.passed();
  for (int i = 0; i < 200; ++i) store_->flush();
  EXPECT_EQ(database_syncs.passed(), syncs);
}

// The writer goes on beside a reader, however long it reads; the log begins anew after its end.
// Each checkpoint comes as many pages after the one before, not with each commit.
TEST_F(Checkpoint, LeavesTheLogToAReaderThatUsesIt) {
  write(10);
  std::promise<void> reads;
  std::promise<void> ends;
  std::thread reader([&] {
    const Status read = store_->read([&](Connection& connection) {
      const auto count = [&] {
        std::int64_t found = 0;
        EXPECT_TRUE(connection
                        .query(kCount, {},
                               [&](const Row& row) {
                                 found = row.integer(0);
                                 return false;
                               })
                        .ok());
        return found;
      };
      EXPECT_EQ(count(), 10);
      reads.set_value();
      ends.get_future().wait();
      EXPECT_EQ(count(), 10) << "a snapshot";
      return ok_status();
    });
    EXPECT_TRUE(read.ok());
  });
  reads.get_future().wait();
  const std::string start = salts_of(log());
  const int syncs = database_syncs.passed();
  write(10 * kRows);
  EXPECT_EQ(salts_of(log()), start) << "the reader needs it";
  EXPECT_GT(log_bytes(), 10U * kRows * kBodyBytes);
  EXPECT_LE(database_syncs.passed() - syncs, 12);
  ends.set_value();
  reader.join();
  write(2 * kRows);
  EXPECT_NE(salts_of(log()), start);
  expect_all_rows();
}

// Jobs that were committed before a checkpoint are told of before it, however long it takes.
TEST_F(Checkpoint, ComesAfterTheAnswers) {
  database_syncs.hold();
  std::atomic<int> told{0};
  Gate gate(*store_);
  for (; rows_ < 2 * kRows; ++rows_) {
    store_->submit(Store::Need::required, insert(rows_, std::string(kBodyBytes, 'b')),
                   [&](const Status& status) { told += status.ok() ? 1 : 1000; });
  }
  gate.open();
  ASSERT_TRUE(database_syncs.holds());
  EXPECT_EQ(told, 2 * kRows);
  expect_all_rows();
  database_syncs.release();
  write(1);
}

// The fault of sqlite.org/wal.html section "The WAL-Reset Bug" needs two connections that write or
// checkpoint.
TEST_F(Checkpoint, IsMadeByTheOnlyConnectionThatCanWrite) {
  const int writable = files().writable_databases();
  const Folder another;
  const auto other = open(another);
  EXPECT_EQ(files().writable_databases(), writable + 1);
  write(3 * kRows);
  for (int i = 0; i < 20; ++i) expect_all_rows();
  EXPECT_EQ(files().writable_databases(), writable + 1);
}

// Symptom: SQLite's own checkpoint drops the error of a failed fsync; a later fsync succeeds
// although the kernel has thrown the pages away, the log is reused, and acknowledged rows are gone.
// Cause: sqlite3_wal_autocheckpoint.
TEST(CheckpointFailure, StopsTheProcess) {
  const Folder folder;
  const pid_t child = ::fork();
  if (child == 0) {
    const auto store = open(folder);
    if (store == nullptr) ::_exit(1);
    fail_sync = true;
    for (std::int64_t id = 0; id < 3 * kRows; ++id)
      (void)store->write(insert(id, std::string(kBodyBytes, 'b')));
    ::_exit(2);
  }
  EXPECT_EQ(wait_for(child), sqlite::kExitIo);
}

// A reader that does not end keeps the log from beginning anew: the operator has to hear of it.
TEST(CheckpointLog, WarnsOfALogThatGrows) {
  const Folder folder;
  rabt::test::RecordingLogger logger;
  const auto opened =
      sqlite::open_tuned(folder.options(), {.vfs = "", .checkpoint_pages = kPages}, logger);
  ASSERT_TRUE(opened.ok());
  Store& store = **opened;
  std::int64_t id = 0;
  const auto write_much = [&] {
    for (const std::int64_t end = id + 6 * kRows; id < end; ++id)
      ASSERT_TRUE(store.write(insert(id, std::string(kBodyBytes, 'b'))).ok());
  };
  const auto warnings = [&] {
    const auto lines = logger.lines();
    return std::count_if(lines.begin(), lines.end(), [](const std::string& line) {
      return line.starts_with("store.log_long ");
    });
  };
  write_much();
  EXPECT_EQ(warnings(), 0);
  const auto reader = open_sqlite_reader(folder.options().path);
  ASSERT_TRUE(reader.ok());
  const auto begin = [&](const Statement& statement) {
    EXPECT_TRUE((*reader)->query(statement, {}, [](const Row&) { return true; }).ok());
  };
  begin({"BEGIN"});
  begin(kCount);
  write_much();
  EXPECT_GE(warnings(), 1);
  EXPECT_LE(warnings(), 2) << "at each doubling";
  begin({"ROLLBACK"});
}

}  // namespace
}  // namespace rabt::store::test::checkpoint_test
