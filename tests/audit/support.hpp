#pragma once

#include <gtest/gtest.h>
#include <sqlite3.h>
#include <stdlib.h>

#include <filesystem>
#include <string>
#include <vector>

#include "hub/audit/audit_log.hpp"

namespace rabt::audit {

inline std::string migrations() {
  const char* source = std::getenv("RABT_SOURCE_DIR");
  if (source != nullptr) return std::string(source) + "/migrations/sqlite";
  return std::filesystem::path(__FILE__).parent_path().parent_path().parent_path().string() +
         "/migrations/sqlite";
}

// A hub's data folder with a store; the log is opened and closed by the test.
class Fixture : public ::testing::Test {
 protected:
  Fixture() {
    std::string name = (std::filesystem::temp_directory_path() / "rabt-audit-XXXXXX").string();
    EXPECT_NE(::mkdtemp(name.data()), nullptr);
    folder_ = name;
    std::filesystem::create_directory(folder_ + "/migrations");
    // Only the audit log's own.
    std::filesystem::copy(migrations() + "/0001_audit.sql", folder_ + "/migrations/0001_audit.sql");
    open_store();
  }
  ~Fixture() override {
    log_.reset();
    store_.reset();
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }

  void open_store() {
    auto store = store::open_sqlite({database(), folder_ + "/migrations"}, null_logger());
    ASSERT_TRUE(store.ok()) << store.error().message;
    store_ = std::move(*store);
  }
  [[nodiscard]] std::string database() const { return folder_ + "/hub.db"; }
  [[nodiscard]] std::string head_file() const { return folder_ + "/" + kHeadFileName; }
  void open_log() {
    auto log = AuditLog::open(*store_, clock_, head_file());
    ASSERT_TRUE(log.ok()) << log.error().message;
    log_ = std::move(*log);
  }
  void close_log() {
    store_->flush();
    log_.reset();
  }
  static Entry entry(int number) {
    return {"acme",     "hub",
            "test.act", "instance:" + std::to_string(number),
            "ok",       Json::object({{"n", number}, {"b", true}})};
  }
  [[nodiscard]] store::Store::Job append(int number, bool fail = false) {
    return [this, prepared = log_->prepare(entry(number)),
            fail](store::Transaction& transaction) -> Status {
      RABT_TRY_STATUS(log_->append(transaction, prepared));
      if (fail) return invalid("test.no", "no");
      return ok_status();
    };
  }
  // A log with this many entries, closed.
  void write_log(int count) {
    open_log();
    for (int i = 1; i <= count; ++i) {
      clock_.advance_ms(1);
      store_->submit(store::Store::Need::required, append(i),
                     [](const Status& status) { EXPECT_TRUE(status.ok()); });
    }
    close_log();
  }
  // Somebody with access to the file.
  void tamper(const std::string& sql) {
    sqlite3* handle = nullptr;
    ASSERT_EQ(sqlite3_open(database().c_str(), &handle), SQLITE_OK);
    char* message = nullptr;
    EXPECT_EQ(sqlite3_exec(handle, sql.c_str(), nullptr, nullptr, &message), SQLITE_OK)
        << message << " " << sql;
    sqlite3_close(handle);
  }
  std::vector<std::string> problems() {
    const auto found = verify(*store_, folder_);
    EXPECT_TRUE(found.ok());
    if (!found.ok()) return {};
    EXPECT_EQ(found->verified, found->problems.empty());
    return found->problems;
  }
  using Texts = std::vector<std::string>;

  std::string folder_;
  FakeClock clock_;
  std::unique_ptr<store::Store> store_;
  std::unique_ptr<AuditLog> log_;
};

}  // namespace rabt::audit
