#include "hub/base/printable.hpp"

#include <gtest/gtest.h>

namespace rabt {
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

}  // namespace
}  // namespace rabt
