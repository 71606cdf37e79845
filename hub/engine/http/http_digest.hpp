#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

// HTTP Digest authentication (RFC 7616), client side: SHA-256 and MD5, their -sess forms, qop auth
// or none, userhash. Not: auth-int, which would make the answer depend on a body that is on its
// way.
namespace rabt::engine {

// One challenge of WWW-Authenticate. Names and the scheme in lower case.
struct HttpChallenge {
  std::string scheme;
  std::vector<std::pair<std::string, std::string>> parameters;
  [[nodiscard]] std::string_view get(std::string_view name) const;
};
// Every challenge of one field value (RFC 9110 section 11.6.1). What cannot be read is left out.
[[nodiscard]] std::vector<HttpChallenge> parse_challenges(std::string_view value);

// The strongest Digest challenge that can be answered; nullptr when there is none.
[[nodiscard]] const HttpChallenge* choose_digest(const std::vector<HttpChallenge>& challenges);

// The value of Authorization. uri: the request target as it is sent. client_nonce: unpredictable,
// without quotes. The challenge came from choose_digest; it is used for one request (nc is 1).
[[nodiscard]] std::string digest_authorization(const HttpChallenge& challenge,
                                               std::string_view method, std::string_view uri,
                                               std::string_view username, std::string_view password,
                                               std::string_view client_nonce);

}  // namespace rabt::engine
