#include "hub/store/sqlite/gathered_files.hpp"

#include <atomic>

#include "hub/store/sqlite/connection.hpp"
#include "hub/store/sqlite/settings.hpp"
#include "tests/store/changed_files.hpp"
#include "tests/store/support.hpp"

namespace rabt::store::test::gathered_files_test {
namespace {

constexpr Statement kSum{"SELECT COUNT(*), SUM(LENGTH(body)) FROM item"};
constexpr Statement kBegin{"BEGIN IMMEDIATE"};
constexpr Statement kRead{"BEGIN"};
constexpr Statement kCommit{"COMMIT"};
constexpr Statement kRollback{"ROLLBACK"};

// SQLite's own files, except that writes are counted and may find the disk full.
std::atomic<int> writes{0};
std::atomic<bool> full{false};
ChangedFiles& counting() {
  static ChangedFiles files("counting", [](sqlite3_io_methods& methods) {
    methods.xWrite = [](sqlite3_file* f, const void* data, int size, sqlite3_int64 offset) {
      ++writes;
      return full.load() ? SQLITE_FULL : counting().real().xWrite(f, data, size, offset);
    };
  });
  return files;
}

// A database in write-ahead mode with an empty table.
class GatheredFiles : public ::testing::Test {
 protected:
  GatheredFiles() {
    std::ofstream(folder_.options().path).flush();  // the store makes the file
    database_ = open();
    EXPECT_TRUE(sqlite::set_up_writer(*database_).ok());
    EXPECT_TRUE(database_->script(schema()).ok());
  }
  [[nodiscard]] std::unique_ptr<sqlite::Database> open(bool read_only = false) const {
    auto opened = sqlite::Database::open({folder_.options().path, counting().name(), read_only});
    EXPECT_TRUE(opened.ok()) << (opened.ok() ? "" : opened.error().message);
    return std::move(*opened);
  }
  void run(const Statement& statement, std::initializer_list<Value> values = {}) {
    const auto done = database_->execute(statement, values);
    EXPECT_TRUE(done.ok()) << (done.ok() ? "" : done.error().message);
  }
  // Rows and their bytes, as the connection sees them.
  static std::pair<std::int64_t, std::int64_t> sum(sqlite::Database& database) {
    std::pair<std::int64_t, std::int64_t> found;
    EXPECT_TRUE(database
                    .query(kSum, {},
                           [&](const Row& row) {
                             found = {row.integer(0), row.integer(1)};
                             return false;
                           })
                    .ok());
    return found;
  }

  const Folder folder_;
  const std::string body_ = std::string(1000, 'b');
  std::unique_ptr<sqlite::Database> database_;
};

TEST_F(GatheredFiles, TakeThePagesOfACommitTogether) {
  writes = 0;
  run(kBegin);
  for (std::int64_t id = 0; id < 1000; ++id) run(kInsert, {id, Blob{body_}});
  run(kCommit);
  // More than 250 pages; SQLite writes each in two calls.
  EXPECT_LE(writes.load(), 15);
  EXPECT_GE(writes.load(), 8);
  const auto reader = open(/*read_only=*/true);
  EXPECT_EQ(sum(*reader), std::pair(std::int64_t{1000}, std::int64_t{1'000'000}));
  ASSERT_TRUE(database_->checkpoint());
  std::filesystem::copy_file(folder_.options().path, folder_.path() / "copy.db");
  const auto copy =
      sqlite::Database::open({(folder_.path() / "copy.db").string(), "", /*read_only=*/true});
  ASSERT_TRUE(copy.ok());
  EXPECT_EQ(sum(**copy), std::pair(std::int64_t{1000}, std::int64_t{1'000'000}));
}

// The cache does not hold the transaction: its pages go to the log before the commit, and come back
// from there.
TEST_F(GatheredFiles, GiveBackWhatIsNotInTheFileYet) {
  ASSERT_TRUE(database_->pragma("cache_size=10").ok());
  run(kBegin);
  for (std::int64_t id = 0; id < 2000; ++id) {
    run(kInsert, {(id * 7919) % 2000, Blob{body_}});  // all over the tree
    if (id % 100 == 0) {
      EXPECT_EQ(sum(*database_), std::pair(id + 1, (id + 1) * 1000)) << "after row " << id;
    }
  }
  const auto reader = open(/*read_only=*/true);
  EXPECT_EQ(sum(*reader).first, 0);
  run(kRollback);
  EXPECT_EQ(sum(*database_).first, 0);
  run(kInsert, {std::int64_t{1}, Blob{body_}});
  EXPECT_EQ(sum(*reader).first, 1);
  const auto checked = database_->pragma("integrity_check");
  ASSERT_TRUE(checked.ok());
  EXPECT_EQ(*checked, "ok");
}

TEST_F(GatheredFiles, TellOfAFullDiskWhereTheCommitIsSynced) {
  run(kInsert, {std::int64_t{1}, Blob{body_}});
  run(kBegin);
  run(kInsert, {std::int64_t{2}, Blob{body_}});
  full = true;
  const auto committed = database_->execute(kCommit, {});
  full = false;
  ASSERT_FALSE(committed.ok());
  EXPECT_EQ(committed.error().code, "store.full");
  EXPECT_EQ(database_->trouble(), sqlite::Trouble::full);
  if (database_->in_transaction()) run(kRollback);
  EXPECT_EQ(sum(*database_).first, 1);
  run(kInsert, {std::int64_t{3}, Blob{body_}});
  EXPECT_EQ(sum(*open(/*read_only=*/true)).first, 2);
}

// The pages are few, so that the first error could come with the last of them. A reader of what was
// before leaves a part of the log behind.
TEST_F(GatheredFiles, TellOfAFullDiskWhereTheLogIsCopied) {
  for (const bool partly : {false, true}) {
    SCOPED_TRACE(partly ? "a part of the log" : "the whole log");
    std::int64_t rows = sum(*database_).first;
    for (const std::int64_t more = rows + 10; rows < more; ++rows)
      run(kInsert, {rows, Blob{body_}});
    const auto earlier = open(/*read_only=*/true);
    if (partly) {
      ASSERT_TRUE(earlier->execute(kRead, {}).ok());
      EXPECT_EQ(sum(*earlier).first, rows);
      run(kInsert, {rows++, Blob{body_}});
    }
    full = true;
    EXPECT_FALSE(database_->checkpoint());
    full = false;
    EXPECT_EQ(database_->trouble(), sqlite::Trouble::full);
    database_->clear_trouble();
    EXPECT_EQ(sum(*open(/*read_only=*/true)).first, rows);
    EXPECT_TRUE(database_->checkpoint());
    EXPECT_EQ(sum(*open(/*read_only=*/true)).first, rows);
  }
}

TEST_F(GatheredFiles, LieOverFilesThatSqliteHas) {
  const auto missing = sqlite::gathered_files("no such");
  ASSERT_FALSE(missing.ok());
  EXPECT_EQ(missing.error().code, "store.open");
  EXPECT_EQ(*sqlite::gathered_files("counting"), *sqlite::gathered_files("counting"));
}

}  // namespace
}  // namespace rabt::store::test::gathered_files_test
