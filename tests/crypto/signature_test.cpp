#include "hub/crypto/signature.hpp"

#include <gtest/gtest.h>

#include <cstdio>
#include <filesystem>

#include "hub/base/json.hpp"
#include "tests/crypto/support.hpp"

namespace rabt::crypto::signature_test {
namespace {

SigningKey key_of(const char* seed) {
  return SigningKey(SecretBytes(*from_hex(seed)));
}

// RFC 8032 section 7.1, tests 1 to 3.
TEST(Signature, SignsAsRfc8032Does) {
  struct Case {
    const char *seed, *key, *message, *signature;
  };
  for (const Case& one :
       {Case{
            "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
            "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
            "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39"
            "701cf9b46bd25bf5f0595bbe24655141438e7a100b"},
        Case{
            "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
            "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f36"
            "13d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"},
        Case{
            "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
            "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
            "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f7"
            "60984dc6594a7c15e9716ed28dc027beceea1ec40a"}}) {
    const SigningKey key = key_of(one.seed);
    const Bytes message = *from_hex(one.message);
    EXPECT_EQ(to_hex(key.public_key()), one.key);
    const Signature signature = key.sign(as_text(message));
    EXPECT_EQ(to_hex(signature), one.signature);
    EXPECT_TRUE(verify_ed25519(key.public_key(), as_text(message), signature));
  }
}

TEST(Signature, RefusesEveryChangedBitAndEveryOtherSize) {
  const SigningKey key = key_of("c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7");
  const Signature good = key.sign("message");
  EXPECT_TRUE(verify_ed25519(key.public_key(), "message", good));
  EXPECT_FALSE(verify_ed25519(key.public_key(), "massage", good));
  for (std::size_t bit = 0; bit < good.size() * 8; ++bit) {
    Signature changed = good;
    changed[bit / 8] ^= static_cast<std::uint8_t>(1U << (bit % 8));
    EXPECT_FALSE(verify_ed25519(key.public_key(), "message", changed)) << bit;
  }
  for (std::size_t bit = 0; bit < key.public_key().size() * 8; ++bit) {
    PublicKey changed = key.public_key();
    changed[bit / 8] ^= static_cast<std::uint8_t>(1U << (bit % 8));
    EXPECT_FALSE(verify_ed25519(changed, "message", good)) << bit;
  }
  EXPECT_FALSE(verify_ed25519(key.public_key(), "message", ByteView(good).first(63)));
  EXPECT_FALSE(verify_ed25519(ByteView(key.public_key()).first(31), "message", good));
  EXPECT_FALSE(verify_ed25519({}, "message", {}));
}

// With a key of small order, R = identity and S = 0 verify for one message in eight or for all.
TEST(Signature, RefusesKeysThatSignEverythingAndSecondEncodingsOfKeys) {
  Signature everything{};
  everything[0] = 1;
  for (const char* key : {"0100000000000000000000000000000000000000000000000000000000000000",
                          "0000000000000000000000000000000000000000000000000000000000000000",
                          "0000000000000000000000000000000000000000000000000000000000000080",
                          "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
                          "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
                          "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
                          "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
                          "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
                          "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"}) {
    for (int i = 0; i < 16; ++i) {
      EXPECT_FALSE(verify_ed25519(*from_hex(key), "message " + std::to_string(i), everything))
          << key;
    }
  }
}

TEST(Signature, WycheproofEd25519) {
  if (test::conformance_data().empty())
    GTEST_SKIP() << "set RABT_CONFORMANCE_DATA to run third-party vectors";
  int files = 0;
  for (const auto& entry :
       std::filesystem::directory_iterator(test::conformance_data() / "vectors" / "wycheproof")) {
    const std::string name = entry.path().filename().string();
    if (entry.path().extension() != ".json") continue;
    const auto json = Json::parse(test::read_file(entry.path()));
    ASSERT_TRUE(json.ok()) << name;
    if (name.rfind("ed25519", 0) != 0) continue;
    ++files;
    int run = 0;
    for (const Json& group : (*json)["testGroups"].as_array()) {
      const Json& key = group["publicKey"];
      for (const Json& item : group["tests"].as_array()) {
        const Bytes message = test::hex(item, "msg");
        const bool good =
            verify_ed25519(test::hex(key, "pk"), as_text(message), test::hex(item, "sig"));
        EXPECT_EQ(good, item.string_or("result", "") == "valid")
            << name << " tcId " << item.int_or("tcId", -1) << " " << item.string_or("comment", "");
        ++run;
      }
    }
    std::printf("%s: %d agree\n", name.c_str(), run);
    EXPECT_EQ(run, json->int_or("numberOfTests", -1)) << name;
  }
  if (files == 0) GTEST_SKIP() << "no file ed25519* among the vectors";
}

}  // namespace
}  // namespace rabt::crypto::signature_test
