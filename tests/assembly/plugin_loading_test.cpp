#include <gtest/gtest.h>
#include <stdlib.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "hub/assembly/plugins.hpp"
#include "hub/plugin/package/plugin_store.hpp"
#include "tools/demo/signed_store.hpp"

// Packages that the hub may load from a store that holds several versions of one plugin.
namespace rabt::assembly::plugin_loading_test {
namespace {

namespace fs = std::filesystem;

class ChoosePackages : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (fs::temp_directory_path() / "rabt-choose-XXXXXX").string();
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
    config_.plugins = (folder_ / "store").string();
    const std::string fixtures = RABT_FIXTURES;
    const Status status = demo::make_signed_store(
        {fixtures + "/desk-1.0.0", fixtures + "/desk-1.1.0", fixtures + "/desk-2.0.0"},
        (folder_ / "work").string(), config_.plugins);
    ASSERT_TRUE(status.ok()) << status.error().message;
  }
  void TearDown() override { fs::remove_all(folder_); }

  Result<std::vector<ChosenPackage>> choose(Unsigned unsigned_ones = Unsigned::refuse) const {
    return choose_packages(config_, "desk", unsigned_ones);
  }
  void change(const std::string& version) const {
    std::ofstream(fs::path(config_.plugins) / "desk" / version / "manifest.yaml", std::ios::app)
        << "# changed\n";
  }

  fs::path folder_;
  config::Config config_;
};

TEST_F(ChoosePackages, GivesAllLockedVersionsNewestFirstAndVerified) {
  const auto chosen = choose();
  ASSERT_TRUE(chosen.ok()) << chosen.error().message;
  ASSERT_EQ(chosen->size(), 3U);
  EXPECT_EQ((*chosen)[0].version, "2.0.0");
  EXPECT_EQ((*chosen)[1].version, "1.1.0");
  EXPECT_EQ((*chosen)[2].version, "1.0.0");
  const auto store = plugin::PluginStore::open(config_.plugins, plugin::PluginStore::Use::read);
  ASSERT_TRUE(store.ok());
  for (const ChosenPackage& chosen_package : *chosen) {
    EXPECT_FALSE(chosen_package.fault.has_value());
    ASSERT_NE(chosen_package.files, nullptr);
    const auto package = plugin::read_package(*chosen_package.files);
    ASSERT_TRUE(package.ok()) << package.error().message;
    EXPECT_EQ(package->manifest.version, chosen_package.version);
    const auto& locked = store->entries();
    EXPECT_TRUE(std::any_of(locked.begin(), locked.end(), [&](const plugin::LockEntry& entry) {
      return entry.version == chosen_package.version && entry.key_id == chosen_package.key_id &&
             entry.sums_sha256 == chosen_package.sums_sha256;
    })) << chosen_package.version;
  }
}

TEST_F(ChoosePackages, AnOlderVersionThatWasChangedHasNoFilesAndSaysWhy) {
  change("1.1.0");
  const auto chosen = choose(Unsigned::take);
  ASSERT_TRUE(chosen.ok()) << chosen.error().message;
  ASSERT_EQ(chosen->size(), 3U);
  ASSERT_TRUE((*chosen)[1].fault.has_value());
  EXPECT_EQ((*chosen)[1].fault->code, "plugin.sums");
  EXPECT_EQ((*chosen)[1].files, nullptr);
  EXPECT_FALSE((*chosen)[0].fault.has_value());
  EXPECT_FALSE((*chosen)[2].fault.has_value());
}

TEST_F(ChoosePackages, TheNewestVersionThatWasChangedIsRefusedAlsoWithDev) {
  change("2.0.0");
  EXPECT_EQ(choose().error().code, "plugin.sums");
  EXPECT_EQ(choose(Unsigned::take).error().code, "plugin.sums");
}

TEST_F(ChoosePackages, AFolderThatTheLockDoesNotNameIsNotAVersion) {
  const fs::path of_id = fs::path(config_.plugins) / "desk";
  fs::copy(of_id / "2.0.0", of_id / "3.0.0", fs::copy_options::recursive);
  const auto chosen = choose(Unsigned::take);
  ASSERT_TRUE(chosen.ok()) << chosen.error().message;
  ASSERT_EQ(chosen->size(), 3U);
  EXPECT_EQ(chosen->front().version, "2.0.0");
}

TEST_F(ChoosePackages, AnUnsignedBuildIsTakenOnlyWhereTheLockNamesNone) {
  config_.plugins = (folder_ / "built").string();
  fs::create_directories(config_.plugins);
  fs::copy(std::string(RABT_FIXTURES) + "/desk-1.1.0", config_.plugins + "/desk",
           fs::copy_options::recursive);
  EXPECT_EQ(choose().error().code, "plugin.not_added");
  const auto chosen = choose(Unsigned::take);
  ASSERT_TRUE(chosen.ok()) << chosen.error().message;
  ASSERT_EQ(chosen->size(), 1U);
  EXPECT_EQ(chosen->front().version, "1.1.0");
  EXPECT_EQ(chosen->front().key_id, "");
  ASSERT_NE(chosen->front().files, nullptr);
}

}  // namespace
}  // namespace rabt::assembly::plugin_loading_test
