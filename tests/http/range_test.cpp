#include "hub/http/range.hpp"

#include <gtest/gtest.h>

namespace rabt::http::range_test {
namespace {

Range part(std::uint64_t from, std::uint64_t length) {
  return {Range::Kind::part, from, length};
}
constexpr Range kWhole{};
constexpr Range kNone{Range::Kind::unsatisfiable, 0, 0};

// The examples of RFC 9110 section 14.1.2 are for a representation of 10,000 bytes.
TEST(Range, FollowsTheExamplesOfRfc9110) {
  EXPECT_EQ(parse_range("bytes=0-499", 10'000), part(0, 500));
  EXPECT_EQ(parse_range("bytes=500-999", 10'000), part(500, 500));
  EXPECT_EQ(parse_range("bytes=-500", 10'000), part(9'500, 500));
  EXPECT_EQ(parse_range("bytes=9500-", 10'000), part(9'500, 500));
  EXPECT_EQ(parse_range("bytes=0-0", 10'000), part(0, 1));
  EXPECT_EQ(parse_range("bytes=-1", 10'000), part(9'999, 1));
  EXPECT_EQ(parse_range("bytes=0-0,-1", 10'000), kWhole) << "several: ignored";
}

TEST(Range, NeverLeavesTheContent) {
  EXPECT_EQ(parse_range("bytes=9999-10000", 10'000), part(9'999, 1));
  EXPECT_EQ(parse_range("bytes=0-99999999999999999999999", 10'000), part(0, 10'000));
  EXPECT_EQ(parse_range("bytes=-99999999999999999999999", 10'000), part(0, 10'000));
  EXPECT_EQ(parse_range("bytes=10000-", 10'000), kNone);
  EXPECT_EQ(parse_range("bytes=99999999999999999999999-", 10'000), kNone);
  EXPECT_EQ(parse_range("bytes=-0", 10'000), kNone);
  EXPECT_EQ(parse_range("bytes=0-0", 0), kNone);
  EXPECT_EQ(parse_range("bytes=-5", 0), kNone);
}

TEST(Range, ThatIsNoneIsIgnored) {
  for (const char* text : {"", "bytes", "bytes=", "bytes=-", "bytes=a-b", "bytes=1", "bytes=5-4",
                           "bytes=+1-2", "bytes=1-2-3", "bytes=0x1-2", "bytes= 1 - 2", "byte=0-1",
                           "bytes 0-1", "=0-1", "bytes=1-2;"}) {
    EXPECT_EQ(parse_range(text, 10'000), kWhole) << text;
  }
  EXPECT_EQ(parse_range("Bytes=0-1", 10'000), part(0, 2)) << "units have no case";
  EXPECT_EQ(parse_range("bytes= 0-1\t", 10'000), part(0, 2));
}

}  // namespace
}  // namespace rabt::http::range_test
