#include "hub/base/json_members.hpp"

#include <gtest/gtest.h>

namespace rabt::json_members_test {
namespace {

TEST(JsonMembers, AreCountedWithoutMakingThem) {
  EXPECT_EQ(count_json_values(""), 0U);
  EXPECT_EQ(count_json_values("1"), 1U);
  EXPECT_EQ(count_json_values("[1,2,3]"), 4U);
  EXPECT_EQ(count_json_values(R"({"a":1,"b":{"c":[1,2]}})"), 6U);
}

TEST(JsonMembers, WhatStandsInATextIsNoValue) {
  EXPECT_EQ(count_json_values(R"(["a,b,[{","\",\\"])"), 3U);
  EXPECT_EQ(count_json_values(R"({"a,b":"[")"), 2U);
}

}  // namespace
}  // namespace rabt::json_members_test
