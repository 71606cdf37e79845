#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "hub/base/bytes.hpp"

// Internal to hub/crypto and its tests: the raw algorithms, with one fixed set of parameters. Any
// thread may call; every function works on contexts of the calling thread.
namespace rabt::crypto::primitives {

inline constexpr std::size_t kKeyBytes = 32;  // AES-256 only
// 96 bits: the only IV size without a GHASH of the IV (SP 800-38D section 8.2).
inline constexpr std::size_t kIvBytes = 12;
inline constexpr std::size_t kTagBytes = 16;  // OpenSSL would take 4; a short tag can be guessed
inline constexpr std::size_t kMaxMessageBytes = 1U << 30U;  // OpenSSL's lengths are int
inline constexpr std::size_t kMaxKwpBytes = 64U << 10U;     // keys are wrapped, not documents
inline constexpr std::size_t kMaxHkdfBytes = std::size_t{255} * 32;  // RFC 5869 section 2.3
inline constexpr std::size_t kMaxHkdf384Bytes = std::size_t{255} * 48;

// AES-256-GCM. out has plain.size() + kTagBytes bytes: ciphertext, then tag. It may begin where
// plain does (in place), else they do not overlap. False when a size is not the fixed one; out is
// then zero.
[[nodiscard]] bool aes256_gcm_seal(ByteView key, ByteView iv, ByteView aad, ByteView plain,
                                   std::span<std::uint8_t> out);
// sealed is ciphertext and tag, out has sealed.size() - kTagBytes bytes; in place as above. False
// when a size is wrong or the tag does not hold; out is then zero.
[[nodiscard]] bool aes256_gcm_open(ByteView key, ByteView iv, ByteView aad, ByteView sealed,
                                   std::span<std::uint8_t> out);

// AES-256 key wrap with padding (RFC 5649). nullopt if a size is wrong or the integrity check
// fails.
[[nodiscard]] std::optional<Bytes> aes256_kwp_wrap(ByteView key, ByteView plain);
[[nodiscard]] std::optional<SecretBytes> aes256_kwp_unwrap(ByteView key, ByteView wrapped);

// HKDF-SHA-256 (RFC 5869). Empty when size is past kMaxHkdfBytes.
[[nodiscard]] std::optional<SecretBytes> hkdf_sha256(ByteView key, ByteView salt, ByteView info,
                                                     std::size_t size);

// HMAC-SHA-384 (RFC 2104): 48 bytes.
[[nodiscard]] Bytes hmac_sha384(ByteView key, ByteView data);
// HKDF-Expand-SHA-384 (RFC 5869 section 2.3) alone: prk is already a key. Empty when size is past
// kMaxHkdf384Bytes.
[[nodiscard]] std::optional<SecretBytes> hkdf_expand_sha384(ByteView prk, ByteView info,
                                                            std::size_t size);

// The canonical tuple: each part as its length in four bytes, big-endian, then its bytes. No two
// lists of as many parts have the same encoding.
[[nodiscard]] std::string tuple(std::initializer_list<std::string_view> parts);

}  // namespace rabt::crypto::primitives
