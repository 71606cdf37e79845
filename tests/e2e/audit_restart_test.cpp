#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "tests/e2e/support.hpp"

// docs/operations.md, "When the audit log is refused", followed to the letter.
namespace rabt::e2e::audit_restart_test {
namespace {

namespace fs = std::filesystem;

class RefusedLog : public testing::Test {
 protected:
  void SetUp() override {
    set_origin("hospital.example/audit");
    ASSERT_NO_FATAL_FAILURE(site_.start_hub());
    act();
    site_.stop_hub();
    ASSERT_EQ(site_.rabt({"audit", "verify"}).code, 0);
    change_database(
        database(),
        "UPDATE audit SET canonical = replace(canonical, '\"act\"', '\"aCt\"') WHERE seq = 2");
  }
  // Something that the log holds afterwards.
  void act() { EXPECT_EQ(site_.post("one", site_.booking().body).status, 202); }
  void set_origin(const std::string& name) {
    site_.config.more = "audit: {origin: " + name + ", anchors: [\"" + anchor().string() + "\"]}\n";
    fs::create_directories(anchor());
  }
  [[nodiscard]] fs::path anchor() const { return site_.folder() / "anchor"; }
  [[nodiscard]] std::string database() const { return site_.config.data + "/rabt.db"; }

  Site site_{Kind::edge};
};

TEST_F(RefusedLog, StepFiveBeginsAnEmptyLogUnderANewName) {
  const Finished refused = site_.serve();
  EXPECT_NE(refused.code, 0);
  EXPECT_NE(refused.said.find("audit.broken"), std::string::npos) << refused.said;
  EXPECT_NE(refused.said.find("entry 2 "), std::string::npos) << refused.said;

  change_database(database(),
                  "DELETE FROM audit; DELETE FROM audit_tile; DELETE FROM audit_find; DELETE FROM "
                  "audit_checkpoint");
  fs::rename(site_.config.data + "/audit.checkpoint", site_.folder() / "kept.checkpoint");
  fs::rename(anchor(), site_.folder() / "kept.anchor");
  set_origin("hospital.example/audit-2");

  ASSERT_NO_FATAL_FAILURE(site_.start_hub());
  EXPECT_EQ(site_.post("two", site_.booking(1).body).status, 202);
  site_.stop_hub();
  const Finished verified = site_.rabt({"audit", "verify"});
  EXPECT_EQ(verified.code, 0) << verified.said;
  EXPECT_TRUE(
      read_file(site_.config.data + "/audit.checkpoint").starts_with("hospital.example/audit-2\n"));
}

}  // namespace
}  // namespace rabt::e2e::audit_restart_test
