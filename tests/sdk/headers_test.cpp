// The ABI headers are for every vendor's compiler.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "tests/sdk/shell.hpp"

namespace rabt::headers_test {

namespace {

namespace fs = std::filesystem;
using rabt::sdk::tests::have;
using rabt::sdk::tests::run;
using rabt::sdk::tests::source_dir;

std::vector<std::string> headers(const std::string& extension) {
  std::vector<std::string> out;
  const fs::path include = source_dir() / "sdk/include";
  for (const auto& entry : fs::recursive_directory_iterator(include)) {
    if (entry.path().extension() == extension)
      out.push_back(entry.path().lexically_relative(include).string());
  }
  std::sort(out.begin(), out.end());
  return out;
}

class Compiler : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    if (!have(GetParam())) GTEST_SKIP() << GetParam() << " is not installed";
  }
  // Includes the header twice and uses nothing: what it needs it must bring along.
  static void expect_compiles(const std::string& header, const std::string& language,
                              const std::string& standard) {
    const auto result = run("printf '#include \"" + header + "\"\\n#include \"" + header +
                            "\"\\n' | " + GetParam() + " -std=" + standard + " -x " + language +
                            " -I" + (source_dir() / "sdk/include").string() +
                            " -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Werror"
                            " -fsyntax-only -");
    EXPECT_EQ(result.code, 0) << header << " as " << standard << ":\n" << result.output;
  }
};

TEST_P(Compiler, TakesEveryCHeaderAloneInEveryStandard) {
  const auto found = headers(".h");
  ASSERT_GE(found.size(), 16U);
  for (const std::string& header : found) {
    for (const char* standard : {"c99", "c11"}) expect_compiles(header, "c", standard);
    for (const char* standard : {"c++17", "c++20"}) expect_compiles(header, "c++", standard);
  }
}

TEST_P(Compiler, SeesAHeaderThatDoesNotCompile) {
  const auto result = run("printf 'int f(void) { return 1 }\\n' | " + std::string(GetParam()) +
                          " -x c -fsyntax-only -");
  EXPECT_NE(result.code, 0);
}

TEST_P(Compiler, TakesEveryCppHeaderAlone) {
  for (const std::string& header : headers(".hpp")) expect_compiles(header, "c++", "c++20");
}

INSTANTIATE_TEST_SUITE_P(both, Compiler, testing::Values("gcc", "clang"),
                         [](const auto& each) { return std::string(each.param); });

}  // namespace

}  // namespace rabt::headers_test
