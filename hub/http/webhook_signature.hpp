#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "hub/base/bytes.hpp"
#include "hub/base/clock.hpp"
#include "hub/base/result.hpp"
#include "hub/http/server.hpp"

// Verifies the sender of a delivery, before the body is parsed. Twilio's form is parsed first, as
// its scheme signs it pair by pair, and SNS's message, of which some members are signed.
namespace rabt::http {

enum class SignatureScheme : std::uint8_t {
  // Standard Webhooks 1.0.0, symmetric: webhook-id, webhook-timestamp, webhook-signature (v1).
  standard_webhooks,
  // X-Twilio-Signature: HMAC-SHA-1 over the public URL and the sorted form, or bodySHA256 in the
  // URL.
  twilio,
  // A shared secret in a header.
  static_token,
  // Amazon SNS: sns_signature.hpp.
  sns,
  // An HMAC-SHA-256 in a header, in the form that HmacForm says.
  hmac,
  // User and password (RFC 7617), for old systems in a private network.
  basic,
  // A JSON Web Token of an issuer in "Authorization: Bearer <token>" (RFC 7519, RFC 6750).
  jwt,
};

// Form and coverage of a sender's HMAC.
struct HmacForm {
  // Hexadecimal digits in any case, or base64 with padding.
  bool base64 = false;
  // Stands before the signature, as "sha256=". Left out of `element`.
  std::string prefix{};
  // Signed text, with {body} once, and with {timestamp} at most once.
  std::string content = "{body}";
  // The header with the seconds since 1970 that {timestamp} stands for. With `element`: the name of
  // the element.
  std::string timestamp{};
  // The header is a list "t=1700000000,v1=...": the signatures are the elements of this name.
  std::string element{};
};

struct SignatureConfig {
  SignatureScheme scheme = SignatureScheme::standard_webhooks;
  // Any of the secrets may match: the old and the new one while a sender changes over.
  // standard_webhooks: from parse_whsec; twilio: the account's auth token; static_token: the token;
  // hmac: the key; basic: the password.
  std::vector<SecretBytes> secrets{};
  // basic: the user.
  std::string user{};
  // twilio: scheme, host and path prefix as the sender sees them, without a slash at the end
  // ("https://hub.example.sa"). The request's target is appended; forwarded headers are never
  // believed.
  std::string public_url{};
  // static_token: the header that holds the token. In "authorization" (any case) it stands as
  // "Bearer <token>", or as the password of "Basic". hmac: the header that holds the signature.
  std::string proof_header = "authorization";
  HmacForm hmac{};
  // sns: ARNs of the topics that are listened to.
  std::vector<std::string> topics{};
  // sns: replaces https://sns.<region>.amazonaws.com, for a stand-in; without a slash at the end.
  std::string sns_endpoint{};
  // sns: the body of an answer with 200 to a GET. Blocks. Asked for addresses of SNS only.
  std::function<Result<std::string>(const std::string& url)> fetch{};
  // jwt: judges a token. Errors: denied, why it does not hold; unavailable, the keys of the issuer
  // cannot be had now. The messages hold nothing of the token.
  std::function<Status(std::string_view token)> judge_token{};
  // jwt: judging may wait for another machine, which has the keys.
  bool asks_issuer = false;
};

// "whsec_" and base64 of 24 to 64 bytes. Error http.webhook_secret; the message holds nothing of
// the secret.
[[nodiscard]] Result<SecretBytes> parse_whsec(std::string_view text);

// For start-up: what is missing or weak in a configuration. Error http.webhook_config.
[[nodiscard]] Status check(const SignatureConfig& config);

// Id of a delivery whose sender gives none: SHA-256 of target and body, in hex.
[[nodiscard]] std::string digest_id(const Request& request);

struct Verified {
  // The same for repeats of one delivery: webhook-id, or else the SHA-256 of target and body,
  // because nothing more of the request is signed.
  std::string dedupe_id;
  bool id_from_sender = false;
  // sns: the address that confirms a subscription, when the delivery asks for it.
  std::string confirm_url{};
};

// Headers with which a sender proves a delivery under the first secret: for who tries a source. The
// id stands in those of standard_webhooks alone. Errors: those of check(); invalid http.unsigned: a
// delivery of Twilio or SNS, and a token of an issuer, is signed by them alone.
[[nodiscard]] Result<std::vector<std::pair<std::string, std::string>>> sign(
    const SignatureConfig& config, std::string_view body, std::string_view id, Timestamp now);

inline constexpr std::size_t kMinTokenBytes = 16;        // shorter static tokens can be guessed
inline constexpr std::size_t kMinPasswordBytes = 8;      // old systems take no longer ones
inline constexpr std::size_t kMaxSignatureEntries = 16;  // in one webhook-signature header
inline constexpr std::size_t kMaxWebhookId = 256;

// Errors: denied http.signature, whose message is for the operator's log: callers get 401 without
// detail (problem()); unavailable: sns, jwt: what proves the sender cannot be fetched now. All
// comparisons take the same time whatever the content. standard_webhooks: a
// timestamp more than limits::kWebhookTolerance away from now is denied.
[[nodiscard]] Result<Verified> verify(const SignatureConfig& config, const Request& request,
                                      Timestamp now);

}  // namespace rabt::http
