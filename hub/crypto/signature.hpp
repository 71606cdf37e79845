#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string_view>

#include "hub/base/bytes.hpp"
#include "hub/base/result.hpp"

// Ed25519 (RFC 8032, pure: no prehash, no context).
namespace rabt::crypto {

inline constexpr std::size_t kSeedBytes = 32;
using PublicKey = std::array<std::uint8_t, 32>;
using Signature = std::array<std::uint8_t, 64>;

// Immutable; any thread may call.
class SigningKey {
 public:
  // The private key is the 32-byte seed of RFC 8032 section 5.1.5; any other size stops the
  // process.
  explicit SigningKey(const SecretBytes& seed);
  ~SigningKey();
  SigningKey(SigningKey&&) noexcept;
  SigningKey& operator=(SigningKey&&) noexcept;

  [[nodiscard]] const PublicKey& public_key() const { return public_key_; }
  [[nodiscard]] Signature sign(std::string_view message) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
  PublicKey public_key_{};
};

// RFC 8032 section 5.1.7, without the cofactor. Strict: a key or signature of another size, an S
// that is not below the order of the group, a key that is not the one encoding of its point, and a
// key of small order (which would accept one signature for many messages) are refused.
[[nodiscard]] bool verify_ed25519(ByteView public_key, std::string_view message,
                                  ByteView signature);

}  // namespace rabt::crypto
