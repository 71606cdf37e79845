#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "hub/base/bytes.hpp"
#include "hub/base/result.hpp"
#include "hub/crypto/signature.hpp"

// Public keys and detached signatures as the program minisign writes them
// (https://jedisct1.github.io/minisign/, "Signature format", "Public key format"). Only prehashed
// signatures ("ED": Ed25519 over BLAKE2b-512 of the file).
namespace rabt::crypto::minisign {

// Comments have at most 1 and 8 KiB.
inline constexpr std::size_t kMaxFileBytes = 16U << 10U;
inline constexpr std::size_t kMaxTrustedCommentBytes = 8192;

using KeyId = std::array<std::uint8_t, 8>;
// 16 upper-case hexadecimal digits, as minisign prints it: the bytes are one little-endian number.
[[nodiscard]] std::string to_text(const KeyId& id);

struct VerifyingKey {
  KeyId id{};
  PublicKey key{};
  friend bool operator==(const VerifyingKey&, const VerifyingKey&) = default;
};
// A public key file (comment line, key line), or the key line alone ("RW..."). Error
// crypto.minisign_key.
[[nodiscard]] Result<VerifyingKey> parse_public_key(std::string_view text);
// "RW...", without a line end.
[[nodiscard]] std::string public_key_line(const VerifyingKey& key);
[[nodiscard]] std::string public_key_file(const VerifyingKey& key);

struct SignatureFile {
  KeyId key_id{};
  Signature signature{};
  // Printable; believed only once verify() is true.
  std::string trusted_comment;
  Signature global_signature{};
};
// Error crypto.minisign_signature: not four lines of this format, a legacy signature ("Ed", not
// prehashed), a comment that cannot be printed.
[[nodiscard]] Result<SignatureFile> parse_signature(std::string_view text);
// True if this key made the signature over `content`, and the trusted comment belongs to the
// signature.
[[nodiscard]] bool verify(const VerifyingKey& key, const SignatureFile& signature,
                          std::string_view content);

}  // namespace rabt::crypto::minisign
