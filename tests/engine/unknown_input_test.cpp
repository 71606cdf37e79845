#include <gtest/gtest.h>

#include "hub/base/bytes.hpp"
#include "hub/engine/instance_reader.hpp"
#include "tests/engine/rig.hpp"

namespace rabt::engine::unknown_input_test {
namespace {

constexpr const char* kVisit =
    "document: {dsl: '1.0.3', namespace: test, name: sample, version: '1.0.0'}\n"
    "schedule: {on: {one: {with: {type: test.start.v1}}}}\n"
    "do:\n"
    "  - asks: {call: 'do-key:1.0.0@script', with: {}}\n";

// Adds an entry to the journal of the oldest instance, sealed as the hub seals its own.
void add_entry(Rig& rig, const std::string& instance, const std::string& entry) {
  static constexpr store::Statement kRead{
      "SELECT num, data_key, (SELECT MAX(n) + 1 FROM journal j WHERE j.instance = i.num) FROM "
      "instance i ORDER BY num LIMIT 1"};
  static constexpr store::Statement kAdd{
      "INSERT INTO journal (instance, n, sealed) VALUES ($1, $2, $3)"};
  std::int64_t num = 0;
  std::int64_t n = 0;
  std::string data_key;
  ASSERT_TRUE(rig.store()
                  .read([&](store::Connection& connection) {
                    return connection.query(kRead, {}, [&](const store::Row& row) {
                      num = row.integer(0);
                      data_key = std::string(row.blob(1));
                      n = row.integer(2);
                      return false;
                    });
                  })
                  .ok());
  const auto key = rig.keys().open("t1", data_key);
  ASSERT_TRUE(key.ok()) << key.error().message;
  SystemRandom random;
  const std::string sealed =
      (*key)->seal(journal_context("t1", instance + "/" + std::to_string(n)), entry, random);
  const Status added = rig.store().write([&](store::Transaction& transaction) {
    transaction.put(kAdd, {num, n, store::Blob{sealed}});
    return ok_status();
  });
  ASSERT_TRUE(added.ok()) << added.error().message;
}

void remove_last_entry(Rig& rig) {
  static constexpr store::Statement kRemove{
      "DELETE FROM journal WHERE instance = (SELECT MIN(num) FROM instance) AND n = (SELECT "
      "MAX(n) FROM journal WHERE instance = (SELECT MIN(num) FROM instance))"};
  ASSERT_TRUE(rig.store()
                  .write([](store::Transaction& transaction) {
                    transaction.put(kRemove, {});
                    return ok_status();
                  })
                  .ok());
}

TEST(UnknownInput, HoldsItsInstanceAloneAndSaysSo) {
  Rig rig;
  rig.script().on("do-key", [](const ScriptedService::Call&) {});  // no answer before the crash
  rig.deploy(kVisit);
  const std::string newer = rig.send("test.start.v1", Json::object({{"n", 1}}), "a").at(0);
  const std::string other = rig.send("test.start.v1", Json::object({{"n", 2}}), "b").at(0);
  ASSERT_TRUE(rig.script().wait_for("do-key", 2));
  ASSERT_NO_FATAL_FAILURE(add_entry(rig, newer, R"({"at":1773000000000,"measured":{"pulse":72}})"));
  rig.crash();
  rig.script().on("do-key", [](ScriptedService::Call call) { call.done(done(Json())); });
  rig.start();
  EXPECT_EQ(rig.wait_status(other, "completed"), "completed");
  EXPECT_EQ(rig.status(newer), "engine.unknown_input");
  const Status cancelled = rig.engine().cancel(newer, "user:test", "not needed");
  ASSERT_FALSE(cancelled.ok());
  EXPECT_EQ(cancelled.error().code, "engine.unknown_input");
  EXPECT_EQ(cancelled.error().message.find("pulse"), std::string::npos);

  // The build that knows the entry goes on with it; here the entry goes.
  ASSERT_NO_FATAL_FAILURE(remove_last_entry(rig));
  rig.crash();
  rig.start();
  EXPECT_EQ(rig.wait_status(newer, "completed"), "completed");
}

}  // namespace
}  // namespace rabt::engine::unknown_input_test
