#pragma once

#include <gtest/gtest.h>
#include <sqlite3.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "hub/audit/audit_log.hpp"
#include "hub/audit/note.hpp"
#include "hub/audit/verify.hpp"
#include "hub/base/bytes.hpp"
#include "hub/store/open.hpp"

namespace rabt::audit {

inline std::string migrations() {
  const char* source = std::getenv("RABT_SOURCE_DIR");
  if (source != nullptr) return std::string(source) + "/migrations/sqlite";
  return std::filesystem::path(__FILE__).parent_path().parent_path().parent_path().string() +
         "/migrations/sqlite";
}

inline std::string content(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

inline constexpr const char* kOrigin = "rabt.example/audit";
// The keys of the worked bytes in docs/formats/audit_log.md.
inline SecretBytes test_seed() {
  return SecretBytes(Bytes(32, 0x11));
}
inline SecretBytes test_mac_key() {
  return SecretBytes(Bytes(32, 0x22));
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
    auto store = store::open(
        store::SqliteOptions{.path = database(), .migrations_folder = folder_ + "/migrations"},
        null_logger());
    ASSERT_TRUE(store.ok()) << store.error().message;
    store_ = std::move(*store);
  }
  // Looks beside the log, or without one.
  [[nodiscard]] std::unique_ptr<store::Connection> open_reader() const {
    return store::open_reader(store::SqliteOptions{.path = database()}).value();
  }
  [[nodiscard]] std::string database() const { return folder_ + "/hub.db"; }
  [[nodiscard]] std::string checkpoint_file() const { return folder_ + "/" + kCheckpointFileName; }
  [[nodiscard]] LogOptions options() const {
    LogOptions options;
    options.folder = folder_;
    options.origin = kOrigin;
    options.seed = test_seed();
    options.mac_key = test_mac_key();
    return options;
  }
  [[nodiscard]] std::string vkey() const { return Signer(kOrigin, test_seed()).vkey(); }
  void open_log(LogOptions options) {
    auto log = AuditLog::open(*store_, clock_, std::move(options));
    ASSERT_TRUE(log.ok()) << log.error().message;
    log_ = std::move(*log);
  }
  void open_log() { open_log(options()); }
  // The code with which the log does not open; "ok" when it does.
  std::string opens(LogOptions options) {
    const auto log = AuditLog::open(*store_, clock_, std::move(options));
    message_ = log.ok() ? "" : log.error().message;
    return log.ok() ? "ok" : log.error().code;
  }
  std::string opens() { return opens(options()); }
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
  void add(int count) {
    for (int i = 1; i <= count; ++i) {
      clock_.advance_ms(1);
      store_->submit(store::Store::Need::required, append(i),
                     [](const Status& status) { EXPECT_TRUE(status.ok()); });
    }
    store_->flush();
  }
  // A log with this many more entries, closed: the last checkpoint covers them all.
  void write_log(int count) {
    open_log();
    add(count);
    close_log();
  }
  // Several sessions: a checkpoint after each.
  void write_log_in_parts(const std::vector<int>& counts) {
    for (const int count : counts) write_log(count);
  }
  // Somebody with access to the file.
  // The log signs checkpoints while a test looks into its database.
  static constexpr int kBusyMs = 10'000;
  void tamper(const std::string& sql) {
    sqlite3* handle = nullptr;
    ASSERT_EQ(sqlite3_open(database().c_str(), &handle), SQLITE_OK);
    sqlite3_busy_timeout(handle, kBusyMs);
    sqlite3_exec(handle, "PRAGMA synchronous=OFF", nullptr, nullptr, nullptr);
    char* message = nullptr;
    EXPECT_EQ(sqlite3_exec(handle, sql.c_str(), nullptr, nullptr, &message), SQLITE_OK)
        << message << " " << sql;
    sqlite3_close(handle);
  }
  std::string ask(const std::string& sql) {
    sqlite3* handle = nullptr;
    EXPECT_EQ(sqlite3_open(database().c_str(), &handle), SQLITE_OK);
    sqlite3_busy_timeout(handle, kBusyMs);
    std::string answer;
    sqlite3_exec(
        handle, sql.c_str(),
        [](void* out, int, char** columns, char**) {
          if (columns[0] != nullptr) *static_cast<std::string*>(out) = columns[0];
          return 0;
        },
        &answer, nullptr);
    sqlite3_close(handle);
    return answer;
  }
  void save() {
    tamper(
        "CREATE TABLE saved AS SELECT * FROM audit; CREATE TABLE saved_tile AS SELECT * FROM "
        "audit_tile; CREATE TABLE saved_checkpoint AS SELECT * FROM audit_checkpoint; CREATE "
        "TABLE saved_find AS SELECT * FROM audit_find");
  }
  void restore() {
    tamper(
        "BEGIN; DELETE FROM audit; INSERT INTO audit SELECT * FROM saved; DELETE FROM audit_tile; "
        "INSERT INTO audit_tile SELECT * FROM saved_tile; DELETE FROM audit_checkpoint; INSERT "
        "INTO audit_checkpoint SELECT * FROM saved_checkpoint; DELETE FROM audit_find; INSERT INTO "
        "audit_find SELECT * FROM saved_find; COMMIT");
  }
  using Texts = std::vector<std::string>;
  Verification verified(const VerifyOptions& options) {
    const auto found = verify(*store_, folder_, options);
    EXPECT_TRUE(found.ok()) << found.error().message;
    if (!found.ok()) return {};
    EXPECT_EQ(found->verified, found->problems.empty());
    return *found;
  }
  Texts problems() {
    VerifyOptions options;
    options.mac_key = &mac_key_;
    return verified(options).problems;
  }
  // By somebody without the keyring.
  Texts problems_without_key() { return verified({}).problems; }

  std::string folder_;
  std::string message_;
  const SecretBytes mac_key_ = test_mac_key();
  FakeClock clock_;
  std::unique_ptr<store::Store> store_;
  std::unique_ptr<AuditLog> log_;
};

}  // namespace rabt::audit
