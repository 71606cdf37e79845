#include "hub/http/webhook_signature.hpp"

#include <algorithm>
#include <array>

#include "hub/crypto/crypto.hpp"
#include "tests/fuzz/input.hpp"

namespace {

using namespace rabt;

constexpr std::string_view kSecret = "a secret of the fuzz target, 32+";

http::SignatureConfig config_of(http::SignatureScheme scheme) {
  http::SignatureConfig config;
  config.scheme = scheme;
  config.secrets.emplace_back(kSecret);
  config.public_url = "https://hub.example.sa";
  return config;
}

}  // namespace

// Input: scheme byte, whether to sign it rightly, then target, id, time stamp, signature, content
// type and body between NULs.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr std::array kSchemes{http::SignatureScheme::standard_webhooks,
                                http::SignatureScheme::twilio, http::SignatureScheme::static_token};
  if (size < 2) return 0;
  const auto scheme = kSchemes[data[0] % kSchemes.size()];
  const bool sign = data[1] % 2 == 1;
  const auto given = fuzz::parts(fuzz::text(data + 2, size - 2), 6);
  const Timestamp now{1'773'000'000'000};

  http::Request request{.method = "POST", .target = "/" + std::string(given[0]), .path = "/"};
  request.body = given[5];
  std::string signature(given[3]);
  const auto secret = as_bytes(kSecret);
  const std::string content =
      std::string(given[1]) + "." + std::string(given[2]) + "." + request.body;
  const std::string right = "v1," + to_base64(crypto::hmac_sha256(secret, content));
  if (sign) {
    if (scheme == http::SignatureScheme::standard_webhooks) signature = right;
    if (scheme == http::SignatureScheme::twilio) {
      signature = to_base64(crypto::hmac_sha1(secret, "https://hub.example.sa" + request.target));
    }
    if (scheme == http::SignatureScheme::static_token) signature = "Bearer " + std::string(kSecret);
  }
  request.headers = {
      {"webhook-id", std::string(given[1])}, {"webhook-timestamp", std::string(given[2])},
      {"webhook-signature", signature},      {"x-twilio-signature", signature},
      {"authorization", signature},          {"content-type", std::string(given[4])}};
  const auto verified = http::verify(config_of(scheme), request, now);
  if (!verified.ok()) {
    fuzz::require(
        verified.error().code == "http.signature" && verified.error().kind == ErrorKind::denied,
        "every refusal is the same to the caller");
    fuzz::require(verified.error().message.find(kSecret) == std::string::npos,
                  "a message never holds the secret");
    if (sign && scheme == http::SignatureScheme::twilio && request.body.empty()) {
      fuzz::require(false, "what was signed rightly is accepted");
    }
    return 0;
  }
  fuzz::require(!verified->dedupe_id.empty(), "every delivery has an id");
  if (scheme == http::SignatureScheme::standard_webhooks) {
    fuzz::require((" " + signature + " ").find(" " + right + " ") != std::string::npos,
                  "only the right signature is accepted");
    fuzz::require(verified->id_from_sender && verified->dedupe_id == given[1],
                  "the id is the signed one");
  }
  // A change of the body is a change of the message.
  request.body.push_back('x');
  const auto changed = http::verify(config_of(scheme), request, now);
  if (scheme == http::SignatureScheme::static_token) {
    fuzz::require(changed.ok() && changed->dedupe_id != verified->dedupe_id,
                  "another body has another id");
  } else {
    fuzz::require(!changed.ok(), "a changed body is refused");
  }
  return 0;
}
