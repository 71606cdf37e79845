#include "hub/base/file_there.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace rabt::file_there_test {
namespace {

class FileThere : public testing::Test {
 protected:
  FileThere() {
    std::string pattern = (std::filesystem::temp_directory_path() / "rabt-there-XXXXXX").string();
    if (::mkdtemp(pattern.data()) != nullptr) folder_ = pattern;
  }
  ~FileThere() override { std::filesystem::remove_all(folder_); }
  std::string folder_;
};

TEST_F(FileThere, SaysWhetherThereIsOne) {
  std::ofstream(folder_ + "/file") << "x";
  EXPECT_TRUE(is_there(folder_ + "/file").value());
  EXPECT_TRUE(is_there(folder_).value());
  EXPECT_FALSE(is_there(folder_ + "/none").value());
  EXPECT_FALSE(is_there(folder_ + "/file/none").value());
}

TEST_F(FileThere, ANameThatLeadsToItselfIsAnError) {
  std::filesystem::create_symlink("loop", folder_ + "/loop");
  const auto found = is_there(folder_ + "/loop/keyring");
  ASSERT_FALSE(found.ok());
  EXPECT_EQ(found.error().code, "file.unread");
  EXPECT_TRUE(found.error().message.starts_with(folder_ + "/loop/keyring cannot be read: "));
}

TEST_F(FileThere, TheFolderOfAnotherUserIsAnErrorThatSaysWhatToDo) {
  ASSERT_EQ(::chmod(folder_.c_str(), 0), 0);
  // The superuser may read everything.
  constexpr uid_t kNobody = 65534;
  const bool root = ::geteuid() == 0;
  ASSERT_EQ(root ? ::seteuid(kNobody) : 0, 0);
  const auto found = is_there(folder_ + "/keyring");
  ASSERT_EQ(root ? ::seteuid(0) : 0, 0);
  ASSERT_EQ(::chmod(folder_.c_str(), 0700), 0);
  ASSERT_FALSE(found.ok());
  EXPECT_EQ(found.error().message, folder_ +
                                       "/keyring cannot be read: Permission denied; run it as the "
                                       "user of the hub");
}

}  // namespace
}  // namespace rabt::file_there_test
