#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "hub/base/bytes.hpp"
#include "hub/base/json.hpp"
#include "hub/base/result.hpp"

// Verification of JSON Web Signatures in compact form (RFC 7515). Nothing is encrypted here: a
// token with five parts is refused before any work.
namespace rabt::crypto {

// RFC 4648 section 5 without padding, in its one way of writing.
[[nodiscard]] std::optional<Bytes> from_base64url(std::string_view text);

// Content of a token before it is verified: only for finding its key.
struct Jws {
  std::string algorithm;
  std::string key_id;
  // As it is written: "JWT", "at+jwt".
  std::string type;
  std::string payload;
  std::string signing_input;
  Bytes signature;
};

// Takes the token apart. Refused are: more than max_bytes; anything but three parts of base64url in
// its one way of writing (no padding, no white space, no bits beyond the last byte); a header that
// is no JSON object, or names a member twice; a `crit` member, and keys or addresses of keys (jwk,
// jku, x5u, x5c); a `kid` beyond 256 bytes. Error invalid crypto.jws.
[[nodiscard]] Result<Jws> read_jws(std::string_view token, std::size_t max_bytes);

// A key that signatures are verified with, and the algorithms that it may be used with: a token's
// header never decides about that. Known are HS256; RS256, PS256, RS384, PS384, RS512, PS512 with
// RSA keys of 2048 to 8192 bits; ES256, ES384, ES512 with their curves; EdDSA with Ed25519.
// Immutable; any thread may call.
class JwsKey {
 public:
  // For HS256. The secret outlives nothing: it is copied.
  [[nodiscard]] static JwsKey shared(const SecretBytes& secret);
  // A public key (RFC 7517). algorithms: which are wanted; those that the kind of key, its `alg`
  // and its `use` allow are taken. Errors invalid crypto.jwk: unfit for all of them; a private
  // key; too short, too long, even exponent or one that is no larger than 65536; not on its curve.
  [[nodiscard]] static Result<JwsKey> from_jwk(const Json& jwk,
                                               const std::vector<std::string>& algorithms);
  ~JwsKey();
  JwsKey(JwsKey&&) noexcept;

  // May be empty.
  [[nodiscard]] const std::string& id() const;
  // True if this key made the signature, with an algorithm that it may be used with.
  [[nodiscard]] bool verifies(const Jws& jws) const;

 private:
  struct State;
  explicit JwsKey(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

// An ECDSA signature in DER, as WebAuthn and X.509 write it, in the form of a JWS: r | s, each of
// `half` bytes. Nothing when it is not the one encoding of two numbers that fit.
[[nodiscard]] std::optional<Bytes> signature_of_der(ByteView der, std::size_t half);

}  // namespace rabt::crypto
