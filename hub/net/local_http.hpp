#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "hub/base/json.hpp"
#include "hub/base/result.hpp"
#include "hub/net/http_client.hpp"

namespace rabt::net {

// A document of a consultation has at most 50 MiB.
inline constexpr std::size_t kMaxLocalAnswer = 64U << 20U;

// HTTP with a host that the caller trusts, such as the API of a hub on this machine: each call
// waits for its answer. Caller synchronises.
class LocalHttp {
 public:
  // unix_socket: every request goes to this socket, whatever its URL's host is. Empty for TCP.
  explicit LocalHttp(const std::string& unix_socket = {});
  ~LocalHttp();
  LocalHttp(LocalHttp&&) noexcept;

  // Returns every answer of at most kMaxLocalAnswer bytes, whatever its status. Error: unavailable
  // net.no_answer.
  [[nodiscard]] Result<Response> send(const std::string& method, const std::string& url,
                                      std::vector<std::pair<std::string, std::string>> headers = {},
                                      std::string body = {}, std::int64_t timeout_ms = 10'000);
  // Returns the JSON body of a 2xx answer. Errors: those of send, those of good_body, those of
  // Json::parse.
  [[nodiscard]] Result<Json> json(const std::string& method, const std::string& url,
                                  std::vector<std::pair<std::string, std::string>> headers = {},
                                  std::string body = {});

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// Returns the body of a 2xx answer. Error: unavailable, with the status, and with code and detail
// of the problem document that the answer holds; net.refused if it holds none.
[[nodiscard]] Result<std::string> good_body(Response response);

}  // namespace rabt::net
