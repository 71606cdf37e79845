#include "hub/base/bytes.hpp"

#include <gtest/gtest.h>

#include <type_traits>

namespace rabt::bytes_test {
namespace {

TEST(Hex, WritesLowerCaseAndReadsBoth) {
  const Bytes bytes{0x00, 0x0f, 0xa0, 0xff};
  EXPECT_EQ(to_hex(bytes), "000fa0ff");
  EXPECT_EQ(from_hex("000fa0ff"), bytes);
  EXPECT_EQ(from_hex("000FA0fF"), bytes);
  EXPECT_EQ(from_hex(""), Bytes{});
  for (const char* text : {"0", "0g", "g0", " 0", "0x"})
    EXPECT_FALSE(from_hex(text).has_value()) << text;
}

TEST(Base64, AgreesWithRfc4648Section10) {
  for (const auto& [plain, encoded] :
       std::initializer_list<std::pair<const char*, const char*>>{{"", ""},
                                                                  {"f", "Zg=="},
                                                                  {"fo", "Zm8="},
                                                                  {"foo", "Zm9v"},
                                                                  {"foob", "Zm9vYg=="},
                                                                  {"fooba", "Zm9vYmE="},
                                                                  {"foobar", "Zm9vYmFy"}}) {
    EXPECT_EQ(to_base64(as_bytes(plain)), encoded);
    const auto back = from_base64(encoded);
    ASSERT_TRUE(back.has_value()) << encoded;
    EXPECT_EQ(as_text(*back), plain);
  }
}

TEST(Base64, ReadsEveryByteBack) {
  Bytes bytes;
  for (int i = 0; i < 259; ++i) {
    EXPECT_EQ(from_base64(to_base64(bytes)), bytes);
    bytes.push_back(static_cast<std::uint8_t>(i * 7 + 128));
  }
}

TEST(Base64, RefusesEverythingButTheCanonicalForm) {
  for (const char* text :
       {"Z", "Zg", "Zg=", "Zg===", "=", "====", "Z===", "=Zg=", "Zg==Zg==", "Zm=v",
        "Zh==", "Zm9=", "Zm9v\n", " Zm9v", "Zm-v", "Zm_v", "Zm9v====", "Zm9v="}) {
    EXPECT_FALSE(from_base64(text).has_value()) << text;
  }
}

TEST(SecretBytes, CannotBeCopiedAndEmptiesWhatItMovesFrom) {
  static_assert(!std::is_copy_constructible_v<SecretBytes> &&
                !std::is_copy_assignable_v<SecretBytes>);
  SecretBytes secret(std::string_view("token"));
  SecretBytes moved(std::move(secret));
  EXPECT_TRUE(secret.empty());  // NOLINT(bugprone-use-after-move): that is the promise
  EXPECT_EQ(moved.expose_text(), "token");
  SecretBytes assigned(std::string_view("old"));
  assigned = std::move(moved);
  EXPECT_TRUE(moved.empty());  // NOLINT(bugprone-use-after-move)
  EXPECT_EQ(assigned.expose_text(), "token");
  const SecretBytes clone = assigned.clone();
  EXPECT_TRUE(clone.equals(assigned.expose()));
  EXPECT_EQ(clone.size(), 5U);
}

TEST(SecretBytes, TakesBytesOverAndMovesWithoutCopyingThem) {
  Bytes bytes(64, 0x5a);
  SecretBytes secret(std::move(bytes));
  const std::uint8_t* place = secret.expose().data();
  SecretBytes keep(Bytes(64, 1));
  std::swap(secret, keep);  // the bytes live on, at the same place, in the other
  EXPECT_EQ(keep.expose().data(), place);
  EXPECT_EQ(keep.expose()[63], 0x5a);
}

TEST(ConstantTimeEqual, ComparesContentAndLength) {
  EXPECT_TRUE(constant_time_equal({}, {}));
  EXPECT_TRUE(constant_time_equal(as_bytes("abc"), as_bytes("abc")));
  for (const char* other : {"", "ab", "abd", "bbc", "abcd"})
    EXPECT_FALSE(constant_time_equal(as_bytes("abc"), as_bytes(other))) << other;
}

}  // namespace
}  // namespace rabt::bytes_test
