#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>

#include "hub/assembly/hub.hpp"
#include "hub/base/clock.hpp"
#include "hub/phi/policy.hpp"
#include "tests/recording_logger.hpp"
#include "tools/demo/signed_store.hpp"

// Plugins that a hub loads when it starts.
namespace rabt::assembly::hub_start_test {
namespace {

namespace fs = std::filesystem;

class HubStart : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (fs::temp_directory_path() / "rabt-start-XXXXXX").string();
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
    config_.tenant = "t1";
    config_.server.port = 0;
    config_.data = (folder_ / "data").string();
    config_.migrations = RABT_MIGRATIONS;
  }
  void TearDown() override { fs::remove_all(folder_); }
  // A store of its own with these versions of the bell.
  void use(const std::vector<std::string>& versions) {
    std::vector<std::string> built;
    for (const std::string& version : versions)
      built.push_back(std::string(RABT_FIXTURES) + "/bell-" + version);
    const std::string name = "store-" + std::to_string(++stores_);
    config_.plugins = (folder_ / name).string();
    const Status status =
        demo::make_signed_store(built, (folder_ / (name + "-work")).string(), config_.plugins);
    ASSERT_TRUE(status.ok()) << status.error().message;
  }
  // The error's code; empty: it started, and was stopped again.
  std::string start(test::RecordingLogger& log, bool dev = false) {
    auto hub = Hub::start(config_, clock_, log, phi::strict_policy(), {.dev = dev});
    if (!hub.ok()) return hub.error().code;
    (*hub)->stop(0);
    return "";
  }
  SystemClock clock_;
  fs::path folder_;
  config::Config config_;
  int stores_ = 0;
};

TEST_F(HubStart, AnOlderVersionServesWhereTheNewestCannotTakeItsConfigurationOver) {
  config_.plugin["bell"].config = Json::object({{"hello", "ding"}, {"break", "refuse"}});
  use({"1.0.0"});
  test::RecordingLogger first;
  ASSERT_EQ(start(first), "");
  use({"1.0.0", "2.0.0"});
  test::RecordingLogger second;
  EXPECT_EQ(start(second), "");
  EXPECT_TRUE(second.has("plugin.not_loaded plugin=bell code=plugin.migrate"));
  EXPECT_TRUE(second.has("plugin.loaded plugin=bell version=1.0.0"));
  use({"2.0.0"});
  test::RecordingLogger third;
  EXPECT_EQ(start(third), "plugin.migrate") << "and nothing starts where no version serves";
}

TEST_F(HubStart, ANewerVersionTakesItsConfigurationOver) {
  config_.plugin["bell"].config = Json::object({{"hello", "ding"}});
  use({"1.0.0"});
  test::RecordingLogger first;
  ASSERT_EQ(start(first), "");
  use({"1.0.0", "2.0.0"});
  for (int i = 0; i < 2; ++i) {
    test::RecordingLogger second;
    EXPECT_EQ(start(second), "");
    EXPECT_TRUE(second.has("plugin.loaded plugin=bell version=2.0.0"));
    EXPECT_TRUE(second.has("plugin.loaded plugin=bell version=1.0.0"));
  }
}

TEST_F(HubStart, WhatIsRecordedIsForDevelopmentAlone) {
  config_.plugin["bell"].config = Json::object({{"hello", "ding"}});
  config_.plugin["bell"].record = (folder_ / "tapes").string();
  use({"1.0.0"});
  test::RecordingLogger log;
  EXPECT_EQ(start(log), "plugin.record");
  EXPECT_FALSE(fs::exists(folder_ / "tapes"));
  EXPECT_EQ(start(log, /*dev=*/true), "");
  EXPECT_TRUE(fs::is_directory(folder_ / "tapes"));
}

}  // namespace
}  // namespace rabt::assembly::hub_start_test
