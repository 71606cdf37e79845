#include "hub/base/result.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

namespace rabt::result_test {
namespace {

// Counts the values that live, so that a value that is destroyed twice, or never, is seen.
struct Counted {
  explicit Counted(int n) : number(n) { ++living; }
  Counted(const Counted& other) : number(other.number) { ++living; }
  Counted(Counted&& other) noexcept : number(std::exchange(other.number, -1)) { ++living; }
  Counted& operator=(const Counted&) = default;
  Counted& operator=(Counted&&) = default;
  ~Counted() { --living; }
  int number;
  static inline int living = 0;
};

TEST(Result, HoldsAValueOrAnErrorAndChangesBetweenThem) {
  {
    Result<Counted> result = Counted(1);
    ASSERT_TRUE(result.ok());
    EXPECT_EQ(result->number, 1);
    result = not_found("a.code", "a text longer than what a string keeps in itself");
    ASSERT_FALSE(result.ok());
    EXPECT_EQ(Counted::living, 0);
    EXPECT_EQ(result.error().code, "a.code");
    result = Counted(2);
    EXPECT_EQ(result.value().number, 2);
    EXPECT_EQ(Counted::living, 1);
  }
  EXPECT_EQ(Counted::living, 0);
}

TEST(Result, CopiesAndMoves) {
  {
    const Result<Counted> good = Counted(7);
    const Result<Counted> bad =
        conflict("b.code", "a text longer than what a string keeps in itself");
    Result<Counted> copy = good;
    EXPECT_EQ(copy->number, 7);
    copy = bad;
    EXPECT_EQ(copy.error(), bad.error());
    copy = good;
    Result<Counted> moved = std::move(copy);
    EXPECT_EQ(moved->number, 7);
    Result<Counted>& same = moved;
    moved = same;
    EXPECT_EQ(moved->number, 7);
    moved = std::move(same);
    EXPECT_EQ(moved->number, 7);
    std::vector<Result<Counted>> many;
    for (int i = 0; i < 9; ++i) many.push_back(i % 2 == 0 ? good : bad);
    EXPECT_EQ(many[8]->number, 7);
    EXPECT_EQ(many[7].error().code, "b.code");
  }
  EXPECT_EQ(Counted::living, 0);
}

TEST(Result, HoldsWhatCannotBeCopied) {
  static_assert(!std::is_copy_constructible_v<Result<std::unique_ptr<int>>>);
  static_assert(!std::is_copy_assignable_v<Result<std::unique_ptr<int>>>);
  static_assert(std::is_nothrow_move_constructible_v<Result<std::unique_ptr<int>>>);
  Result<std::unique_ptr<int>> result = std::make_unique<int>(3);
  const std::unique_ptr<int> taken = std::move(result).value();
  EXPECT_EQ(*taken, 3);
  Result<std::unique_ptr<int>> failed = unavailable("c.code", "away");
  EXPECT_EQ(std::move(failed).error().message, "away");
}

TEST(ResultDeathTest, StopsWhereTheOtherOneIsRead) {
  Result<int> good = 1;
  Result<int> bad = invalid("d.code", "wrong");
  EXPECT_DEATH((void)bad.value(), "");
  EXPECT_DEATH((void)good.error(), "");
}

}  // namespace
}  // namespace rabt::result_test
