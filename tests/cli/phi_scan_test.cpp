#include <gtest/gtest.h>

#include "tests/cli/shell.hpp"

namespace rabt::cli::phi_scan_test {
namespace {

TEST(PhiScan, PrintsPlaceClassAndScoreButNotTheValue) {
  const Ran ran = run("printf 'nothing\\nجوال 0501234567\\n' > a.txt; rabt phi scan a.txt");
  EXPECT_EQ(ran.code, 1);
  EXPECT_EQ(ran.out, "a.txt:2:6: phone, bytes 17 to 27, score 0.97\n");
  EXPECT_EQ(ran.err, "");
}

TEST(PhiScan, PrintsOneJsonObjectForEachFinding) {
  const Ran ran = run("echo 'call 0501234567' | rabt phi scan --json -");
  EXPECT_EQ(ran.code, 1);
  EXPECT_EQ(ran.out,
            "{\"file\":\"-\",\"class\":\"phone\",\"begin\":5,\"end\":15,\"line\":1,\"column\":6,"
            "\"score\":0.97}\n");
}

TEST(PhiScan, MasksTheText) {
  const Ran ran = run("echo 'call 0501234567 now' | rabt phi scan --mask");
  EXPECT_EQ(ran.code, 1);
  EXPECT_EQ(ran.out, "call [phone] now\n");
}

TEST(PhiScan, SaysWithItsStatusThatNothingWasFound) {
  const Ran ran = run("echo 'metformin 500 mg' | rabt phi scan");
  EXPECT_EQ(ran.code, 0);
  EXPECT_EQ(ran.out, "");
}

TEST(PhiScan, LeavesOutWhatIsLessSureThanAsked) {
  const Ran ran = run("echo 'on Sunday' | rabt phi scan --min-score 0.6");
  EXPECT_EQ(ran.code, 0);
}

TEST(PhiScan, AFileThatIsNotThereEndsWithTwoAndSaysSo) {
  const Ran ran = run("rabt phi scan missing.txt");
  EXPECT_EQ(ran.code, 2);
  EXPECT_NE(ran.err.find("missing.txt"), std::string::npos);
}

}  // namespace
}  // namespace rabt::cli::phi_scan_test
