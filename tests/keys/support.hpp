#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>

#include "hub/audit/audit_log.hpp"
#include "hub/audit/verify.hpp"
#include "hub/keys/admin.hpp"
#include "hub/keys/data_keys.hpp"
#include "tests/audit_and_keys.hpp"
#include "tests/keyring.hpp"
#include "tests/must.hpp"
#include "tests/store_under_test.hpp"

namespace rabt::keys::test {

using rabt::test::must;

inline std::string make_folder() {
  std::string pattern = (std::filesystem::temp_directory_path() / "rabt-keys-XXXXXX").string();
  if (::mkdtemp(pattern.data()) == nullptr) std::abort();
  return pattern;
}

// Keyring, database, audit log and data keys over one folder, opened and closed as a hub does.
struct House {
  House(std::string in, const rabt::test::StoreUnderTest& of, Random* source = nullptr,
        RetentionPolicy policy = {})
      : folder(std::move(in)), database(of), random(source != nullptr ? *source : system_random) {
    keyring = rabt::test::open_keyring(folder, clock, random, {"t1", "t2"});
    open_database(std::move(policy));
  }
  void open_database(RetentionPolicy policy = {}) {
    store = database.open(folder);
    audit = rabt::test::open_audit_log(*store, clock, *keyring, folder);
    keys = std::make_unique<DataKeys>(DataKeys::Parts{*keyring, *store, clock, random, ids},
                                      std::move(policy));
    admin = std::make_unique<KeyAdmin>(
        KeyAdmin::Parts{*keyring, *keys, *store, *audit, clock, null_logger()}, "t1");
  }
  void close_database() {
    admin.reset();
    keys.reset();
    audit.reset();
    store.reset();
  }

  // A key of its own, committed.
  NewDataKey make(std::string_view class_name = kConsultation, std::string_view tenant = "t1") {
    NewDataKey key = must(keys->make(tenant, class_name));
    (void)must(store->write([&](store::Transaction& tx) { return insert(tx, key); }));
    return key;
  }
  std::vector<NewDataKey> make_many(int count, std::string_view class_name) {
    std::vector<NewDataKey> made;
    for (int i = 0; i < count; ++i) made.push_back(must(keys->make("t1", class_name)));
    (void)must(store->write([&](store::Transaction& tx) -> Status {
      for (const NewDataKey& key : made) RABT_TRY_STATUS(insert(tx, key));
      return ok_status();
    }));
    return made;
  }
  // ok, or the code of the error.
  std::string open(const std::string& id, std::string_view tenant = "t1") {
    const auto key = keys->open(tenant, id);
    return key.ok() ? "ok" : key.error().code;
  }
  // The acts in the audit log with their results, oldest first: "keys.shred begun".
  std::vector<std::string> acts() {
    static constexpr store::Statement kAll{"SELECT canonical FROM audit ORDER BY seq"};
    std::vector<std::string> out;
    (void)must(store->read([&](store::Connection& connection) {
      return connection.query(kAll, {}, [&](const store::Row& row) {
        const Json entry = must(Json::parse(row.blob(0)));
        out.push_back(entry.string_or("act", "") + " " + entry.string_or("result", ""));
        return true;
      });
    }));
    return out;
  }

  std::string folder;
  const rabt::test::StoreUnderTest& database;
  FakeClock clock;
  SystemRandom system_random;
  Random& random;
  UlidSource ids{clock, random};
  std::unique_ptr<crypto::Keyring> keyring;
  std::unique_ptr<store::Store> store;
  std::unique_ptr<audit::AuditLog> audit;
  std::unique_ptr<DataKeys> keys;
  std::unique_ptr<KeyAdmin> admin;
};

class HouseTest : public testing::Test {
 protected:
  HouseTest() : folder_(make_folder()) { open_house(); }
  ~HouseTest() override {
    house_.reset();
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }
  // As a start of the hub does: nothing is cached.
  void open_house() { house_ = std::make_unique<House>(folder_, database_); }
  static Order order(std::string reason = "a test") {
    return {.actor = "tester", .reason = std::move(reason), .client = {}, .request = {}};
  }
  const rabt::test::StoreUnderTest database_;
  std::string folder_;
  std::unique_ptr<House> house_;
};

}  // namespace rabt::keys::test
