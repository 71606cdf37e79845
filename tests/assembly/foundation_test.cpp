#include "hub/assembly/foundation.hpp"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>

namespace rabt::assembly {
namespace {

namespace fs = std::filesystem;

class FoundationOpen : public testing::Test {
 protected:
  FoundationOpen() {
    std::string pattern = (fs::temp_directory_path() / "rabt-foundation-XXXXXX").string();
    EXPECT_NE(::mkdtemp(pattern.data()), nullptr);
    config_.data = pattern;
    config_.tenant = "t1";
    config_.audit.origin = "rabt.health/audit/t1";
    config_.migrations = RABT_MIGRATIONS;
  }
  ~FoundationOpen() override { fs::remove_all(config_.data); }
  [[nodiscard]] Result<std::unique_ptr<Foundation>> open(
      Foundation::Part part = Foundation::Part::all) const {
    return Foundation::open(config_, clock_, null_logger(), part);
  }
  SystemClock clock_;
  config::Config config_;
};

TEST_F(FoundationOpen, MakesADataFolderThatOpensAgainWithItsLog) {
  {
    const auto first = open();
    ASSERT_TRUE(first.ok()) << first.error().message;
    const audit::Prepared entry = (*first)->audit->prepare(
        {.tenant = "t1", .actor = "operator", .act = "test.done", .object = "o", .result = "ok"});
    ASSERT_TRUE((*first)
                    ->store
                    ->write(
                        [&](store::Transaction& transaction) {
                          return (*first)->audit->append(transaction, entry);
                        },
                        store::Store::Need::required)
                    .ok());
  }
  const auto again = open();
  ASSERT_TRUE(again.ok()) << again.error().message;
  EXPECT_TRUE((*again)->key_admin->status().ok());
  EXPECT_TRUE((*again)->senders.empty());
}

TEST_F(FoundationOpen, OpensTheKeyringBesideAHubAndNothingElse) {
  const auto hub = open();
  ASSERT_TRUE(hub.ok()) << hub.error().message;
  const auto second = open();
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(second.error().code, "store.locked");
  const auto beside = open(Foundation::Part::keyring);
  ASSERT_TRUE(beside.ok()) << beside.error().message;
  EXPECT_NE((*beside)->keyring, nullptr);
  EXPECT_EQ((*beside)->store, nullptr);
  EXPECT_EQ((*beside)->audit, nullptr);
}

TEST_F(FoundationOpen, ADataFolderThatCannotBeReadIsAnError) {
  const std::string folder = config_.data;
  fs::create_symlink("loop", folder + "/loop");
  config_.data = folder + "/loop";
  for (const auto part : {Foundation::Part::keyring, Foundation::Part::all}) {
    const auto hub = open(part);
    ASSERT_FALSE(hub.ok());
    EXPECT_EQ(hub.error().code, "file.unread");
  }
  EXPECT_EQ(check_root(config_).error().code, "file.unread");
  config_.data = folder;
}

TEST_F(FoundationOpen, RefusesADatabaseWithoutItsKeyring) {
  ASSERT_TRUE(open().ok());
  fs::remove(config_.data + "/keyring");
  const auto alone = open();
  ASSERT_FALSE(alone.ok());
  EXPECT_EQ(alone.error().code, "cli.keyring_missing");
}

}  // namespace
}  // namespace rabt::assembly
