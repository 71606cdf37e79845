#pragma once

#include <sqlite3.h>

#include <chrono>
#include <cstdint>
#include <string>

#include "hub/store/sqlite/library.hpp"

// SQLite and the disk without the hub, for comparison.
namespace rabt::bench {

// A database with the pragmas of the hub's. Confined to one thread.
class RawDatabase {
 public:
  explicit RawDatabase(const std::string& path) {
    store::sqlite::set_up_library();
    sqlite3_open(path.c_str(), &db_);
    run("PRAGMA journal_mode=WAL");
    run("PRAGMA synchronous=FULL");
    run("CREATE TABLE t (seq INTEGER PRIMARY KEY, body BLOB)");
    sqlite3_prepare_v2(db_, "INSERT INTO t (body) VALUES (?)", -1, &insert_, nullptr);
  }
  ~RawDatabase() {
    sqlite3_finalize(insert_);
    sqlite3_close(db_);
  }
  RawDatabase(const RawDatabase&) = delete;
  RawDatabase& operator=(const RawDatabase&) = delete;
  // Rows of 600 bytes a second, so many a commit.
  double rows_per_second(int rows_a_commit, double seconds) {
    using Clock = std::chrono::steady_clock;
    const std::string row(600, 'x');
    const auto start = Clock::now();
    const auto passed = [&] { return std::chrono::duration<double>(Clock::now() - start).count(); };
    std::int64_t rows = 0;
    while (passed() < seconds) {
      run("BEGIN IMMEDIATE");
      for (int i = 0; i < rows_a_commit; ++i, ++rows) {
        sqlite3_bind_blob(insert_, 1, row.data(), static_cast<int>(row.size()), SQLITE_STATIC);
        sqlite3_step(insert_);
        sqlite3_reset(insert_);
      }
      run("COMMIT");
    }
    return static_cast<double>(rows) / passed();
  }

 private:
  void run(const char* sql) { sqlite3_exec(db_, sql, nullptr, nullptr, nullptr); }
  sqlite3* db_ = nullptr;
  sqlite3_stmt* insert_ = nullptr;
};

}  // namespace rabt::bench
