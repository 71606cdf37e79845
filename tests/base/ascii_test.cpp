#include "hub/base/ascii.hpp"

#include <gtest/gtest.h>

namespace rabt::ascii_test {
namespace {

static_assert(is_alnum('z') && is_alnum('0') && !is_alnum('_'));
static_assert(is_hex('F') && !is_hex('g') && hex_value('f') == 15 && hex_value('G') == -1);
static_assert(is_blank('\r') && !is_blank('\v'));

TEST(Ascii, NoByteBeyondAsciiBelongsToAClassOrChanges) {
  for (int byte = 0x80; byte <= 0xff; ++byte) {
    const char c = static_cast<char>(byte);
    EXPECT_FALSE(is_alnum(c) || is_hex(c) || is_blank(c)) << byte;
    EXPECT_EQ(lower(c), c);
    EXPECT_EQ(upper(c), c);
  }
}

TEST(Ascii, LowerAndUpperChangeLettersOnly) {
  EXPECT_EQ(lower("Content-Type: Ä[1]@Z"), "content-type: Ä[1]@z");
  EXPECT_EQ(upper("get /a{z}"), "GET /A{Z}");
  EXPECT_TRUE(equal_ignoring_case("ETag", "etag"));
  EXPECT_FALSE(equal_ignoring_case("ETag", "etags"));
  EXPECT_FALSE(equal_ignoring_case("@", "`"));
}

TEST(Ascii, TrimTakesBlanksOffBothEnds) {
  EXPECT_EQ(trim(" \r\n a b\t "), "a b");
  EXPECT_EQ(trim("\n a ", " "), "\n a");
  EXPECT_EQ(trim("  "), "");
  EXPECT_EQ(trim(""), "");
}

}  // namespace
}  // namespace rabt::ascii_test
