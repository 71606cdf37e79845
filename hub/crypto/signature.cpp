#include "hub/crypto/signature.hpp"

#include <openssl/evp.h>

#include <algorithm>

#include "hub/base/check.hpp"
#include "hub/crypto/openssl_owned.hpp"

namespace rabt::crypto {

namespace {

// y of the points whose order divides 8, little-endian, without the sign of x (for every sign of x
// there is one or none): 1, -1, 0,.
constexpr PublicKey kSmallOrder[] = {
    {1},
    {0xec, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
     0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
     0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f},
    {0},
    {0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4,
     0x89, 0xf2, 0xef, 0x98, 0xf0, 0xd5, 0xdf, 0xac, 0x05, 0xd3, 0xc6,
     0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53, 0xfc, 0x05},
    {0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b,
     0x76, 0x0d, 0x10, 0x67, 0x0f, 0x2a, 0x20, 0x53, 0xfa, 0x2c, 0x39,
     0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac, 0x03, 0x7a},
};

// The field's prime, 2^255 - 19, little-endian.
constexpr PublicKey kPrime = {0xed, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                              0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                              0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f};

bool acceptable(ByteView key) {
  PublicKey y{};
  std::copy(key.begin(), key.end(), y.begin());
  y.back() &= 0x7fU;
  if (!std::lexicographical_compare(y.rbegin(), y.rend(), kPrime.rbegin(), kPrime.rend()))
    return false;
  return std::find(std::begin(kSmallOrder), std::end(kSmallOrder), y) == std::end(kSmallOrder);
}

}  // namespace

struct SigningKey::State {
  Owned<EVP_PKEY> key;
};

SigningKey::SigningKey(const SecretBytes& seed) : state_(std::make_unique<State>()) {
  RABT_CHECK(seed.size() == kSeedBytes);
  state_->key.reset(
      EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, nullptr, seed.expose().data(), seed.size()));
  std::size_t size = public_key_.size();
  RABT_CHECK(state_->key != nullptr &&
             EVP_PKEY_get_raw_public_key(state_->key.get(), public_key_.data(), &size) == 1 &&
             size == public_key_.size());
}
SigningKey::~SigningKey() = default;
SigningKey::SigningKey(SigningKey&&) noexcept = default;
SigningKey& SigningKey::operator=(SigningKey&&) noexcept = default;

Signature SigningKey::sign(std::string_view message) const {
  const Owned<EVP_MD_CTX> context(EVP_MD_CTX_new());
  Signature out{};
  std::size_t size = out.size();
  const ByteView bytes = as_bytes(message);
  RABT_CHECK(context != nullptr &&
             EVP_DigestSignInit(context.get(), nullptr, nullptr, nullptr, state_->key.get()) == 1 &&
             EVP_DigestSign(context.get(), out.data(), &size, bytes.data(), bytes.size()) == 1 &&
             size == out.size());
  return out;
}

bool verify_ed25519(ByteView public_key, std::string_view message, ByteView signature) {
  if (public_key.size() != PublicKey{}.size() || signature.size() != Signature{}.size() ||
      !acceptable(public_key)) {
    return false;
  }
  const Owned<EVP_PKEY> key(
      EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, public_key.data(), public_key.size()));
  const Owned<EVP_MD_CTX> context(EVP_MD_CTX_new());
  const ByteView bytes = as_bytes(message);
  return key != nullptr && context != nullptr &&
         EVP_DigestVerifyInit(context.get(), nullptr, nullptr, nullptr, key.get()) == 1 &&
         EVP_DigestVerify(context.get(), signature.data(), signature.size(), bytes.data(),
                          bytes.size()) == 1;
}

}  // namespace rabt::crypto
