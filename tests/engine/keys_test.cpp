#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <future>

#include "hub/audit/verify.hpp"
#include "hub/keys/admin.hpp"
#include "tests/engine/rig.hpp"

// Destroyed and withheld keys: their effect on running and on ended instances.
namespace rabt::engine::keys_test {
namespace {

constexpr const char* kWaits = R"(
document: {dsl: '1.0.3', namespace: test, name: waits, version: '1.0.0'}
schedule: {on: {one: {with: {type: go.v1}}}}
input: {from: '${ .[0].data }'}
do:
  - one: {call: 'do-key:1.0.0@script', with: '${ . }'}
)";

class EngineKeysTest : public testing::Test {
 protected:
  EngineKeysTest() { rig_.deploy(kWaits); }
  keys::KeyAdmin admin() {
    return {{rig_.keyring(), rig_.keys(), rig_.store(), rig_.audit(), rig_.clock(), null_logger()},
            "t1"};
  }
  static keys::Order order() {
    return {.actor = "tester", .reason = "test", .client = {}, .request = {}};
  }
  // The output of an instance, or why it does not open.
  std::string data_of(const std::string& id) {
    const auto found = rig_.engine().instance(id, admitted);
    return found.ok() ? (*found)["output"].dump() : found.error().code;
  }
  Rig rig_;
};

// Whoever has the database alone cannot try what a body may have said: no plain digest of it stays,
// and none outlives what was sealed.
TEST_F(EngineKeysTest, ADeliveryLeavesNoDigestOfItsBody) {
  const Delivery message = rig_.delivery("go.v1", Json::object({{"name", "Sara"}}), "m1");
  ASSERT_TRUE(rig_.engine().accept(message).ok());
  static constexpr store::Statement kBody{"SELECT body_index FROM delivery"};
  std::string kept;
  ASSERT_TRUE(rig_.store()
                  .read([&](store::Connection& connection) {
                    return connection.query(kBody, {}, [&](const store::Row& row) {
                      kept = std::string(row.blob(0));
                      return false;
                    });
                  })
                  .ok());
  EXPECT_EQ(kept.size(), 16U);
  EXPECT_FALSE(message.body_sha256.starts_with(kept));
  Delivery other = message;
  other.body_sha256[0] = static_cast<char>(other.body_sha256[0] ^ 1);
  EXPECT_EQ(rig_.engine().accept(other).error().code, "engine.delivery_conflict");
  EXPECT_TRUE(rig_.engine().accept(message)->repeated);
}

TEST_F(EngineKeysTest, AnOlderDatabaseOpensNothingOfADestroyedBucket) {
  const auto ids = rig_.send("go.v1", Json::object({{"name", "Sara"}}));
  ASSERT_EQ(rig_.wait_status(ids[0], "completed"), "completed");
  const std::string before = data_of(ids[0]);
  EXPECT_NE(before.find("Sara"), std::string::npos);
  rig_.crash();
  const std::filesystem::path folder = rig_.folder();
  const auto backup = folder / "backup";
  std::filesystem::create_directory(backup);
  const auto database = [](const std::filesystem::path& file) {
    const std::string name = file.filename().string();
    return name.starts_with("rabt.db") || name.starts_with("audit.");
  };
  for (const auto& file : std::filesystem::directory_iterator(folder)) {
    if (database(file.path())) std::filesystem::copy(file.path(), backup / file.path().filename());
  }
  rig_.start();
  {
    auto keys = admin();
    const auto status = keys.status();
    ASSERT_TRUE(status.ok());
    for (const auto& bucket : status->buckets) {
      if (bucket.info.name.starts_with("consultation/") || bucket.info.name.starts_with("event/")) {
        ASSERT_TRUE(keys.shred(order(), bucket.info.name, true).ok());
      }
    }
  }
  EXPECT_EQ(data_of(ids[0]), "keys.shredded");
  rig_.crash();
  std::vector<std::filesystem::path> present;
  for (const auto& file : std::filesystem::directory_iterator(folder)) {
    if (database(file.path())) present.push_back(file.path());
  }
  for (const auto& file : present) std::filesystem::remove(file);
  for (const auto& file : std::filesystem::directory_iterator(backup))
    std::filesystem::copy(file.path(), folder / file.path().filename());
  rig_.start();
  EXPECT_EQ(data_of(ids[0]), "keys.shredded");
  EXPECT_EQ(rig_.engine().lifecycle(ids[0]).error().code, "keys.shredded");
  const auto verified = audit::verify(rig_.store(), rig_.folder());
  ASSERT_TRUE(verified.ok());
  EXPECT_TRUE(verified->verified);
  // The hub goes on with what comes.
  const auto next = rig_.send("go.v1", Json::object({{"name", "Omar"}}));
  EXPECT_EQ(rig_.wait_status(next[0], "completed"), "completed");
  EXPECT_NE(data_of(next[0]).find("Omar"), std::string::npos);
}

TEST_F(EngineKeysTest, ALegalHoldKeepsAnInstanceFromTheEndOfItsBucket) {
  const auto held = rig_.send("go.v1", Json::object({{"name", "Sara"}}));
  const auto other = rig_.send("go.v1", Json::object({{"name", "Omar"}}));
  ASSERT_EQ(rig_.wait_status(held[0], "completed"), "completed");
  ASSERT_EQ(rig_.wait_status(other[0], "completed"), "completed");
  auto keys = admin();
  std::string sealed_in;
  const auto status = keys.status();
  ASSERT_TRUE(status.ok());
  for (const auto& bucket : status->buckets) {
    if (bucket.info.name.starts_with("consultation/") && bucket.data_keys > 0)
      sealed_in = bucket.info.name;
  }
  constexpr store::Statement kKeyOf{"SELECT data_key FROM instance WHERE id = $1"};
  std::vector<std::string> ids;
  ASSERT_TRUE(rig_.store()
                  .read([&](store::Connection& connection) {
                    return connection.query(kKeyOf, {held[0]}, [&](const store::Row& row) {
                      ids.emplace_back(row.blob(0));
                      return true;
                    });
                  })
                  .ok());
  ASSERT_TRUE(keys.hold(order(), "case-7", "instance:" + held[0], ids).ok());
  ASSERT_TRUE(keys.shred(order(), sealed_in, true).ok());
  EXPECT_NE(data_of(held[0]).find("Sara"), std::string::npos);
  EXPECT_EQ(data_of(other[0]), "keys.shredded");
}

// The root goes away and the opened keys expire: nothing is taken in, nothing is lost, and what was
// under way goes on by itself when the root is back.
TEST_F(EngineKeysTest, WithoutTheRootIntakeRefusesAndInstancesWait) {
  std::promise<ScriptedService::Call> asked;
  std::atomic<bool> first{true};
  rig_.script().on("do-key", [&](ScriptedService::Call call) {
    if (first.exchange(false)) {
      asked.set_value(std::move(call));
    } else {  // the clock went past the deadline of the first call before it was answered
      call.done(done(Json::object({{"name", "Sara"}})));
    }
  });
  const auto ids = rig_.send("go.v1", Json::object({{"name", "Sara"}}));
  ScriptedService::Call call = asked.get_future().get();
  const std::string root = rig_.folder() + "/root.key";
  std::filesystem::rename(root, root + ".away");
  rig_.clock().advance_ms(keys::DataKeys::kTtlMs);
  rig_.keys().sweep();

  const auto refused = rig_.engine().accept(rig_.delivery("go.v1", Json::object({}), "later"));
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().kind, ErrorKind::unavailable);
  call.done(done(Json::object({{"name", "Sara"}})));
  EXPECT_NE(rig_.wait_status(ids[0], "completed", 200), "completed");
  const auto cancelled = rig_.engine().cancel(ids[0], "test", "no keys");
  ASSERT_FALSE(cancelled.ok());
  EXPECT_EQ(cancelled.error().kind, ErrorKind::unavailable);

  std::filesystem::rename(root + ".away", root);
  rig_.clock().advance_ms(crypto::Keyring::kRetryMs);
  EXPECT_EQ(rig_.wait_status(ids[0], "completed"), "completed");
  EXPECT_NE(data_of(ids[0]).find("Sara"), std::string::npos);
  EXPECT_TRUE(rig_.engine().accept(rig_.delivery("go.v1", Json::object({}), "later")).ok());
}

}  // namespace
}  // namespace rabt::engine::keys_test
