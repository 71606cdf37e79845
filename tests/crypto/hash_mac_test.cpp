#include <gtest/gtest.h>

#include "hub/crypto/crypto.hpp"
#include "hub/crypto/hmac_key.hpp"
#include "hub/crypto/primitives.hpp"

namespace rabt::crypto::hash_mac_test {
namespace {

TEST(Sha256, AgreesWithTheExampleOfTheStandard) {  // FIPS 180-4, "abc"
  EXPECT_EQ(to_hex(sha256("abc")),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(to_hex(sha256("")), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

TEST(Sha256, GivesTheSameDigestInPieces) {
  Sha256 hash;
  hash.update("a");
  hash.update("");
  hash.update("bc");
  EXPECT_EQ(hash.finish(), sha256("abc"));
}

TEST(Sha256Death, RefusesASecondFinish) {
  Sha256 hash;
  (void)hash.finish();
  EXPECT_DEATH((void)hash.finish(), "RABT_CHECK");
}

TEST(Hmac, AgreesWithRfc4231AndRfc2202) {
  const std::string key(20, '\x0b');
  EXPECT_EQ(to_hex(hmac_sha256(as_bytes(key), "Hi There")),
            "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
  EXPECT_EQ(to_hex(hmac_sha1(as_bytes(key), "Hi There")),
            "b617318655057264e28bc0b6fb378c8ef146be00");
  const std::string long_key(131, '\xaa');
  EXPECT_EQ(to_hex(hmac_sha256(as_bytes(long_key),
                               "Test Using Larger Than Block-Size Key - Hash Key First")),
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

TEST(Hmac, TakesAnEmptyKeyAsAnEmptyKeyAndNotAsTheLastOne) {
  const Bytes empty = hmac_sha256({}, "");
  EXPECT_EQ(to_hex(empty), "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
  (void)hmac_sha256(as_bytes("another key"), "x");
  EXPECT_EQ(hmac_sha256({}, ""), empty);
}

TEST(Hmac, IsTheSameWithAKeyThatWasMadeReady) {
  for (const std::size_t key_bytes : {0, 1, 32, 63, 64, 65, 131}) {
    const std::string key(key_bytes, '\xaa');
    const HmacKey ready(as_bytes(key));
    for (const std::size_t bytes : {0, 1, 65, 300, 0}) {
      const std::string data(bytes, 'x');
      EXPECT_EQ(to_hex(ready.mac(data)), to_hex(hmac_sha256(as_bytes(key), data)))
          << key_bytes << " " << bytes;
    }
  }
}

TEST(Hkdf, GivesTheLargestOutputAndRefusesOneByteMore) {
  EXPECT_EQ(hkdf_sha256(as_bytes("k"), "s", "i", primitives::kMaxHkdfBytes).size(),
            primitives::kMaxHkdfBytes);
  EXPECT_FALSE(
      primitives::hkdf_sha256(as_bytes("k"), {}, {}, primitives::kMaxHkdfBytes + 1).has_value());
}

TEST(Hkdf, TakesAnInfoLongerThan32768Bytes) {
  const std::string info(40'000, 'i');
  EXPECT_FALSE(hkdf_sha256(as_bytes("k"), {}, info, 32)
                   .equals(hkdf_sha256(as_bytes("k"), {}, info + "i", 32).expose()));
}

}  // namespace
}  // namespace rabt::crypto::hash_mac_test
