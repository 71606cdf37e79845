#include "hub/base/semver.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace rabt::semver_test {
namespace {

// The examples of semver.org 2.0.0, sections 2, 9, 10 and 11, and what its grammar allows besides.
TEST(Semver, TakesWhatTheGrammarAllows) {
  for (const char* text :
       {"0.0.0", "1.9.0", "1.10.0", "1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-0.3.7", "1.0.0-x.7.z.92",
        "1.0.0-x-y-z.--", "1.0.0-alpha+001", "1.0.0+20130313144700", "1.0.0-beta+exp.sha.5114f85",
        "1.0.0+21AF26D3----117B344092BD", "1.0.0--", "1.0.0-0A.is.legal",
        "1.0.0+0.build.1-rc.10000aaa-kk-0.1", "2.0.1-alpha.1227",
        "99999999999999999999999.999999999999999999.99999999999999999"})
    EXPECT_TRUE(is_semver(text)) << text;
}

TEST(Semver, RefusesWhatItDoesNotAllow) {
  for (const char* text : {"",          "1",          "1.2",          "1.2.3.4",   "v1.2.3",
                           "01.1.1",    "1.01.1",     "1.1.01",       "1.1.1-01",  "1.2.3-",
                           "1.2.3+",    "1.2.3-a..b", "1.2.3-a.",     "1.2.3-.a",  "1.2.3+a..b",
                           "1.2.3+a+b", "1.2.3-a_b",  "1.2.3 ",       " 1.2.3",    "1..3",
                           "1.2.",      "-1.0.3",     "1.2.3-\u00e9", "1.2-3.DEV", "latest"})
    EXPECT_FALSE(is_semver(text)) << text;
}

// Section 11, items 2 to 4.
TEST(Semver, OrdersTheExamplesOfTheSpecification) {
  for (const std::vector<const char*>& ascending : std::vector<std::vector<const char*>>{
           {"1.0.0", "2.0.0", "2.1.0", "2.1.1"},
           {"1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-alpha.beta", "1.0.0-beta", "1.0.0-beta.2",
            "1.0.0-beta.11", "1.0.0-rc.1", "1.0.0"},
           {"1.9.0", "1.10.0", "1.11.0"},
           {"1.0.0-9", "1.0.0-10", "1.0.0-99999999999999999999", "1.0.0-A", "1.0.0-a"}}) {
    for (std::size_t i = 0; i < ascending.size(); ++i) {
      for (std::size_t j = 0; j < ascending.size(); ++j) {
        EXPECT_EQ(compare_semver(ascending[i], ascending[j]), i < j   ? -1
                                                              : i > j ? 1
                                                                      : 0)
            << ascending[i] << ' ' << ascending[j];
      }
    }
  }
}

// Section 10.
TEST(Semver, BuildMetadataDoesNotCount) {
  EXPECT_EQ(compare_semver("1.0.0+1", "1.0.0+2"), 0);
  EXPECT_EQ(compare_semver("1.0.0-rc.1+a-b", "1.0.0-rc.1"), 0);
  EXPECT_EQ(compare_semver("1.0.0+a-b", "1.0.0"), 0);
}

TEST(Semver, KnowsTheSameMajorVersion) {
  EXPECT_TRUE(same_major("1.0.0", "1.9.3-rc.1"));
  EXPECT_FALSE(same_major("1.0.0", "10.0.0"));
}

}  // namespace
}  // namespace rabt::semver_test
