#include "hub/api/rates.hpp"

#include <gtest/gtest.h>

namespace rabt::api {
namespace {

TEST(Rates, ABurstPassesAndThenTheEvenRate) {
  Rates rates;
  for (int i = 0; i < 20; ++i) EXPECT_EQ(rates.wait_ms("a", 10, 1'000), 0) << i;
  EXPECT_EQ(rates.wait_ms("a", 10, 1'000), 100);
  EXPECT_EQ(rates.wait_ms("a", 10, 1'050), 50);
  EXPECT_EQ(rates.wait_ms("a", 10, 1'100), 0);
  EXPECT_EQ(rates.wait_ms("a", 10, 1'100), 100) << "a refused request is not counted";
  EXPECT_EQ(rates.wait_ms("a", 10, 10'000), 0);
}

TEST(Rates, CallersAreCountedApart) {
  Rates rates;
  for (int i = 0; i < 2; ++i) EXPECT_EQ(rates.wait_ms("a", 1, 0), 0);
  EXPECT_GT(rates.wait_ms("a", 1, 0), 0);
  EXPECT_EQ(rates.wait_ms("b", 1, 0), 0);
}

TEST(Rates, SoManyCallersThatTheyShareACountArePassedByNobody) {
  Rates rates;
  for (int i = 0; i < 65'536; ++i) EXPECT_EQ(rates.wait_ms(std::to_string(i), 1, 0), 0);
  EXPECT_EQ(rates.wait_ms("x", 1, 0), 0);
  EXPECT_EQ(rates.wait_ms("y", 1, 0), 0);
  EXPECT_GT(rates.wait_ms("z", 1, 0), 0) << "x, y and z are one";
  EXPECT_EQ(rates.wait_ms("z", 1, 10'000), 0) << "those who were quiet are forgotten";
}

}  // namespace
}  // namespace rabt::api
