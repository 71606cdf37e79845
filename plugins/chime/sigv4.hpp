#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

// AWS Signature Version 4 with an Authorization header. Pure: no clock, no I/O. Immutable values.
namespace rabt::chime {

// 32 bytes.
[[nodiscard]] std::string sha256(std::string_view text);
[[nodiscard]] std::string hmac_sha256(std::string_view key, std::string_view text);
[[nodiscard]] std::string hex(std::string_view bytes);

struct SigningKey {
  std::string access_key_id;
  std::string secret;
  std::string region;
  // Service that the signature is for: "chime", "s3".
  std::string service;
};

struct SignedHeader {
  std::string name;
  std::string value;
};

// A request as it will be sent.
struct SigningRequest {
  std::string method;
  // Path and query as they stand in the request line, percent-encoded.
  std::string target;
  // All headers that are signed, in the order they are sent; names in any case. Host must be there.
  std::vector<SignedHeader> headers;
  // Hex SHA-256 of the body.
  std::string payload_hash;
  // "20150830T123600Z"
  std::string time;
};

// The steps, each made of the one before. S3 alone takes the path as it is; for every other service
// it is normalised and encoded once more.
[[nodiscard]] std::string canonical_request(const SigningRequest& request,
                                            std::string_view service);
[[nodiscard]] std::string string_to_sign(const SigningRequest& request, const SigningKey& key);
// The value of the Authorization header.
[[nodiscard]] std::string authorization(const SigningRequest& request, const SigningKey& key);

}  // namespace rabt::chime
