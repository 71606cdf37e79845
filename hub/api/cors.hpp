#pragma once

#include <optional>
#include <string>
#include <vector>

#include "hub/http/server.hpp"

namespace rabt::api {

// Which pages of other origins may call /api/v1 (Cross-Origin Resource Sharing, WHATWG Fetch). An
// origin matches letter by letter. Cookies never count there: such a page shows a token, and
// Access-Control-Allow-Credentials is never sent. Immutable, any thread.
class Cors {
 public:
  // No page of another origin may call.
  Cors() = default;
  explicit Cors(std::vector<std::string> origins) : origins_(std::move(origins)) {}

  // True if some origin may call the path of the request.
  [[nodiscard]] bool covers(const http::Request& head) const;
  // The answer to a browser that asks before it calls. It is the same for every path, since
  // strangers do not learn which ones there are. Nothing when the request asks something else.
  [[nodiscard]] std::optional<http::Response> preflight(const http::Request& head) const;
  // Adds what lets the page read the answer, once.
  void allow(const http::Request& head, http::Response& response) const;

 private:
  [[nodiscard]] bool is_allowed(const http::Request& head) const;

  std::vector<std::string> origins_;
};

}  // namespace rabt::api
