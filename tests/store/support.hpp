#pragma once

#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/wait.h>

#include <condition_variable>
#include <filesystem>
#include <fstream>
#include <functional>
#include <mutex>
#include <string>
#include <vector>

#include "hub/store/postgres/postgres_store.hpp"
#include "hub/store/sqlite/sqlite_store.hpp"
#include "hub/store/store.hpp"
#include "tests/postgres_server.hpp"

namespace rabt::store::test {

inline constexpr Statement kInsert{"INSERT INTO item (id, body) VALUES ($1, $2)"};
inline constexpr Statement kCount{"SELECT COUNT(*) FROM item"};
inline constexpr Statement kIds{"SELECT id FROM item ORDER BY id"};
inline const char* schema() {
  return rabt::test::on_postgres()
             ? "CREATE TABLE item (id BIGINT PRIMARY KEY, body BYTEA NOT NULL);\n"
             : "CREATE TABLE item (id INTEGER PRIMARY KEY, body BLOB NOT NULL);\n";
}

// A folder with a migrations folder, and a database of the engine that is tested; both go away with
// the test.
class Folder {
 public:
  explicit Folder(const std::string& parent = std::filesystem::temp_directory_path().string()) {
    std::string name = parent + "/rabt-store-XXXXXX";
    EXPECT_NE(::mkdtemp(name.data()), nullptr);
    path_ = name;
    std::filesystem::create_directory(path_ / "migrations");
    migration("0001_item.sql", schema());
    if (rabt::test::on_postgres()) database_ = rabt::test::postgres_server().create();
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  ~Folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
    if (!database_.empty()) rabt::test::postgres_server().drop(database_);
  }
  void migration(const std::string& name, const std::string& sql) const {
    std::ofstream(path_ / "migrations" / name, std::ios::trunc) << sql;
  }
  void remove_migration(const std::string& name) const {
    std::filesystem::remove(path_ / "migrations" / name);
  }
  void remove_migrations() const { std::filesystem::remove_all(path_ / "migrations"); }
  // An empty database in the place of the present one.
  void forget() const {
    std::filesystem::remove(options().path);
    if (database_.empty()) return;
    rabt::test::postgres_server().drop(database_);
    rabt::test::postgres_server().sql("postgres", "CREATE DATABASE " + database_);
  }
  [[nodiscard]] SqliteOptions options() const {
    return {(path_ / "hub.db").string(), (path_ / "migrations").string()};
  }
  [[nodiscard]] PostgresOptions postgres() const {
    PostgresOptions options = rabt::test::postgres_options(database_);
    options.migrations_folder = (path_ / "migrations").string();
    return options;
  }
  [[nodiscard]] const std::string& database() const { return database_; }
  [[nodiscard]] std::filesystem::path path() const { return path_; }
  [[nodiscard]] Result<std::unique_ptr<Store>> try_open(const sqlite::Tuning& tuning = {}) const {
    if (rabt::test::on_postgres()) {
      PostgresOptions options = postgres();
      options.max_queued = tuning.max_queued;
      return open_postgres(options, null_logger());
    }
    return sqlite::open_tuned(options(), tuning, null_logger());
  }
  [[nodiscard]] std::unique_ptr<Store> open(const sqlite::Tuning& tuning = {}) const {
    auto store = try_open(tuning);
    EXPECT_TRUE(store.ok()) << (store.ok() ? "" : store.error().message);
    return store.ok() ? std::move(*store) : nullptr;
  }

 private:
  std::filesystem::path path_;
  // Empty on SQLite.
  std::string database_;
};

inline Error refused(const Result<std::unique_ptr<Store>>& store) {
  EXPECT_FALSE(store.ok());
  return store.ok() ? Error{} : store.error();
}

inline Store::Job insert(std::int64_t id, std::string body = "x") {
  return [id, body](Transaction& transaction) -> Status {
    RABT_TRY(rows, transaction.execute(kInsert, {id, Blob{body}}));
    EXPECT_EQ(rows, 1);
    return ok_status();
  };
}

inline std::vector<std::int64_t> ids(Store& store) {
  std::vector<std::int64_t> found;
  const Status status = store.read([&](Connection& connection) {
    return connection.query(kIds, {}, [&](const Row& row) {
      found.push_back(row.integer(0));
      return true;
    });
  });
  EXPECT_TRUE(status.ok()) << (status.ok() ? "" : status.error().message);
  return found;
}

// The exit code, or the negative number of the signal.
inline int wait_for(pid_t child) {
  int state = 0;
  ::waitpid(child, &state, 0);
  return WIFEXITED(state) ? WEXITSTATUS(state) : -WTERMSIG(state);
}

// Holds the writer thread inside a job, so that what is submitted meanwhile forms one batch.
class Gate {
 public:
  // written runs on the writer's thread when the job is durable, before what was submitted
  // meanwhile.
  explicit Gate(
      Store& store, std::function<void()> written = [] {}) {
    store.submit(
        Store::Need::required,
        [this](Transaction&) {
          std::unique_lock lock(mutex_);
          inside_ = true;
          changed_.notify_all();
          changed_.wait(lock, [this] { return open_; });
          return ok_status();
        },
        [written = std::move(written)](const Status&) { written(); });
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return inside_; });
  }
  void open() {
    const std::scoped_lock lock(mutex_);
    open_ = true;
    changed_.notify_all();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool inside_ = false;
  bool open_ = false;
};

// Salts of a write-ahead log: others each time that the log begins anew
// (sqlite.org/fileformat2.html, section 4.1).
inline std::string salts_of(const std::filesystem::path& log) {
  std::ifstream in(log, std::ios::binary);
  std::string start(24, '\0');
  in.read(start.data(), static_cast<std::streamsize>(start.size()));
  return start.substr(16);
}

}  // namespace rabt::store::test
