#include "hub/webhooks/signing.hpp"

#include "hub/crypto/crypto.hpp"
#include "hub/http/webhook_signature.hpp"

namespace rabt::webhooks {

namespace {

constexpr std::string_view kKeyPrefix = "whsk_";
constexpr std::string_view kPublicPrefix = "whpk_";
constexpr std::string_view kSharedPrefix = "whsec_";
constexpr std::size_t kSharedBytes = 32;

std::string fresh(std::string_view prefix, std::size_t size, Random& random) {
  SecretBytes bytes = SecretBytes::of_size(size);
  random.fill(bytes.fill());
  return std::string(prefix) + to_base64(bytes.expose());
}

}  // namespace

Result<SigningSecret> SigningSecret::parse(std::string_view text) {
  SigningSecret secret;
  if (!text.starts_with(kKeyPrefix)) {
    RABT_TRY(shared, http::parse_whsec(text));
    secret.shared_ = std::move(shared);
    return secret;
  }
  auto bytes = from_base64(text.substr(kKeyPrefix.size()));
  if (!bytes || (bytes->size() != crypto::kSeedBytes && bytes->size() != 2 * crypto::kSeedBytes))
    return invalid("http.webhook_secret",
                   "what follows whsk_ must be base64 of an Ed25519 key of 32 or 64 bytes");
  const SecretBytes all(std::move(*bytes));
  const SecretBytes seed(all.expose_text().substr(0, crypto::kSeedBytes));
  secret.key_ = std::make_unique<crypto::SigningKey>(seed);
  const std::string_view given = all.expose_text().substr(crypto::kSeedBytes);
  if (!given.empty() && given != as_text(secret.key_->public_key()))
    return invalid("http.webhook_secret", "the two halves of the whsk_ key do not belong together");
  return secret;
}

std::string SigningSecret::make_shared_text(Random& random) {
  return fresh(kSharedPrefix, kSharedBytes, random);
}

std::string SigningSecret::make_key_text(Random& random) {
  return fresh(kKeyPrefix, crypto::kSeedBytes, random);
}

std::string SigningSecret::sign(std::string_view message) const {
  if (key_ != nullptr) return "v1a," + to_base64(key_->sign(message));
  return "v1," + to_base64(crypto::hmac_sha256(shared_.expose(), message));
}

std::string SigningSecret::public_key() const {
  if (key_ == nullptr) return {};
  return std::string(kPublicPrefix) + to_base64(key_->public_key());
}

std::string sign(const std::vector<SigningSecret>& secrets, std::string_view id,
                 std::int64_t timestamp, std::string_view body) {
  std::string message;
  message.append(id).append(".").append(std::to_string(timestamp)).append(".").append(body);
  std::string out;
  for (const SigningSecret& secret : secrets)
    out.append(out.empty() ? "" : " ").append(secret.sign(message));
  return out;
}

}  // namespace rabt::webhooks
