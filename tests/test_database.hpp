#pragma once

#include <cstdlib>
#include <memory>
#include <string>

#include "hub/store/store.hpp"
#include "tests/must.hpp"
#include "tests/postgres_server.hpp"

namespace rabt::test {

// The database of a test, with the hub's tables: SQLite's in the folder of the test or, when the
// tests run on PostgreSQL, one of the program's server. It can be opened again and again.
class TestDatabase {
 public:
  TestDatabase() {
    if (on_postgres()) name_ = postgres_server().create();
  }
  TestDatabase(const TestDatabase&) = delete;
  TestDatabase& operator=(const TestDatabase&) = delete;
  ~TestDatabase() {
    if (!name_.empty()) postgres_server().drop(name_);
  }
  [[nodiscard]] std::unique_ptr<store::Store> open(const std::string& folder) const {
    const char* source = std::getenv("RABT_SOURCE_DIR");  // NOLINT(concurrency-mt-unsafe)
    const std::string migrations = std::string(source == nullptr ? "." : source) + "/migrations/";
    if (name_.empty()) {
      return must(store::open_sqlite(
          {.path = folder + "/rabt.db", .migrations_folder = migrations + "sqlite"},
          null_logger()));
    }
    store::PostgresOptions options = postgres_options(name_);
    options.migrations_folder = migrations + "postgres";
    return must(store::open_postgres(options, null_logger()));
  }

 private:
  // Empty on SQLite.
  std::string name_;
};

}  // namespace rabt::test
