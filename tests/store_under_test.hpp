#pragma once

#include <cstdlib>
#include <memory>
#include <string>

#include "hub/store/open.hpp"
#include "tests/must.hpp"
#include "tests/postgres_server.hpp"

namespace rabt::test {

// The one way to a store for tests that are not about an engine: a database with the hub's tables,
// SQLite's in the folder of the test or, when the tests run on PostgreSQL, one of the program's
// server. It can be opened again and again, also by a child of the process. Tests of the engines
// open theirs by tests/store/support.hpp, and tests of a hub's files by its configuration.
class StoreUnderTest {
 public:
  StoreUnderTest() {
    if (on_postgres()) name_ = postgres_server().create(migrated());
  }
  StoreUnderTest(const StoreUnderTest&) = delete;
  StoreUnderTest& operator=(const StoreUnderTest&) = delete;
  ~StoreUnderTest() {
    if (!name_.empty()) postgres_server().let_go(name_);
  }
  // SQLite's file is rabt.db of the folder.
  [[nodiscard]] std::unique_ptr<store::Store> open(const std::string& folder,
                                                   Logger& log = null_logger()) const {
    if (!name_.empty()) return open_server(name_, log);
    return must(store::open(store::SqliteOptions{.path = folder + "/rabt.db",
                                                 .migrations_folder = migrations("sqlite")},
                            log));
  }

 private:
  static std::string migrations(const std::string& kind) {
    const char* source = std::getenv("RABT_SOURCE_DIR");  // NOLINT(concurrency-mt-unsafe)
    return std::string(source == nullptr ? "." : source) + "/migrations/" + kind;
  }
  static std::unique_ptr<store::Store> open_server(const std::string& database, Logger& log) {
    store::PostgresOptions options = postgres_options(database);
    options.migrations_folder = migrations("postgres");
    return must(store::open(options, log));
  }
  // The database that those of the tests are copies of.
  static const std::string& migrated() {
    static const std::string name = [] {
      const std::string text = postgres_server().create();
      open_server(text, null_logger());
      return text;
    }();
    return name;
  }

  // Empty on SQLite.
  std::string name_;
};

}  // namespace rabt::test
