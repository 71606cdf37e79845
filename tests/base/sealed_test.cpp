#include "hub/base/sealed.hpp"

#include <gtest/gtest.h>

#include <sstream>
#include <string>

#include "hub/base/json.hpp"
#include "hub/base/log.hpp"
#include "hub/base/result.hpp"

namespace rabt::sealed_test {
namespace {

using Name = Sealed<std::string>;

template <typename T>
concept Printable = requires(std::ostream& out, const T& value) {
  out << value;
};
template <typename T>
concept Appendable = requires(std::string& text, const T& value) {
  text += value;
};
template <typename T>
concept Joinable = requires(const std::string& text, const T& value) {
  text + value;
};
template <typename T>
concept UnsealedWithoutReason = requires(const T& value) {
  value.unseal();
};
template <typename T>
concept UnsealedWithAVariable = requires(const T& value, const char* reason) {
  value.unseal(reason);
};
template <typename T>
concept Unsealed = requires(const T& value) {
  value.unseal("a test");
};

// Code that compiles for the plain value does not compile for the sealed one.
static_assert(Printable<std::string> && !Printable<Name>);
static_assert(Appendable<std::string> && !Appendable<Name>);
static_assert(Joinable<std::string> && !Joinable<Name>);
static_assert(std::is_convertible_v<std::string, std::string_view> &&
              !std::is_convertible_v<Name, std::string_view>);
static_assert(!std::is_convertible_v<Name, std::string> &&
              !std::is_constructible_v<std::string, Name>);
static_assert(std::is_constructible_v<LogValue, std::string_view> &&
              !std::is_constructible_v<LogValue, Name>);
static_assert(!std::is_constructible_v<LogField, std::string_view, Name>);
static_assert(std::is_constructible_v<Json, std::string> && !std::is_constructible_v<Json, Name> &&
              !std::is_constructible_v<Json, Sealed<Json>>);
static_assert(!std::is_constructible_v<Sealed<Json>, Name>);
static_assert(std::is_invocable_v<decltype(&invalid), std::string, std::string> &&
              !std::is_invocable_v<decltype(&invalid), std::string, Name>);
static_assert(!std::is_convertible_v<Sealed<std::int64_t>, std::int64_t> &&
              !std::is_constructible_v<LogValue, Sealed<std::int64_t>> &&
              !std::is_constructible_v<bool, Sealed<bool>>);
// Sealing is explicit, and unsealing needs a reason that is a literal in the code.
static_assert(!std::is_convertible_v<std::string, Name>);
static_assert(Unsealed<Name> && !UnsealedWithoutReason<Name> && !UnsealedWithAVariable<Name>);

TEST(SealedValue, OpensWithAReasonAndShowsNothingElse) {
  Name name(std::string("Jane"));
  EXPECT_EQ(name.unseal("a test"), "Jane");
  EXPECT_EQ(to_string(name), "[sealed]");
  EXPECT_EQ(std::move(name).unseal("a test"), "Jane");
  EXPECT_EQ(Name(std::string("a")), Name(std::string("a")));
  EXPECT_FALSE(Name(std::string("a")) == Name(std::string("b")));
}

TEST(SealedValue, AFailedExpectationDoesNotPrintItsBytes) {
  EXPECT_EQ(::testing::PrintToString(Name(std::string("Jane"))), "[sealed]");
}

}  // namespace
}  // namespace rabt::sealed_test
