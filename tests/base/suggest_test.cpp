#include "hub/base/suggest.hpp"

#include <gtest/gtest.h>

namespace rabt::suggest_test {
namespace {

TEST(Suggest, NamesTheNearestWhenAtMostAThirdDiffers) {
  EXPECT_EQ(did_you_mean("onOf", {"allOf", "oneOf", "anyOf"}), "did you mean `oneOf`?");
  EXPECT_EQ(did_you_mean("requierd", {"required"}), "did you mean `required`?");
  EXPECT_EQ(did_you_mean("zzz", {"allOf", "oneOf"}), "");
  EXPECT_EQ(did_you_mean("", {"a"}), "");
  EXPECT_EQ(did_you_mean("a", {}), "");
}

TEST(Suggest, NeighboursSwappedCountOnce) {
  EXPECT_EQ(edit_distance("ab", "ba"), 1U);
  EXPECT_EQ(edit_distance("abc", ""), 3U);
}

TEST(Suggest, AHugeNameGetsNone) {
  EXPECT_EQ(nearest(std::string(100'000, 'a'), {std::string(100'000, 'a')}), "");
}

}  // namespace
}  // namespace rabt::suggest_test
