// Properties of SQLite alone: its settings, files and planner.
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "hub/store/sqlite/connection.hpp"
#include "tests/eventually.hpp"
#include "tests/store/support.hpp"

namespace rabt::store::test::sqlite_test {
namespace {

TEST(SqliteStore, HasItsDurableSettingsOnTheWriter) {
  const Folder folder;
  const auto store = folder.open();
  const auto setting = [&](const Statement& pragma) {
    std::string value;
    EXPECT_TRUE(store
                    ->write([&](Transaction& transaction) {
                      return transaction.query(
                          pragma, {}, [&](const Row& row) { return value = row.text(0), true; });
                    })
                    .ok());
    return value;
  };
  EXPECT_EQ(setting({"PRAGMA journal_mode"}), "wal");
  EXPECT_EQ(setting({"PRAGMA synchronous"}), "2");
  EXPECT_EQ(setting({"PRAGMA foreign_keys"}), "1");
  EXPECT_EQ(setting({"PRAGMA secure_delete"}), "1");
  EXPECT_EQ(setting({"PRAGMA temp_store"}), "2");
  EXPECT_EQ(setting({"PRAGMA mmap_size"}), "0");
}

std::int64_t number(Store& store, const Statement& pragma) {
  std::int64_t value = -1;
  EXPECT_TRUE(store
                  .read([&](Connection& connection) {
                    return connection.query(pragma, {}, [&](const Row& row) {
                      value = row.integer(0);
                      return false;
                    });
                  })
                  .ok());
  return value;
}

// Leaves more free pages than the store keeps.
void fill_and_remove(Store& store) {
  for (int id = 0; id < 300; ++id)
    ASSERT_TRUE(store.write(insert(id, std::string(100'000, 'b'))).ok());
  static constexpr Statement kRemove{"DELETE FROM item"};
  ASSERT_TRUE(
      store.write([](Transaction& transaction) { return run(transaction, kRemove, {}); }).ok());
}

TEST(SqliteStore, GivesBackThePagesOfRemovedRowsInSmallSteps) {
  const Folder folder;
  const auto store = folder.open();
  static constexpr Statement kPages{"PRAGMA page_count"};
  static constexpr Statement kMode{"PRAGMA auto_vacuum"};
  static constexpr Statement kCheck{"PRAGMA quick_check"};
  EXPECT_EQ(number(*store, kMode), 2);
  fill_and_remove(*store);
  const std::int64_t before = number(*store, kPages);
  ASSERT_GT(before, 7'000);
  int steps = 0;
  for (auto more = store->give_back(); more.ok() && *more; more = store->give_back()) ++steps;
  EXPECT_GT(steps, 20);
  EXPECT_LT(number(*store, kPages), 4'500) << "what is kept, and the tables";
  EXPECT_TRUE(store->write(insert(1)).ok());
  std::string checked;
  EXPECT_TRUE(store
                  ->read([&](Connection& connection) {
                    return connection.query(
                        kCheck, {}, [&](const Row& row) { return checked = row.text(0), true; });
                  })
                  .ok());
  EXPECT_EQ(checked, "ok");
}

TEST(SqliteStore, LeavesAFileThatWasMadeWithoutPageMapsAsItIs) {
  const Folder folder;
  const std::string path = folder.options().path;
  {
    std::ofstream{path};
    const auto older = sqlite::Database::open({path, "", false});
    ASSERT_TRUE(older.ok()) << older.error().message;
    ASSERT_TRUE((*older)->script("PRAGMA journal_mode=WAL").ok());
  }
  const auto store = folder.open();
  static constexpr Statement kMode{"PRAGMA auto_vacuum"};
  EXPECT_EQ(number(*store, kMode), 0);
  fill_and_remove(*store);
  const auto more = store->give_back();
  ASSERT_TRUE(more.ok()) << more.error().message;
  EXPECT_FALSE(*more);
  EXPECT_TRUE(store->write(insert(1)).ok());
}

TEST(SqliteStore, MakesItsFilesReadableForTheirOwnerOnly) {
  const Folder folder;
  const auto store = folder.open();
  EXPECT_TRUE(store->write(insert(1)).ok());
  for (const char* name : {"hub.db", "hub.db-wal", "hub.db-shm"}) {
    struct stat info {};
    ASSERT_EQ(::stat((folder.path() / name).c_str(), &info), 0) << name;
    EXPECT_EQ(info.st_mode & 0777U, 0600U) << name;
  }
}

TEST(SqliteStore, CopiesItsLogIntoTheDatabaseNowAndThen) {
  const Folder folder;
  const auto store = folder.open();
  const std::string body(100'000, 'b');
  const auto copied = [&] { return std::filesystem::file_size(folder.path() / "hub.db"); };
  int rows = 0;
  // The last of what is written may stay in the log, until more is written.
  EXPECT_TRUE(rabt::test::eventually([&] {
    for (const int until = rows + 100; rows < until; ++rows)
      store->submit(Store::Need::droppable, insert(rows, body), [](const Status&) {});
    store->flush();
    return copied() > 20'000'000U;
  })) << copied();
  EXPECT_LT(rows, 1'000);  // 100 MB
}

TEST(SqliteOpen, SaysWhichFolderIsMissingOrNotWritable) {
  const Folder folder;
  SqliteOptions options = folder.options();
  options.path = "/nonexistent-folder/hub.db";
  const Error missing = refused(open_sqlite(options, null_logger()));
  EXPECT_EQ(missing.code, "store.open");
  EXPECT_NE(missing.message.find("/nonexistent-folder/hub.db"), std::string::npos);
  EXPECT_NE(missing.message.find("must exist and be writable"), std::string::npos);
  options.path = "/proc/hub.db";  // not even root may write there
  EXPECT_EQ(refused(open_sqlite(options, null_logger())).code, "store.open");
}

TEST(SqliteOpen, LeavesAFileAloneThatIsNoDatabase) {
  const Folder folder;
  const std::string text = std::string(5000, 'x');
  std::ofstream(folder.options().path) << text;
  const Error error = refused(folder.try_open());
  EXPECT_EQ(error.code, "store.open");
  EXPECT_NE(error.message.find(folder.options().path), std::string::npos);
  std::ifstream in(folder.options().path);
  EXPECT_EQ((std::string{std::istreambuf_iterator<char>(in), {}}), text);
}

TEST(SqliteOpen, RefusesAFileSystemWithoutWriteAheadLogging) {
  const Folder folder;
  const Error error =
      refused(folder.try_open({.max_pages = 0, .vfs = "unix-none", .max_queued = 0}));
  EXPECT_EQ(error.code, "store.durability") << error.message;
  EXPECT_NE(error.message.find("journal_mode"), std::string::npos);
}

// A database has few tenants: an index that finds more than the tenant beats a key that does not.
TEST(SqliteMigrations, TellThePlannerThatATenantHasManyRows) {
  const Folder folder;
  folder.migration("0002_member.sql",
                   "CREATE TABLE member (tenant TEXT NOT NULL, person TEXT NOT NULL, session TEXT "
                   "NOT NULL, body TEXT, PRIMARY KEY (tenant, person, session)) WITHOUT ROWID;"
                   "CREATE INDEX member_session ON member (tenant, session);");
  const auto plan = [&](const Statement& statement) {
    std::string text;
    const auto store = folder.open();
    EXPECT_TRUE(store
                    ->read([&](Connection& connection) {
                      return connection.query(statement, {}, [&](const Row& row) {
                        text += row.text(3);
                        return true;
                      });
                    })
                    .ok());
    return text;
  };
  EXPECT_EQ(plan({"EXPLAIN QUERY PLAN SELECT person FROM member WHERE tenant='t' AND session='s' "
                  "AND person='p'"}),
            "SEARCH member USING PRIMARY KEY (tenant=? AND person=? AND session=?)");
  EXPECT_EQ(plan({"EXPLAIN QUERY PLAN SELECT * FROM member WHERE tenant='t' AND session='s'"}),
            "SEARCH member USING INDEX member_session (tenant=? AND session=?)");
  folder.migration("0003_note.sql",
                   "CREATE TABLE note (tenant TEXT NOT NULL, id TEXT NOT NULL, visit TEXT NOT "
                   "NULL, body TEXT, PRIMARY KEY (tenant, id)) WITHOUT ROWID;"
                   "CREATE INDEX note_visit ON note (tenant, visit);");
  EXPECT_EQ(plan({"EXPLAIN QUERY PLAN SELECT * FROM note WHERE tenant='t' AND visit='v' ORDER BY "
                  "id"}),
            "SEARCH note USING INDEX note_visit (tenant=? AND visit=?)");
}

// ---- an earlier build's database

TEST(SqliteOpen, RefusesTheDatabaseOfAnEarlierBuildAndSaysWhy) {
  const Folder folder;
  (void)folder.open();
  ASSERT_EQ(
      std::system(("sqlite3 '" + folder.options().path + "' 'PRAGMA user_version=0'").c_str()), 0);
  const auto store = folder.try_open();
  ASSERT_FALSE(store.ok());
  EXPECT_EQ(store.error().code, "store.earlier_build");
  EXPECT_EQ(store.error().message,
            folder.options().path +
                " was written by a build of the hub before 0.2.0, which no later one reads: "
                "start with an empty data folder");
  EXPECT_EQ(open_sqlite_reader(folder.options().path).error().code, "store.earlier_build");
}

TEST(SqliteOpen, RefusesTheFormatsOfANewerHub) {
  const Folder folder;
  (void)folder.open();
  ASSERT_EQ(
      std::system(("sqlite3 '" + folder.options().path + "' 'PRAGMA user_version=9'").c_str()), 0);
  const auto store = folder.try_open();
  ASSERT_FALSE(store.ok());
  EXPECT_EQ(store.error().code, "store.migration_newer");
}

}  // namespace
}  // namespace rabt::store::test::sqlite_test
