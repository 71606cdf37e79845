#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "hub/base/bytes.hpp"
#include "hub/base/random.hpp"
#include "hub/base/result.hpp"

// The only folder that includes OpenSSL. One wrapper fixes IV 12 and tag 16, zeroes outputs first
// and checks every return code.
namespace rabt::crypto {

using Digest = std::array<std::uint8_t, 32>;

[[nodiscard]] Digest sha256(std::string_view data);
// Its 32 bytes as a text, as a database keeps them.
[[nodiscard]] inline std::string sha256_bytes(std::string_view data) {
  return std::string(as_text(sha256(data)));
}
// Incremental SHA-256.
class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(Sha256&&) noexcept;
  Sha256& operator=(Sha256&&) noexcept;
  void update(std::string_view data);
  [[nodiscard]] Digest finish();  // once

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// 20 bytes; only where a format demands it: the handshake of WebSockets (RFC 6455 section 4.2.2),
// Attachment.hash of FHIR R4.
[[nodiscard]] Bytes sha1(std::string_view data);

[[nodiscard]] Bytes hmac_sha256(ByteView key, std::string_view data);  // 32 bytes
[[nodiscard]] Bytes hmac_sha1(
    ByteView key, std::string_view data);  // 20 bytes; only for vendors' webhook signatures
[[nodiscard]] SecretBytes hkdf_sha256(ByteView key, std::string_view salt, std::string_view info,
                                      std::size_t size);

// A compact JWT (RFC 7515). algorithm: HS256 (key = secret bytes), RS256, PS256, ES256, RS384 or
// ES384 (key = PEM private key; ES256 and ES384 as raw r||s). header_json and claims_json are
// objects; alg is added. Error crypto.jwt.
[[nodiscard]] Result<std::string> sign_jwt(ByteView key, std::string_view algorithm,
                                           std::string_view header_json,
                                           std::string_view claims_json);
[[nodiscard]] std::string base64url(ByteView bytes);  // no padding

}  // namespace rabt::crypto
