// A hub's database is brought from the data folder to a server, and back.
#include "hub/assembly/database_copy.hpp"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>
#include <string>

#include "hub/assembly/database.hpp"
#include "hub/assembly/foundation.hpp"
#include "tests/postgres_server.hpp"

namespace rabt::assembly::database_copy_test {
namespace {

namespace fs = std::filesystem;
using rabt::test::postgres_server;

class DatabaseCopy : public testing::Test {
 protected:
  DatabaseCopy() {
    std::string pattern = (fs::temp_directory_path() / "rabt-copy-XXXXXX").string();
    EXPECT_NE(::mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
    file_.data = folder_ + "/data";
    fs::create_directory(file_.data);
    file_.tenant = "t1";
    file_.audit.origin = "rabt.health/audit/t1";
    file_.migrations = RABT_MIGRATIONS;
    server_ = file_;
    server_.migrations = RABT_MIGRATIONS "/../postgres";
    database_ = postgres_server().create();
    std::ofstream(folder_ + "/password") << postgres_server().password();
    fs::permissions(folder_ + "/password", fs::perms::owner_read | fs::perms::owner_write);
    server_.postgres.emplace();
    server_.postgres->host = postgres_server().host();
    server_.postgres->port = 5432;
    server_.postgres->database = database_;
    server_.postgres->user = postgres_server().user();
    server_.postgres->password.file = folder_ + "/password";
  }
  ~DatabaseCopy() override {
    fs::remove_all(folder_);
    postgres_server().drop(database_);
  }
  [[nodiscard]] std::string place(const std::string& name) const { return file_.data + "/" + name; }
  [[nodiscard]] Result<std::unique_ptr<Foundation>> open(const config::Config& config) const {
    return Foundation::open(config, clock_, null_logger());
  }
  [[nodiscard]] std::string refusal(const config::Config& config) const {
    const auto opened = open(config);
    EXPECT_FALSE(opened.ok());
    return opened.ok() ? std::string() : opened.error().code;
  }
  // A hub runs and writes one entry.
  void write(const config::Config& config) const {
    const auto hub = open(config);
    ASSERT_TRUE(hub.ok()) << hub.error().message;
    const audit::Prepared entry = (*hub)->audit->prepare(
        {.tenant = "t1", .actor = "operator", .act = "test.done", .object = "o", .result = "ok"});
    const Status written = (*hub)->store->write(
        [&](store::Transaction& transaction) { return (*hub)->audit->append(transaction, entry); });
    ASSERT_TRUE(written.ok()) << written.error().message;
  }
  [[nodiscard]] std::optional<Error> copy(const config::Config& from,
                                          const config::Config& to) const {
    auto copied = copy_database(from, to, null_logger());
    return copied.ok() ? std::nullopt : std::optional(copied.error());
  }
  void expect_copied(const config::Config& from, const config::Config& to) const {
    const auto error = copy(from, to);
    ASSERT_FALSE(error) << error->message;
  }
  void expect_refused(const config::Config& from, const config::Config& to, const std::string& code,
                      const std::string& words) const {
    const auto error = copy(from, to);
    ASSERT_TRUE(error) << code;
    EXPECT_EQ(error->code, code) << error->message;
    EXPECT_NE(error->message.find(words), std::string::npos) << error->message;
  }

  SystemClock clock_;
  std::string folder_;
  std::string database_;
  config::Config file_;
  config::Config server_;
};

TEST_F(DatabaseCopy, GoesToTheServerAndBack) {
  write(file_);
  expect_copied(file_, server_);
  EXPECT_FALSE(fs::exists(place("rabt.db")));
  EXPECT_TRUE(fs::exists(place("rabt.db.copied")));
  write(server_);
  expect_copied(server_, file_);
  EXPECT_FALSE(fs::exists(place("rabt.db.copying")));
  write(file_);
  // The file of the first copy is not replaced.
  expect_refused(file_, server_, "store.used", "rabt.db.copied is there already");
  fs::remove(place("rabt.db.copied"));
  expect_refused(file_, server_, "store.used", "drop it and create it again");
}

// Symptom: two hubs served one data folder, one on the file and one on the server, and both took
// writes. Cause: each database had a lock of its own, and store.two looked in one direction.
TEST_F(DatabaseCopy, OneProcessUsesADataFolderWhateverTheDatabaseIs) {
  write(file_);
  expect_copied(file_, server_);
  fs::copy_file(place("rabt.db.copied"), place("kept"));
  const std::string holder = "process " + std::to_string(::getpid());
  {
    const auto hub = open(server_);
    ASSERT_TRUE(hub.ok()) << hub.error().message;
    fs::rename(place("rabt.db.copied"), place("rabt.db"));
    const auto second = open(file_);
    ASSERT_FALSE(second.ok());
    EXPECT_EQ(second.error().code, "store.locked");
    EXPECT_NE(second.error().message.find(holder), std::string::npos) << second.error().message;
    expect_refused(server_, file_, "store.locked", holder);
  }
  const auto hub = open(file_);
  ASSERT_TRUE(hub.ok()) << hub.error().message;
  EXPECT_EQ(refusal(server_), "store.locked");
  expect_refused(file_, server_, "store.locked", holder);
}

// Symptom: one start of the old configuration after a finished move kept the hub down under both.
// Cause: it made an empty database in the data folder.
TEST_F(DatabaseCopy, TheOldConfigurationMakesNoNewDatabaseAfterAMove) {
  write(file_);
  expect_copied(file_, server_);
  EXPECT_EQ(refusal(file_), "store.copied");
  EXPECT_EQ(check_place(file_).error().code, "store.copied");
  EXPECT_FALSE(fs::exists(place("rabt.db")));
  expect_refused(file_, server_, "store.copied", "was brought to a server");
  write(server_);
}

// Symptom: a copy to the file that was killed left half a database that was called good. Cause: it
// had the name of the database from the beginning.
TEST_F(DatabaseCopy, ACutCopyToTheFileIsNoDatabaseAndIsMadeAgain) {
  write(server_);
  for (const char* end : {"", "-wal", "-shm"})
    std::ofstream(place("rabt.db.copying") + end) << "half of a database";
  EXPECT_EQ(refusal(file_), "store.copied");
  EXPECT_FALSE(fs::exists(place("rabt.db")));
  write(server_);
  expect_copied(server_, file_);
  for (const char* name : {"rabt.db.copying", "rabt.db.copying-wal", "rabt.db.copying-shm"})
    EXPECT_FALSE(fs::exists(place(name))) << name;
  write(file_);
}

// Symptom: a copy to the server that was killed behind its commit could neither be used nor be
// ended. Cause: the full database was refused without a look at its rows.
TEST_F(DatabaseCopy, ACopyToTheServerThatWasCutBehindItsCommitIsEnded) {
  write(file_);
  expect_copied(file_, server_);
  fs::rename(place("rabt.db.copied"), place("rabt.db"));
  EXPECT_EQ(refusal(server_), "store.two");
  expect_copied(file_, server_);
  EXPECT_FALSE(fs::exists(place("rabt.db")));
  write(server_);
}

TEST_F(DatabaseCopy, IsNotEndedWhereAHubHasWrittenMeanwhile) {
  write(file_);
  expect_copied(file_, server_);
  fs::rename(place("rabt.db.copied"), place("rabt.db"));
  write(file_);
  expect_refused(file_, server_, "store.used", "drop it and create it again");
  EXPECT_TRUE(fs::exists(place("rabt.db")));
  postgres_server().drop(database_);
  postgres_server().sql("postgres", "CREATE DATABASE " + database_);
  expect_copied(file_, server_);
  write(server_);
}

TEST_F(DatabaseCopy, OfADatabaseToItselfIsRefused) {
  write(server_);
  expect_refused(server_, server_, "config.copy", "the same database");
}

}  // namespace
}  // namespace rabt::assembly::database_copy_test
