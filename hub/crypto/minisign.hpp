#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "hub/base/bytes.hpp"
#include "hub/base/random.hpp"
#include "hub/base/result.hpp"
#include "hub/crypto/signature.hpp"

// Keys and detached signatures as the program minisign writes and reads them
// (https://jedisct1.github.io/minisign/, "Signature format", "Public key format", "Secret key
// format"). Only prehashed signatures ("ED": Ed25519 over BLAKE2b-512 of the file).
namespace rabt::crypto::minisign {

inline constexpr std::size_t kMaxFileBytes = 16U << 10U;  // comments have at most 1 and 8 KiB
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
[[nodiscard]] std::string public_key_line(const VerifyingKey& key);  // "RW...", no line end
[[nodiscard]] std::string public_key_file(const VerifyingKey& key);

struct SignatureFile {
  KeyId key_id{};
  Signature signature{};
  std::string trusted_comment;  // printable; believed only once verify() is ok
  Signature global_signature{};
};
// Error crypto.minisign_signature: not four lines of this format, a legacy signature ("Ed", not
// prehashed), a comment that cannot be printed.
[[nodiscard]] Result<SignatureFile> parse_signature(std::string_view text);
// Whether the signature is this key's, over these bytes, and the trusted comment belongs to it.
[[nodiscard]] bool verify(const VerifyingKey& key, const SignatureFile& signature,
                          std::string_view content);

// Immutable; any thread may call.
class SecretKey {
 public:
  [[nodiscard]] static SecretKey generate(Random& random);
  // Asked for the password only when the file is encrypted (scrypt: seconds, and up to 1 GiB of
  // memory). Errors: crypto.minisign_key (malformed, too costly), crypto.minisign_password (wrong
  // one).
  using Password = std::function<Result<SecretBytes>()>;
  [[nodiscard]] static Result<SecretKey> parse(std::string_view text, const Password& password);
  // The secret key file. Encrypted unless the password is empty (as with minisign -W). Error
  // crypto.minisign_memory: scrypt found not enough.
  [[nodiscard]] Result<SecretBytes> file(const SecretBytes& password, Random& random) const;

  [[nodiscard]] const VerifyingKey& verifying_key() const { return public_; }
  // The signature file over these bytes. Comments: one printable line each; the trusted one at most
  // kMaxTrustedCommentBytes (checked: stops the process).
  [[nodiscard]] std::string sign(std::string_view content, std::string_view untrusted_comment,
                                 std::string_view trusted_comment) const;

 private:
  SecretKey(const KeyId& id, SecretBytes seed);
  SecretBytes seed_;
  SigningKey key_;
  VerifyingKey public_;
};

}  // namespace rabt::crypto::minisign
