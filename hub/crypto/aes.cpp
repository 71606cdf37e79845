#include <openssl/evp.h>

#include <algorithm>
#include <memory>

#include "hub/base/check.hpp"
#include "hub/crypto/openssl_owned.hpp"
#include "hub/crypto/primitives.hpp"

// The one wrapper of AES. Contexts belong to the thread and keep their fetched cipher: fetching and
// allocating for each call costs more than sealing a small value.
namespace rabt::crypto::primitives {

namespace {

constexpr std::uint8_t kZero[kKeyBytes] = {};

Owned<EVP_CIPHER_CTX> make_context(const char* algorithm, bool encrypt) {
  const Owned<EVP_CIPHER> cipher(EVP_CIPHER_fetch(nullptr, algorithm, nullptr));
  RABT_CHECK(cipher != nullptr);
  Owned<EVP_CIPHER_CTX> context(EVP_CIPHER_CTX_new());
  RABT_CHECK(context != nullptr);
  EVP_CIPHER_CTX_set_flags(context.get(), EVP_CIPHER_CTX_FLAG_WRAP_ALLOW);
  // The context holds its own reference to the cipher.
  RABT_CHECK(EVP_CipherInit_ex2(context.get(), cipher.get(), nullptr, nullptr, encrypt ? 1 : 0,
                                nullptr) == 1);
  return context;
}

// Leaves no key schedule of a caller's key behind in the thread's context.
void forget_key(EVP_CIPHER_CTX* context, bool encrypt) {
  RABT_CHECK(EVP_CipherInit_ex2(context, nullptr, kZero, kZero, encrypt ? 1 : 0, nullptr) == 1);
}

bool gcm(EVP_CIPHER_CTX* context, bool encrypt, ByteView key, ByteView iv, ByteView aad,
         ByteView in, std::uint8_t* out, std::uint8_t* tag) {
  if (EVP_CipherInit_ex2(context, nullptr, key.data(), iv.data(), encrypt ? 1 : 0, nullptr) != 1)
    return false;
  int size = 0;
  if (!aad.empty()) {
    if (EVP_CipherUpdate(context, nullptr, &size, aad.data(), static_cast<int>(aad.size())) != 1)
      return false;
    if (size != static_cast<int>(aad.size())) return false;
  }
  if (!in.empty()) {
    if (EVP_CipherUpdate(context, out, &size, in.data(), static_cast<int>(in.size())) != 1)
      return false;
    if (size != static_cast<int>(in.size())) return false;
  }
  if (!encrypt &&
      EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, static_cast<int>(kTagBytes), tag) != 1) {
    return false;
  }
  std::uint8_t rest[kTagBytes];  // GCM writes nothing here; the call wants a place
  if (EVP_CipherFinal_ex(context, rest, &size) != 1 || size != 0) return false;
  return !encrypt ||
         EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, static_cast<int>(kTagBytes), tag) == 1;
}

}  // namespace

bool aes256_gcm_seal(ByteView key, ByteView iv, ByteView aad, ByteView plain,
                     std::span<std::uint8_t> out) {
  // out is not zeroed first, which would cost a tenth of the time of a large message, and in place
  // it holds the input; every way out that is no success zeroes it.
  const auto refuse = [out] {
    std::fill(out.begin(), out.end(), std::uint8_t{0});
    return false;
  };
  if (key.size() != kKeyBytes || iv.size() != kIvBytes || plain.size() > kMaxMessageBytes ||
      aad.size() > kMaxMessageBytes || out.size() != plain.size() + kTagBytes) {
    return refuse();
  }
  thread_local const Owned<EVP_CIPHER_CTX> context = make_context("AES-256-GCM", true);
  const bool ok =
      gcm(context.get(), true, key, iv, aad, plain, out.data(), out.data() + plain.size());
  forget_key(context.get(), true);
  return ok || refuse();
}

