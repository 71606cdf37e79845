#pragma once

#include <cstdlib>
#include <memory>
#include <string>

#include "hub/store/open.hpp"
#include "tests/must.hpp"
#include "tests/postgres_server.hpp"

namespace rabt::test {

// The database of a test, with the hub's tables: SQLite's in the folder of the test or, when the
// tests run on PostgreSQL, one of the program's server. It can be opened again and again.
class TestDatabase {
 public:
  TestDatabase() {
    if (on_postgres()) name_ = postgres_server().create(migrated());
  }
  TestDatabase(const TestDatabase&) = delete;
  TestDatabase& operator=(const TestDatabase&) = delete;
  ~TestDatabase() {
    if (!name_.empty()) postgres_server().let_go(name_);
  }
  [[nodiscard]] std::unique_ptr<store::Store> open(const std::string& folder) const {
    if (!name_.empty()) return open_server(name_);
    return must(store::open(store::SqliteOptions{.path = folder + "/rabt.db",
                                                 .migrations_folder = migrations("sqlite")},
                            null_logger()));
  }

 private:
  static std::string migrations(const std::string& kind) {
    const char* source = std::getenv("RABT_SOURCE_DIR");  // NOLINT(concurrency-mt-unsafe)
    return std::string(source == nullptr ? "." : source) + "/migrations/" + kind;
  }
  static std::unique_ptr<store::Store> open_server(const std::string& database) {
    store::PostgresOptions options = postgres_options(database);
    options.migrations_folder = migrations("postgres");
    return must(store::open(options, null_logger()));
  }
  // The database that those of the tests are copies of.
  static const std::string& migrated() {
    static const std::string name = [] {
      const std::string made = postgres_server().create();
      open_server(made);
      return made;
    }();
    return name;
  }

  // Empty on SQLite.
  std::string name_;
};

}  // namespace rabt::test
