#include "hub/base/typed_code.hpp"

#include <gtest/gtest.h>

namespace rabt::typed_code_test {
namespace {

TEST(TypedCode, IsTheCodeHoweverItIsShown) {
  for (const char* typed : {"763805", "763 805", "763805 ",
                            " 763\xc2\xa0"
                            "805",
                            "763-805",
                            "763\xe2\x80\xaf"
                            "805\n",
                            "\xe2\x80\x8f"
                            "763805\xe2\x80\x8e",
                            "\xd9\xa7\xd9\xa6\xd9\xa3\xd9\xa8\xd9\xa0\xd9\xa5",
                            "\xdb\xb7\xdb\xb6\xdb\xb3 \xdb\xb8\xdb\xb0\xdb\xb5"})
    EXPECT_EQ(typed_code(typed), "763805") << typed;
}

TEST(TypedCode, KeepsWhatIsNoBlank) {
  EXPECT_EQ(typed_code("AB12-cd34"), "ab12cd34");
  EXPECT_EQ(typed_code("763x05"), "763x05");
  EXPECT_EQ(typed_code("\xd9"), "\xd9");
  EXPECT_EQ(typed_code("\xd8\xa7"), "\xd8\xa7");
  EXPECT_EQ(typed_code(""), "");
}

}  // namespace
}  // namespace rabt::typed_code_test
