#include "hub/base/utf8.hpp"

#include <gtest/gtest.h>

namespace rabt::utf8_test {
namespace {

TEST(Utf8, WritesEveryLengthAndReadsItBack) {
  for (const std::uint32_t code :
       {0x01U, 0x7fU, 0x80U, 0x7ffU, 0x800U, 0xd7ffU, 0xe000U, 0xffffU, 0x10000U, 0x10ffffU}) {
    std::string text;
    append_utf8(text, code);
    EXPECT_TRUE(is_utf8(text)) << code;
    EXPECT_EQ(code_points(text), 1U) << code;
    EXPECT_EQ(text.size(), code < 0x80 ? 1U : code < 0x800 ? 2U : code < 0x10000 ? 3U : 4U);
    text.pop_back();
    EXPECT_EQ(is_utf8(text), code < 0x80) << "cut off: " << code;
  }
  std::string sign;
  append_utf8(sign, 0x631);
  EXPECT_EQ(sign, "ر");
}

TEST(Utf8, NamesTheFirstBadByte) {
  EXPECT_EQ(find_bad_utf8("ab\xc3\xa9"), std::string_view::npos);
  EXPECT_EQ(find_bad_utf8(std::string_view("a\0b", 3)), std::string_view::npos);
  // Overlong forms, surrogates, past the last character, lone and missing continuation.
  for (const char* text : {"\xc0\xaf", "\xc1\xbf", "\xe0\x9f\xbf", "\xf0\x8f\xbf\xbf",
                           "\xed\xa0\x80", "\xed\xbf\xbf", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80",
                           "\x80", "\xbf", "\xc3", "\xc3(", "\xe2\x82", "\xe2(\xa1", "\xff"}) {
    EXPECT_EQ(find_bad_utf8("xy" + std::string(text)), 2U) << text;
  }
}

}  // namespace
}  // namespace rabt::utf8_test
