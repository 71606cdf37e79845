#include "hub/api/cors.hpp"

#include <algorithm>

namespace rabt::api {

namespace {

// True if the answer has passed here.
bool is_done(const http::Response& response) {
  return std::any_of(response.headers.begin(), response.headers.end(),
                     [](const auto& one) { return one.first == "Vary" && one.second == "Origin"; });
}

}  // namespace

bool Cors::covers(const http::Request& head) const {
  return !origins_.empty() && head.path.starts_with("/api/v1/");
}

bool Cors::is_allowed(const http::Request& head) const {
  const auto origin = head.only_header("origin");
  return origin && std::find(origins_.begin(), origins_.end(), *origin) != origins_.end();
}

std::optional<http::Response> Cors::preflight(const http::Request& head) const {
  if (head.method != "OPTIONS" || head.header("access-control-request-method").empty())
    return std::nullopt;
  http::Response response{.status = 204};
  allow(head, response);
  if (!is_allowed(head)) return response;
  response.headers.emplace_back("Access-Control-Allow-Methods", "GET, POST, PUT, PATCH, DELETE");
  response.headers.emplace_back(
      "Access-Control-Allow-Headers",
      "Authorization, Content-Type, Idempotency-Key, If-Match, Last-Event-ID, Range, traceparent, "
      "X-Rabt-Device, X-Rabt-Purpose, X-Rabt-Reason, X-Request-Id");
  response.headers.emplace_back("Access-Control-Max-Age", "600");
  return response;
}

void Cors::allow(const http::Request& head, http::Response& response) const {
  if (is_done(response)) return;
  response.headers.emplace_back("Vary", "Origin");
  if (!is_allowed(head)) return;
  response.headers.emplace_back("Access-Control-Allow-Origin", *head.only_header("origin"));
  response.headers.emplace_back(
      "Access-Control-Expose-Headers",
      "Content-Disposition, Content-Range, ETag, Location, RateLimit, RateLimit-Policy, "
      "Retry-After, WWW-Authenticate, X-Rabt-Next, X-Request-Id");
}

}  // namespace rabt::api
