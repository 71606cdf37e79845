#include "hub/base/decimal.hpp"

#include <gtest/gtest.h>

namespace rabt::decimal_test {
namespace {

int compared(const char* a, const char* b) {
  return compare(Decimal::parse(a), Decimal::parse(b));
}
bool multiple(const char* value, const char* divisor) {
  return is_multiple(Decimal::parse(value), Decimal::parse(divisor));
}

TEST(Decimal, OrdersByValueWhateverTheSpelling) {
  EXPECT_EQ(compared("1", "1.000"), 0);
  EXPECT_EQ(compared("100", "1e2"), 0);
  EXPECT_EQ(compared("-0", "0.0e9"), 0);
  EXPECT_LT(compared("-2", "-1"), 0);
  EXPECT_LT(compared("-1", "0"), 0);
  EXPECT_GT(compared("0.2", "0.19999999999999999999999"), 0);
  EXPECT_LT(compared("9", "10"), 0);
  EXPECT_LT(compared("12", "123e-1"), 0);
  EXPECT_GT(compared("1e300000", "9e299999"), 0);
  EXPECT_GT(compared("1e99999999999999999999", "1e9"), 0);
}

TEST(Decimal, KnowsMultiplesBeyondMachineNumbers) {
  EXPECT_TRUE(multiple("0", "7"));
  EXPECT_TRUE(multiple("-21", "7"));
  EXPECT_FALSE(multiple("22", "7"));
  EXPECT_TRUE(multiple("0.3", "0.1"));
  EXPECT_TRUE(multiple("4.5", "1.5"));
  EXPECT_FALSE(multiple("1", "0.3"));
  EXPECT_TRUE(multiple("1e999999999", "3.125"));
  EXPECT_FALSE(multiple("1e999999999", "3"));
  EXPECT_TRUE(multiple("999999999999999999999999999999", "111111111111111111111111111111"));
  EXPECT_FALSE(multiple("999999999999999999999999999998", "111111111111111111111111111111"));
  EXPECT_TRUE(multiple("1e40", "1.6384"));
}

TEST(Decimal, WholeNumbersMayHaveAFractionOfZeros) {
  EXPECT_TRUE(is_integer(Json::parse("1.0").value()));
  EXPECT_TRUE(is_integer(Json::number("1e400")));
  EXPECT_TRUE(is_integer(Json::parse("1.25e2").value()));
  EXPECT_FALSE(is_integer(Json::parse("12345678901234567890.5").value()));
  EXPECT_FALSE(is_integer(Json::number("1e-400")));
  EXPECT_TRUE(is_integer(Json(3.0)));
  EXPECT_FALSE(is_integer(Json(3.5)));
}

}  // namespace
}  // namespace rabt::decimal_test
