// The names that `rabt plugin new` refuses: each would make a project that cannot be built, or a
// package that no hub takes.
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <filesystem>
#include <string>

namespace rabt::check::plugin_new_test {
namespace {

class PluginNew : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = ::testing::TempDir() + "rabt-new-" + std::to_string(::getpid());
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  int run(const std::string& line) {
    output_.clear();
    FILE* pipe = ::popen(("cd '" + folder_ + "' && " + line + " 2>&1").c_str(), "r");
    if (pipe == nullptr) return -1;
    std::array<char, 4096> piece{};
    for (std::size_t got = 0; (got = std::fread(piece.data(), 1, piece.size(), pipe)) > 0;)
      output_.append(piece.data(), got);
    const int status = ::pclose(pipe);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }
  int make(const std::string& id) {
    const char* build = std::getenv("RABT_BUILD_DIR");
    return run(std::filesystem::absolute(build == nullptr ? "." : build).string() +
               "/bin/rabt plugin new " + id + " --actions a");
  }
  std::string folder_;
  std::string output_;
};

TEST_F(PluginNew, RefusesTheNamesOfCMakesOwnTargets) {
  for (const std::string id :
       {"all", "clean", "depend", "help", "install", "package", "preinstall", "test"}) {
    EXPECT_EQ(make(id), 2) << id << ": " << output_;
    EXPECT_NE(output_.find("acme-" + id), std::string::npos) << output_;
    EXPECT_FALSE(std::filesystem::exists(folder_ + "/" + id)) << "nothing was written";
  }
}

TEST_F(PluginNew, RefusesTheFolderOfTheKeys) {
  EXPECT_EQ(make("keys"), 2) << output_;
  EXPECT_NE(output_.find("acme-keys"), std::string::npos) << output_;
}

TEST_F(PluginNew, TakesNamesThatOnlyHoldSuchAWord) {
  EXPECT_EQ(make("acme-test"), 0) << output_;
  EXPECT_EQ(make("keys-of-acme"), 0) << output_;
}

}  // namespace
}  // namespace rabt::check::plugin_new_test
