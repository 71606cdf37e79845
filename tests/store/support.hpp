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

#include "hub/store/sqlite/sqlite_store.hpp"
#include "hub/store/store.hpp"

namespace rabt::store::test {

inline constexpr Statement kInsert{"INSERT INTO item (id, body) VALUES ($1, $2)"};
inline constexpr Statement kCount{"SELECT COUNT(*) FROM item"};
inline constexpr Statement kIds{"SELECT id FROM item ORDER BY id"};
inline constexpr const char* kSchema =
    "CREATE TABLE item (id INTEGER PRIMARY KEY, body BLOB NOT NULL);\n";

// A folder with a migrations folder; goes away with the test.
class Folder {
 public:
  explicit Folder(const std::string& parent = std::filesystem::temp_directory_path().string()) {
    std::string name = parent + "/rabt-store-XXXXXX";
    EXPECT_NE(::mkdtemp(name.data()), nullptr);
    path_ = name;
    std::filesystem::create_directory(path_ / "migrations");
    migration("0001_item.sql", kSchema);
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  ~Folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  void migration(const std::string& name, const std::string& sql) const {
    std::ofstream(path_ / "migrations" / name, std::ios::trunc) << sql;
  }
  void remove_migration(const std::string& name) const {
    std::filesystem::remove(path_ / "migrations" / name);
  }
  [[nodiscard]] SqliteOptions options() const {
    return {(path_ / "hub.db").string(), (path_ / "migrations").string()};
  }
  [[nodiscard]] std::filesystem::path path() const { return path_; }
  [[nodiscard]] Result<std::unique_ptr<Store>> try_open(const sqlite::Tuning& tuning = {}) const {
    return sqlite::open_tuned(options(), tuning, null_logger());
  }
  [[nodiscard]] std::unique_ptr<Store> open(const sqlite::Tuning& tuning = {}) const {
    auto store = try_open(tuning);
    EXPECT_TRUE(store.ok()) << (store.ok() ? "" : store.error().message);
    return store.ok() ? std::move(*store) : nullptr;
  }

 private:
  std::filesystem::path path_;
};

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

}  // namespace rabt::store::test
