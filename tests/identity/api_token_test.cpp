#include "hub/identity/api_token.hpp"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

namespace rabt::identity::api_token_test {
namespace {

class ApiTokenFile : public testing::Test {
 protected:
  ApiTokenFile() {
    std::string pattern = (std::filesystem::temp_directory_path() / "rabt-token-XXXXXX").string();
    EXPECT_NE(::mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
    file_ = folder_ + "/api-token";
  }
  ~ApiTokenFile() override { std::filesystem::remove_all(folder_); }
  [[nodiscard]] std::string refused() const {
    const auto token = read_api_token(folder_);
    if (token.ok()) return "it was read";
    EXPECT_EQ(token.error().code, "identity.no_token");
    EXPECT_EQ(token.error().kind, ErrorKind::invalid);
    return token.error().message;
  }
  SystemRandom random_;
  std::string folder_;
  std::string file_;
};

TEST_F(ApiTokenFile, IsMadeOnceAndOnlyItsOwnerCanReadIt) {
  const auto made = ensure_api_token(folder_, random_);
  ASSERT_TRUE(made.ok()) << made.error().message;
  EXPECT_EQ(made->size(), 5U + 64U);
  struct stat info {};
  ASSERT_EQ(::stat(file_.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777U, 0600U);
  EXPECT_EQ(ensure_api_token(folder_, random_).value(), *made);
  EXPECT_EQ(read_api_token(folder_).value(), *made);
}

TEST_F(ApiTokenFile, IsRefusedWhenItIsAbsentOpenEmptyOrAFolder) {
  EXPECT_EQ(refused(),
            "the API token file " + file_ + " cannot be read: No such file or directory");
  std::ofstream(file_) << "\n";
  ASSERT_EQ(::chmod(file_.c_str(), 0644), 0);
  EXPECT_EQ(refused(),
            "the API token file " + file_ + " is readable by others; run: chmod 600 " + file_);
  ASSERT_EQ(::chmod(file_.c_str(), 0600), 0);
  EXPECT_EQ(refused(), "the API token file " + file_ + " holds no token");
  std::filesystem::remove(file_);
  std::filesystem::create_directory(file_);
  ASSERT_EQ(::chmod(file_.c_str(), 0700), 0);
  EXPECT_EQ(refused(), "the API token file " + file_ + " holds no token");
}

TEST_F(ApiTokenFile, CannotBeMadeWhereTheFolderIsNotThere) {
  const auto made = ensure_api_token(folder_ + "/none", random_);
  ASSERT_FALSE(made.ok());
  EXPECT_EQ(made.error().code, "cli.data_folder");
}

TEST(ApiToken, MatchesItselfAlone) {
  const ApiToken token("rabt_0123");
  EXPECT_TRUE(token.matches("rabt_0123"));
  for (const char* const other : {"", "rabt_012", "rabt_01234", "rabt_0124", "RABT_0123"})
    EXPECT_FALSE(token.matches(other)) << other;
}

}  // namespace
}  // namespace rabt::identity::api_token_test
