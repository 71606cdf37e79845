#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "hub/base/bytes.hpp"
#include "hub/base/random.hpp"
#include "hub/base/result.hpp"
#include "hub/crypto/signature.hpp"

// Signs deliveries by Standard Webhooks 1.0.0, as their sender. hub/http/webhook_signature.hpp is
// the receiver.
namespace rabt::webhooks {

// One secret of a webhook: a shared one (whsec_, signature v1) or the private key of a pair (whsk_,
// signature v1a). Immutable, safe from any thread.
class SigningSecret {
 public:
  // whsec_ and base64 of 24 to 64 bytes, or whsk_ and base64 of an Ed25519 seed (32 bytes) or of a
  // seed with its public key (64 bytes). Errors: http.webhook_secret; the message holds nothing of
  // the secret.
  [[nodiscard]] static Result<SigningSecret> parse(std::string_view text);
  // A fresh one, as parse() takes it.
  [[nodiscard]] static std::string make_shared_text(Random& random);
  [[nodiscard]] static std::string make_key_text(Random& random);

  // "v1,..." or "v1a,...".
  [[nodiscard]] std::string sign(std::string_view message) const;
  // "whpk_..." of a pair; empty for a shared secret.
  [[nodiscard]] std::string public_key() const;

 private:
  SigningSecret() = default;
  SecretBytes shared_;
  // Null for a shared secret.
  std::unique_ptr<crypto::SigningKey> key_;
};

// The value of webhook-signature: one signature for each secret, with a space between them.
[[nodiscard]] std::string sign(const std::vector<SigningSecret>& secrets, std::string_view id,
                               std::int64_t timestamp, std::string_view body);

}  // namespace rabt::webhooks
