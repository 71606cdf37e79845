#include "hub/print/text.hpp"

#include <gtest/gtest.h>

#include "hub/base/utf8.hpp"

namespace rabt::print::text_test {
namespace {

using Lines = std::vector<std::string>;

TEST(Paragraphs, EachLineEndBeginsOne) {
  EXPECT_EQ(paragraphs_of("a\r\nb\n\nc\rd\u2029e\u0085f\n"),
            (Lines{"a", "b", "", "c", "d", "e", "f"}));
  EXPECT_EQ(paragraphs_of(""), Lines{});
  EXPECT_EQ(paragraphs_of("\n\n"), Lines{});
}

TEST(Paragraphs, WhatNobodySeesIsLeftOut) {
  EXPECT_EQ(paragraphs_of("a\x01\x7f\u0090\u202e\u202a\ufeffb\tc"), Lines{"ab\tc"});
  // Marks and isolates order what is beside them, and override nothing.
  EXPECT_EQ(paragraphs_of("\u200fa\u2067b\u2069"), Lines{"\u200fa\u2067b\u2069"});
  EXPECT_EQ(paragraphs_of("a\xff"
                          "b"),
            Lines{"a\ufffd"
                  "b"});
}

TEST(Paragraphs, ACharacterThatNobodyHasAFontForStandsByName) {
  EXPECT_EQ(paragraphs_of("a\ue001\U000F1234"), Lines{"a[U+E001][U+F1234]"});
}

TEST(Paragraphs, ALongOneIsCutAtABlankOrBetweenCharacters) {
  EXPECT_EQ(paragraphs_of("abc def ghi", 8), (Lines{"abc def ", "ghi"}));
  EXPECT_EQ(paragraphs_of("abcdefghij", 4), (Lines{"abcd", "efgh", "ij"}));
  for (const std::string& text : paragraphs_of("ءءءءء", 3)) EXPECT_TRUE(is_utf8(text));
  EXPECT_EQ(paragraphs_of("ءءء", 3).size(), 3U);
}

TEST(Line, ParagraphsBecomeOne) {
  EXPECT_EQ(line_of("a\nb\n\nc"), "a b c");
  EXPECT_EQ(line_of(""), "");
}

}  // namespace
}  // namespace rabt::print::text_test
