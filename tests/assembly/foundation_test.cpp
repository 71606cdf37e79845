#include "hub/assembly/foundation.hpp"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>

#include "hub/base/clock.hpp"
#include "hub/keys/retention.hpp"
#include "tests/recording_logger.hpp"

namespace rabt::assembly::foundation_test {
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

// Symptom: with keyring and root restored and the database forgotten, an empty hub was served.
TEST_F(FoundationOpen, RefusesAUsedKeyringWithoutItsDatabase) {
  {
    const auto first = open();
    ASSERT_TRUE(first.ok());
  }
  for (const char* name : {"/rabt.db", "/audit.checkpoint"}) fs::remove(config_.data + name);
  {
    const auto unused = open();
    ASSERT_TRUE(unused.ok()) << "nothing was sealed under it: " << unused.error().message;
    ASSERT_TRUE((*unused)->keys->lease("t1").ok());
  }
  fs::remove(config_.data + "/rabt.db");
  const auto alone = open();
  ASSERT_FALSE(alone.ok());
  EXPECT_EQ(alone.error().code, "cli.database_missing");
  EXPECT_FALSE(fs::exists(config_.data + "/rabt.db")) << "none was made";
  // Leaves an empty file, as a copy that found no room does.
  std::ofstream(config_.data + "/rabt.db").close();
  const auto empty = open();
  ASSERT_FALSE(empty.ok());
  EXPECT_EQ(empty.error().code, "cli.database_missing");
  EXPECT_TRUE(open(Foundation::Part::keyring).ok());
}

// Symptom: a keyring of another hub was called a forged audit log.
TEST_F(FoundationOpen, RefusesAKeyringOfAnotherHubBeforeTheAuditLog) {
  const std::string mine = config_.data;
  for (const std::string& folder : {mine, mine + "-other"}) {
    config_.data = folder;
    fs::create_directories(folder);
    const auto hub = open();
    ASSERT_TRUE(hub.ok());
    ASSERT_TRUE((*hub)->keys->shared("t1", keys::kEvent).ok());
  }
  config_.data = mine;
  for (const char* name : {"/keyring", "/root.key"})
    fs::copy_file(mine + "-other" + name, mine + name, fs::copy_options::overwrite_existing);
  fs::remove_all(mine + "-other");
  const auto mixed = open();
  ASSERT_FALSE(mixed.ok());
  EXPECT_EQ(mixed.error().code, "keys.other_hub");
  EXPECT_NE(mixed.error().message.find("of another hub"), std::string::npos);
}

// Symptom: a hub whose clock had lost its battery started without a word.
TEST_F(FoundationOpen, SaysAtTheStartThatTheClockIsWrong) {
  FakeClock clock;
  const auto lines = [&](Timestamp now) {
    test::RecordingLogger log;
    clock.set(now);
    const auto opened = Foundation::open(config_, clock, log);
    EXPECT_TRUE(opened.ok()) << opened.error().message;
    std::vector<std::string> about;
    for (const std::string& line : log.lines()) {
      if (line.starts_with("clock.")) about.push_back(line.substr(0, line.find(" message=")));
    }
    if (opened.ok()) {
      const audit::Prepared entry = (*opened)->audit->prepare({.tenant = "t1", .act = "test.done"});
      EXPECT_TRUE((*opened)
                      ->store
                      ->write([&](store::Transaction& transaction) {
                        return (*opened)->audit->append(transaction, entry);
                      })
                      .ok());
    }
    return about;
  };
  constexpr std::int64_t kDay = 24LL * 3'600'000;
  const Timestamp start{1'795'676'400'000};
  EXPECT_EQ(lines(start), std::vector<std::string>{});
  EXPECT_EQ(lines({start.ms - 30'000}), std::vector<std::string>{}) << "clocks differ";
  EXPECT_EQ(lines({start.ms + kDay}), std::vector<std::string>{});
  EXPECT_EQ(lines(start),
            (std::vector<std::string>{"clock.behind clock=" + to_iso8601(start) +
                                      " newest_entry=" + to_iso8601({start.ms + kDay})}));
  EXPECT_EQ(lines({1'577'836'800'000}).front(), "clock.wrong code=keys.clock");
}

}  // namespace
}  // namespace rabt::assembly::foundation_test
