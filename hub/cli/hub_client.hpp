#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "hub/base/json.hpp"
#include "hub/base/result.hpp"
#include "hub/net/http_client.hpp"

namespace rabt::cli {

// One HTTP exchange after the other, with hosts of this machine: a hub's API, the stand-ins. Not
// thread-safe.
class LocalHttp {
 public:
  LocalHttp();
  ~LocalHttp();
  // Any answer is ok; no answer is unavailable cli.no_answer.
  [[nodiscard]] Result<net::Response> send(
      const std::string& method, const std::string& url,
      std::vector<std::pair<std::string, std::string>> headers = {}, std::string body = {},
      std::int64_t timeout_ms = 10'000);
  // A 2xx with a JSON body, else an error with the problem's detail.
  [[nodiscard]] Result<Json> json(const std::string& method, const std::string& url,
                                  std::vector<std::pair<std::string, std::string>> headers = {},
                                  std::string body = {});

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// The API of a running hub.
class HubClient {
 public:
  HubClient(std::string url, std::string token) : url_(std::move(url)), token_(std::move(token)) {}
  [[nodiscard]] Result<Json> get(std::string_view path, std::string_view reason = {});

 private:
  LocalHttp http_;
  std::string url_;
  std::string token_;
};

}  // namespace rabt::cli
