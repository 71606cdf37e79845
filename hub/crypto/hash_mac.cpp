#include <openssl/crypto.h>
#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <initializer_list>

#include "hub/base/check.hpp"
#include "hub/crypto/crypto.hpp"
#include "hub/crypto/hmac_key.hpp"
#include "hub/crypto/openssl_owned.hpp"
#include "hub/crypto/primitives.hpp"

namespace rabt::crypto {

namespace {

using DigestContext = Owned<EVP_MD_CTX>;

DigestContext make_digest(const char* name) {
  const Owned<EVP_MD> md(EVP_MD_fetch(nullptr, name, nullptr));
  RABT_CHECK(md != nullptr);
  DigestContext context(EVP_MD_CTX_new());
  RABT_CHECK(context != nullptr);
  // The context holds its own reference to the digest.
  RABT_CHECK(EVP_DigestInit_ex2(context.get(), md.get(), nullptr) == 1);
  return context;
}

constexpr std::size_t kMaxBlock = 128;  // of SHA-384
constexpr std::uint8_t kZero[kMaxBlock] = {};

// Into the front of out, which has room for the digest.
void digest(EVP_MD_CTX* context, std::initializer_list<ByteView> parts,
            std::span<std::uint8_t> out) {
  RABT_CHECK(EVP_DigestInit_ex2(context, nullptr, nullptr) == 1);
  for (const ByteView part : parts) {
    if (!part.empty()) RABT_CHECK(EVP_DigestUpdate(context, part.data(), part.size()) == 1);
  }
  unsigned size = 0;
  RABT_CHECK(EVP_DigestFinal_ex(context, out.data(), &size) == 1 && size <= out.size());
}

// RFC 2104 over OpenSSL's digest: its EVP_MAC takes twice the time for a short message, and keeps a
// copy of the key that has to be overwritten by setting up another. Three parts, so that callers
// need not join them first.
void hmac(EVP_MD_CTX* context, ByteView key, ByteView first, ByteView second, ByteView third,
          std::span<std::uint8_t> out) {
  const auto block = static_cast<std::size_t>(EVP_MD_CTX_get_block_size(context));
  std::array<std::uint8_t, kMaxBlock> pad{};
  if (key.size() > block) {
    digest(context, {key}, pad);
  } else {
    std::copy(key.begin(), key.end(), pad.begin());
  }
  const ByteView padded = ByteView(pad).first(block);
  for (std::uint8_t& byte : pad) byte ^= 0x36U;
  digest(context, {padded, first, second, third}, out);
  for (std::uint8_t& byte : pad) byte ^= 0x36U ^ 0x5cU;
  digest(context, {padded, out}, out);
  OPENSSL_cleanse(pad.data(), pad.size());
  // The context's state follows from the key as well.
  RABT_CHECK(EVP_DigestInit_ex2(context, nullptr, nullptr) == 1);
}

void hmac256(ByteView key, ByteView first, ByteView second, ByteView third,
             std::span<std::uint8_t> out) {
  thread_local const DigestContext context = make_digest("SHA256");
  hmac(context.get(), key, first, second, third, out);
}

void hmac384(ByteView key, ByteView first, ByteView second, ByteView third,
             std::span<std::uint8_t> out) {
  thread_local const DigestContext context = make_digest("SHA384");
  hmac(context.get(), key, first, second, third, out);
}

using HmacOf = void (*)(ByteView, ByteView, ByteView, ByteView, std::span<std::uint8_t>);

// HKDF-Expand of RFC 5869 over HMAC. OpenSSL's own HKDF refuses an info past 32,768 bytes and then
// leaves the output as it was.
SecretBytes expand(HmacOf mac, std::size_t hash, ByteView prk, ByteView info, std::size_t size) {
  Bytes out((size + hash - 1) / hash * hash);
  ByteView previous;
  std::uint8_t counter = 0;
  for (std::size_t at = 0; at < size; at += hash) {
    ++counter;
    mac(prk, previous, info, ByteView(&counter, 1), std::span(out).subspan(at, hash));
    previous = ByteView(out).subspan(at, hash);
  }
  std::fill(out.begin() + static_cast<std::ptrdiff_t>(size), out.end(), std::uint8_t{0});
  out.resize(size);
  return SecretBytes(std::move(out));
}

}  // namespace

Digest sha256(std::string_view data) {
  thread_local const DigestContext context = make_digest("SHA256");
  Digest out{};
  RABT_CHECK(EVP_DigestInit_ex2(context.get(), nullptr, nullptr) == 1);
  RABT_CHECK(EVP_DigestUpdate(context.get(), data.data(), data.size()) == 1);
  unsigned size = 0;
  RABT_CHECK(EVP_DigestFinal_ex(context.get(), out.data(), &size) == 1 && size == out.size());
  return out;
}

Bytes sha1(std::string_view data) {
  thread_local const DigestContext context = make_digest("SHA1");
  Bytes out(20);
  unsigned size = 0;
  RABT_CHECK(EVP_DigestInit_ex2(context.get(), nullptr, nullptr) == 1);
  RABT_CHECK(EVP_DigestUpdate(context.get(), data.data(), data.size()) == 1);
  RABT_CHECK(EVP_DigestFinal_ex(context.get(), out.data(), &size) == 1 && size == out.size());
  return out;
}

struct Sha256::State {
  DigestContext context = make_digest("SHA256");
  bool finished = false;
};

Sha256::Sha256() : state_(std::make_unique<State>()) {}
Sha256::~Sha256() = default;
Sha256::Sha256(Sha256&&) noexcept = default;
Sha256& Sha256::operator=(Sha256&&) noexcept = default;

void Sha256::update(std::string_view data) {
  RABT_CHECK(!state_->finished);
  RABT_CHECK(EVP_DigestUpdate(state_->context.get(), data.data(), data.size()) == 1);
}

Digest Sha256::finish() {
  RABT_CHECK(!state_->finished);
  state_->finished = true;
  Digest out{};
  unsigned size = 0;
  RABT_CHECK(EVP_DigestFinal_ex(state_->context.get(), out.data(), &size) == 1 &&
             size == out.size());
  return out;
}

Bytes hmac_sha256(ByteView key, std::string_view data) {
  Bytes out(32);
  hmac256(key, as_bytes(data), {}, {}, out);
  return out;
}

struct HmacKey::State {
  // After the padded key, inside and outside.
  DigestContext inner = make_digest("SHA256");
  DigestContext outer = make_digest("SHA256");
};

HmacKey::HmacKey(ByteView key) : state_(std::make_unique<State>()) {
  std::array<std::uint8_t, 64> pad{};
  if (key.size() > pad.size()) {
    digest(state_->inner.get(), {key}, pad);
    RABT_CHECK(EVP_DigestInit_ex2(state_->inner.get(), nullptr, nullptr) == 1);
  } else {
    std::copy(key.begin(), key.end(), pad.begin());
  }
  for (std::uint8_t& byte : pad) byte ^= 0x36U;
  RABT_CHECK(EVP_DigestUpdate(state_->inner.get(), pad.data(), pad.size()) == 1);
  for (std::uint8_t& byte : pad) byte ^= 0x36U ^ 0x5cU;
  RABT_CHECK(EVP_DigestUpdate(state_->outer.get(), pad.data(), pad.size()) == 1);
  OPENSSL_cleanse(pad.data(), pad.size());
}
HmacKey::~HmacKey() = default;
HmacKey::HmacKey(HmacKey&&) noexcept = default;
HmacKey& HmacKey::operator=(HmacKey&&) noexcept = default;

Digest HmacKey::mac(std::string_view data) const {
  thread_local const DigestContext context = make_digest("SHA256");
  Digest out{};
  const auto pass = [&](const EVP_MD_CTX* keyed, ByteView bytes) {
    unsigned size = 0;
    RABT_CHECK(EVP_MD_CTX_copy_ex(context.get(), keyed) == 1);
    RABT_CHECK(EVP_DigestUpdate(context.get(), bytes.data(), bytes.size()) == 1);
    RABT_CHECK(EVP_DigestFinal_ex(context.get(), out.data(), &size) == 1 && size == out.size());
  };
  pass(state_->inner.get(), as_bytes(data));
  pass(state_->outer.get(), out);
  // The context's state follows from the key as well.
  RABT_CHECK(EVP_DigestInit_ex2(context.get(), nullptr, nullptr) == 1);
  return out;
}

Bytes hmac_sha1(ByteView key, std::string_view data) {
  thread_local const DigestContext context = make_digest("SHA1");
  Bytes out(20);
  hmac(context.get(), key, as_bytes(data), {}, {}, out);
  return out;
}

std::optional<SecretBytes> primitives::hkdf_sha256(ByteView key, ByteView salt, ByteView info,
                                                   std::size_t size) {
  constexpr std::size_t kHashBytes = 32;
  if (size > kMaxHkdfBytes) return std::nullopt;
  Bytes prk(kHashBytes);
  hmac256(salt.empty() ? ByteView(kZero, kHashBytes) : salt, key, {}, {}, prk);
  const SecretBytes extracted(std::move(prk));
  return expand(hmac256, kHashBytes, extracted.expose(), info, size);
}

Bytes primitives::hmac_sha384(ByteView key, ByteView data) {
  Bytes out(48);
  hmac384(key, data, {}, {}, out);
  return out;
}

std::optional<SecretBytes> primitives::hkdf_expand_sha384(ByteView prk, ByteView info,
                                                          std::size_t size) {
  if (size > kMaxHkdf384Bytes) return std::nullopt;
  return expand(hmac384, 48, prk, info, size);
}

SecretBytes hkdf_sha256(ByteView key, std::string_view salt, std::string_view info,
                        std::size_t size) {
  auto out = primitives::hkdf_sha256(key, as_bytes(salt), as_bytes(info), size);
  RABT_CHECK(out.has_value());
  return std::move(*out);
}

}  // namespace rabt::crypto
