#include "hub/consultation/request/fields.hpp"

#include <gtest/gtest.h>

namespace rabt::consultation {
namespace {

TEST(Fields, KeepNoCharacterThatHidesOrForgesText) {
  const Json body = Json::object({{"title",
                                   "one\r\ntwo\x1b[2J \xe2\x80\xae"
                                   "x"},
                                  {"text", "one\ntwo\x1b[2J\xe2\x80\xa8three"},
                                  {"blank", "\xe2\x80\xae\x1b "},
                                  {"list", Json::array({"a\xf3\xa0\x81\x87z", "b"})}});
  Fields fields(body);
  EXPECT_EQ(fields.text("title", 200), "one  two[2J x");
  EXPECT_EQ(fields.text("text"), "one\ntwo[2J\nthree");
  EXPECT_EQ(fields.texts("list"), Json::array({"az", "b"}));
  EXPECT_TRUE(fields.good());
  (void)fields.needed_text("blank", 200);
  EXPECT_FALSE(fields.good()) << "nothing of it can be seen";
}

}  // namespace
}  // namespace rabt::consultation
