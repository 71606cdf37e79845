#include "tests/vector_files.hpp"

#include <gtest/gtest-spi.h>

#include "tests/crypto/support.hpp"

// Output of tests of third-party vectors for files that they do not know.
namespace rabt::test::vector_files_test {
namespace {

void write(const std::string& path) {
  std::ofstream(path) << "1";
}

TEST(VectorFiles, PrintsTheFilesThatNobodyJudged) {
  const TemporaryFolder folder;
  std::filesystem::create_directory(folder / "more");
  for (const char* name : {"a.json", "more/b.txt", "LICENSE", "README.md"}) write(folder / name);
  ::testing::internal::CaptureStdout();
  {
    VectorFiles files(folder.text());
    ASSERT_EQ(files.all().size(), 2U);
    files.judged(files.all()[0]);
    EXPECT_EQ(files.unknown(), std::vector<std::string>{"more/b.txt"});
  }
  EXPECT_EQ(::testing::internal::GetCapturedStdout(),
            folder.text() + ": this test does not know the file more/b.txt\n");
}

TEST(VectorFiles, FailsWhenNoFileIsKnown) {
  const TemporaryFolder folder;
  EXPECT_NONFATAL_FAILURE(VectorFiles(folder.text()), "0 files with vectors");
  write(folder / "a.json");
  EXPECT_NONFATAL_FAILURE(VectorFiles(folder.text()), "knows none of them");
}

}  // namespace
}  // namespace rabt::test::vector_files_test
