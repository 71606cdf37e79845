#include "hub/base/printable.hpp"

#include <gtest/gtest.h>

namespace rabt::printable_test {
namespace {

TEST(Printable, WhatOthersWroteCannotRewriteTheTerminal) {
  EXPECT_EQ(printable("call back \x1b[2J\nforged row\r\x07"), "call back ?[2J?forged row??");
  EXPECT_EQ(printable("a\xc2\x9b"
                      "31mb\x7f"),
            "a?31mb?");
  EXPECT_EQ(printable("a\x9b"
                      "31m\xff"),
            "a?31m?")
      << "a terminal of another encoding";
  EXPECT_EQ(printable("to \xe2\x80\xae"
                      "drawkcab\xe2\x81\xa9 \xe2\x80\xa8"),
            "to ?drawkcab? ?");
  EXPECT_EQ(printable("نورة القحطاني, ä, 你 – \xe2\x80\x9d"),
            "نورة القحطاني, ä, 你 – \xe2\x80\x9d");
  EXPECT_EQ(printable("cut \xe2\x80"), "cut ??");
  EXPECT_EQ(printable(""), "");
}

TEST(Printable, LinesMayStay) {
  EXPECT_EQ(printable_lines("one\ntwo\r\n\x1b[A\n"), "one\ntwo?\n?[A\n");
}

TEST(Printable, TellsWhetherATextIs) {
  EXPECT_TRUE(is_printable("plugin:small\tversion:1.0.0 نورة"));
  for (const char* const text : {"\n", "\x1b[2J", "\x7f", "\xc2\x9b", "\xe2\x80\xae",
                                 "\xe2\x81\xa6", "\xe2\x80\xa8", "\x9b", "\xff"}) {
    EXPECT_FALSE(is_printable(text)) << printable(text);
  }
}

// Of the flag of England, whose letters are tags; they can carry a hidden text.
TEST(Printable, ShowsHiddenTags) {
  EXPECT_EQ(printable("a\xf3\xa0\x81\x87z"), "a?z");
  EXPECT_FALSE(is_printable("\xf3\xa0\x80\x81"));
  EXPECT_TRUE(is_printable("\xf3\xa0\x84\x80"));  // a variation selector
}

TEST(Tidy, LeavesOutWhatForgesOrTurnsRoundATitle) {
  EXPECT_EQ(tidy_line(std::string_view("a\0b\x1b[2J", 7)), "ab[2J");
  EXPECT_EQ(tidy_line("one\r\ntwo\tthree"), "one  two three");
  EXPECT_EQ(tidy_line("to \xe2\x80\xae"
                      "drawkcab\xe2\x81\xa9\xe2\x80\xa8!"),
            "to drawkcab !");
  EXPECT_EQ(tidy_line("x\xf3\xa0\x81\x87y"), "xy");
  EXPECT_EQ(tidy_line("نورة القحطاني\xe2\x80\x8f, ä 👩\xe2\x80\x8d⚕️"),
            "نورة القحطاني\xe2\x80\x8f, ä 👩\xe2\x80\x8d⚕️");
}

TEST(Tidy, KeepsTheLinesOfAText) {
  EXPECT_EQ(tidy_text("one\r\ntwo\tthree\xe2\x80\xa8"
                      "four\x1b\xe2\x80\xae"),
            "one\r\ntwo\tthree\nfour");
}

}  // namespace
}  // namespace rabt::printable_test
