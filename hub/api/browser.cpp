#include "hub/api/browser.hpp"

#include <algorithm>

#include "hub/base/ascii.hpp"
#include "hub/identity/authenticator.hpp"
#include "hub/identity/people.hpp"

namespace rabt::api {

namespace {

constexpr std::size_t kMaxPath = 2'000;

Error refused(std::string_view why) {
  return denied("csrf.refused", std::string(why) +
                                    "; a browser's session is for pages of this hub: programs sign "
                                    "in without `cookie` and send `Authorization: Bearer ...`");
}

bool is_json(std::string_view type) {
  const std::string folded = lower(trim(type.substr(0, type.find(';'))));
  return folded == "application/json" || folded == "application/merge-patch+json";
}

constexpr std::string_view kSessions = "/api/v1/sessions/";

}  // namespace

identity::GuestProof visit_of(const http::Request& request, std::string_view session) {
  const auto id = identity::ulid_of(session);
  if (!id) return {};
  auto held = cookie(request, std::string(kVisitCookie) + *id);
  if (!held.ok() || !*held) return {};
  return {.session = *id, .secret = **std::move(held)};
}

identity::GuestProof visit_of(const http::Request& request) {
  const std::string_view path = request.path;
  if (!path.starts_with("/api/v1/")) return {};
  if (path.starts_with(kSessions)) {
    const std::string_view rest = path.substr(kSessions.size());
    return visit_of(request, rest.substr(0, rest.find('/')));
  }
  // A browser may hold several visits; its page says which one it shows.
  if (const auto named = request.only_header(kVisitHeader); named) return visit_of(request, *named);
  const std::string_view all = request.header("cookie");
  const auto at = all.find(kVisitCookie);
  if (at == std::string_view::npos) return {};
  const std::string_view rest = all.substr(at + kVisitCookie.size());
  return visit_of(request, rest.substr(0, rest.find('=')));
}

std::string visit_cookie(const identity::GuestProof& proof) {
  return std::string(kVisitCookie) + proof.session + "=" + proof.secret +
         "; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age=31536000";
}

Result<std::optional<std::string>> cookie(const http::Request& request, std::string_view name) {
  if (request.header("cookie").empty()) return std::optional<std::string>{};
  const auto header = request.only_header("cookie");
  if (!header) return identity::unauthenticated();
  std::optional<std::string> found;
  std::string_view rest = *header;
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find(';'), rest.size());
    const std::string_view pair = trim(rest.substr(0, end));
    rest.remove_prefix(std::min(end + 1, rest.size()));
    const auto equals = pair.find('=');
    if (equals == std::string_view::npos || trim(pair.substr(0, equals)) != name) continue;
    if (found) return identity::unauthenticated();
    found = std::string(trim(pair.substr(equals + 1)));
  }
  return found;
}

std::string set_cookie(std::string_view name, std::string_view value) {
  return std::string(name) + "=" + std::string(value) + "; Path=/; Secure; HttpOnly; SameSite=Lax";
}

std::string keep_cookie(std::string_view name, std::string_view value) {
  return set_cookie(name, value) + "; Max-Age=31536000";
}

std::string end_cookie(std::string_view name) {
  return set_cookie(name, "") + "; Max-Age=0";
}

std::string origin_of(std::string_view url) {
  const auto host = url.find("://");
  if (host == std::string_view::npos) return {};
  return std::string(url.substr(0, url.find('/', host + 3)));
}

Status check_browser(const http::Request& request, std::string_view origin) {
  const auto from = request.only_header("origin");
  const bool own_origin = from && !origin.empty() && *from == origin;
  if (!request.header("upgrade").empty()) {
    if (own_origin) return ok_status();
    return refused("a WebSocket with a cookie is opened by a page of the hub only");
  }
  if (request.method == "GET" || request.method == "HEAD") return ok_status();
  if (origin.empty()) return refused("server.public_url is not set");
  const std::string_view site = request.header("sec-fetch-site");
  const bool own =
      site.empty() ? own_origin : request.only_header("sec-fetch-site") == "same-origin";
  if (!own) return refused("the request does not come from a page of the hub");
  const bool no_body = request.length == 0;
  const std::string_view type = request.header("content-type");
  if (type.empty() ? no_body : is_json(type)) return ok_status();
  return refused("the body must be JSON");
}

bool is_own_path(std::string_view address) {
  if (address.empty() || address.size() > kMaxPath || address.front() != '/') return false;
  if (address.size() > 1 && (address[1] == '/' || address[1] == '\\')) return false;
  return std::all_of(address.begin(), address.end(),
                     [](char c) { return c > ' ' && c < 0x7f && c != '\\'; });
}

}  // namespace rabt::api