bool aes256_gcm_open(ByteView key, ByteView iv, ByteView aad, ByteView sealed,
                     std::span<std::uint8_t> out) {
  // out is not zeroed first, which would cost a tenth of the time of a large message, and in place
  // it holds the input; every way out that is no success zeroes it.
  const auto refuse = [out] {
    std::fill(out.begin(), out.end(), std::uint8_t{0});
    return false;
  };
  if (key.size() != kKeyBytes || iv.size() != kIvBytes || sealed.size() < kTagBytes ||
      sealed.size() - kTagBytes > kMaxMessageBytes || aad.size() > kMaxMessageBytes ||
      out.size() != sealed.size() - kTagBytes) {
    return refuse();
  }
  thread_local const Owned<EVP_CIPHER_CTX> context = make_context("AES-256-GCM", false);
  std::uint8_t tag[kTagBytes];
  std::copy(sealed.end() - kTagBytes, sealed.end(), tag);
  const bool ok =
      gcm(context.get(), false, key, iv, aad, sealed.first(out.size()), out.data(), tag);
  forget_key(context.get(), false);
  return ok || refuse();
}

namespace {

// One call of a key-wrap cipher; the number of bytes written, or empty.
std::optional<std::size_t> key_wrap(EVP_CIPHER_CTX* context, bool encrypt, ByteView key,
                                    ByteView in, std::span<std::uint8_t> out) {
  if (EVP_CipherInit_ex2(context, nullptr, key.data(), nullptr, encrypt ? 1 : 0, nullptr) != 1)
    return std::nullopt;
  int size = 0;
  if (EVP_CipherUpdate(context, out.data(), &size, in.data(), static_cast<int>(in.size())) != 1 ||
      size <= 0) {
    return std::nullopt;
  }
  int rest = 0;
  std::uint8_t end[32];
  if (EVP_CipherFinal_ex(context, end, &rest) != 1 || rest != 0) return std::nullopt;
  if (static_cast<std::size_t>(size) > out.size()) return std::nullopt;
  return static_cast<std::size_t>(size);
}

void forget_wrap_key(EVP_CIPHER_CTX* context, bool encrypt) {
  RABT_CHECK(EVP_CipherInit_ex2(context, nullptr, kZero, nullptr, encrypt ? 1 : 0, nullptr) == 1);
}

}  // namespace

std::optional<Bytes> aes256_kwp_wrap(ByteView key, ByteView plain) {
  if (key.size() != kKeyBytes || plain.empty() || plain.size() > kMaxKwpBytes) return std::nullopt;
  thread_local const Owned<EVP_CIPHER_CTX> context = make_context("AES-256-WRAP-PAD", true);
  const std::size_t expected = (plain.size() + 7) / 8 * 8 + 8;
  Bytes out(expected + 16, 0);
  const auto size = key_wrap(context.get(), true, key, plain, out);
  forget_wrap_key(context.get(), true);
  if (!size || *size != expected) return std::nullopt;
  out.resize(*size);
  return out;
}

std::optional<SecretBytes> aes256_kwp_unwrap(ByteView key, ByteView wrapped) {
  if (key.size() != kKeyBytes || wrapped.size() < 16 || wrapped.size() % 8 != 0 ||
      wrapped.size() > kMaxKwpBytes + 16) {
    return std::nullopt;
  }
  thread_local const Owned<EVP_CIPHER_CTX> context = make_context("AES-256-WRAP-PAD", false);
  Bytes out(wrapped.size() + 16, 0);
  const auto size = key_wrap(context.get(), false, key, wrapped, out);
  forget_wrap_key(context.get(), false);
  const SecretBytes whole(std::move(out));  // wipes what a failed check left behind, too
  if (!size || *size > wrapped.size() - 8 || *size + 8 <= wrapped.size() - 8) return std::nullopt;
  const ByteView plain = whole.expose().first(*size);
  return SecretBytes(Bytes(plain.begin(), plain.end()));
}

}  // namespace rabt::crypto::primitives
