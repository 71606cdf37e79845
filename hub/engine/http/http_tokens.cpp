#include <algorithm>
#include <array>
#include <optional>

#include "hub/base/ascii.hpp"
#include "hub/base/uri.hpp"
#include "hub/crypto/crypto.hpp"
#include "hub/engine/http/http_state.hpp"
#include "hub/workflow/run/openapi.hpp"

// Tokens of OAuth 2.0 and OpenID Connect: kept, found, asked for.
namespace rabt::engine {

namespace {

using workflow::OutcomeKind;

// A token that ends while the request is on its way would be refused there.
constexpr std::int64_t kTokenMarginMs = 30'000;
// A revoked token is not kept for ever.
constexpr std::int64_t kMaxTokenLifeMs = 24LL * 3'600'000;
// Discovery is repeated after this time, because token endpoints may move.
constexpr std::int64_t kDiscoveryLifeMs = 10LL * 60'000;
constexpr std::size_t kMaxTokenAnswer = 64U << 10U;
constexpr std::string_view kDiscoveryPath = "/.well-known/openid-configuration";

std::string joined(const Json& list) {
  std::string out;
  for (std::size_t i = 0; i < list.size(); ++i) {
    if (!list[i].is_string()) continue;
    out += (out.empty() ? "" : " ") + list[i].as_string();
  }
  return out;
}

// The issuer that a JWT names, unverified. nullopt if the token is no JWT.
std::optional<std::string> issuer_of(std::string_view token) {
  const std::size_t first = token.find('.');
  const std::size_t second = first == std::string_view::npos ? first : token.find('.', first + 1);
  if (second == std::string_view::npos) return std::nullopt;
  std::string payload(token.substr(first + 1, second - first - 1));
  std::replace(payload.begin(), payload.end(), '-', '+');
  std::replace(payload.begin(), payload.end(), '_', '/');
  payload.append((4 - payload.size() % 4) % 4, '=');
  const std::optional<Bytes> bytes = from_base64(payload);
  if (!bytes.has_value()) return std::nullopt;
  const Result<Json> claims = Json::parse(as_text(*bytes));
  if (!claims.ok() || !claims.value()["iss"].is_string()) return std::nullopt;
  return claims.value()["iss"].as_string();
}

// An OAuth error code of RFC 6749, sections 4.1.2.1 and 5.2, as a suffix; nothing else that a
// server may write there.
std::string oauth_error(const Json& answer) {
  constexpr std::array<std::string_view, 10> kCodes = {
      "invalid_request",        "invalid_client",
      "invalid_grant",          "unauthorized_client",
      "unsupported_grant_type", "invalid_scope",
      "access_denied",          "unsupported_response_type",
      "server_error",           "temporarily_unavailable"};
  const std::string code = answer.string_or("error", "");
  const bool standard = std::find(kCodes.begin(), kCodes.end(), code) != kCodes.end();
  return standard ? " (" + code + ")" : std::string();
}

}  // namespace

void HttpCalls::State::get_token(const CallPtr& call) {
  const std::int64_t now = clock.monotonic_ms();
  if (call->cache_key.empty()) {
    const crypto::Digest digest = crypto::sha256(call->scheme + call->settings.dump_sorted());
    call->cache_key = to_hex(ByteView(digest));
  }
  std::string endpoint;
  {
    const Lock lock(mutex);
    const auto token = tokens.find(call->cache_key);
    if (token != tokens.end() && token->second.until > now) {
      call->authorization = "Bearer " + std::string(token->second.token.expose_text());
      call->token_from_cache = true;
    } else if (call->scheme == "oidc") {
      const auto found = endpoints.find(discovery_of(*call));
      if (found != endpoints.end() && found->second.until > now) endpoint = found->second.uri;
    }
  }
  if (call->token_from_cache) return send(call);
  if (call->scheme == "oauth2") {
    std::string path = call->settings["endpoints"].string_or("token", "/oauth2/token");
    if (path.find("://") != std::string::npos) return ask_token(call, path);
    std::string authority = call->settings.string_or("authority", "");
    while (authority.ends_with('/')) authority.pop_back();
    if (!path.starts_with('/')) path.insert(0, "/");
    return ask_token(call, authority + path);
  }
  if (!endpoint.empty()) return ask_token(call, endpoint);
  net::Request request;
  request.url = discovery_of(*call);
  request.headers.emplace_back("Accept", "application/json");
  request.max_response_bytes = kMaxTokenAnswer;
  exchange(call, std::move(request), &State::discovered);
}

std::string HttpCalls::State::discovery_of(const Call& call) {
  std::string authority = call.settings.string_or("authority", "");
  if (authority.ends_with(kDiscoveryPath)) return authority;
  while (authority.ends_with('/')) authority.pop_back();
  return authority + std::string(kDiscoveryPath);
}

void HttpCalls::State::no_credentials(const CallPtr& call, const std::string& url,
                                      const std::string& what) {
  finish(call, call->effect_possible ? OutcomeKind::ambiguous : OutcomeKind::permanent,
         "http.authentication", what, origin_of(url) + ": " + what, 401);
}

bool HttpCalls::State::refused(const CallPtr& call, const net::Response& response,
                               const std::string& url, std::string_view who) {
  if (!response.error_code.empty()) {
    failed(call, response, true);
    return true;
  }
  if (response.status >= 200 && response.status < 300) return false;
  const std::string what = std::string(who) + " answered " + std::to_string(response.status);
  if (response.status >= 500 || response.status == 429 || response.status == 408) {
    finish(call, call->effect_possible ? OutcomeKind::ambiguous : OutcomeKind::transient,
           "http.token_unavailable", what, origin_of(url) + ": " + what);
    return true;
  }
  const Result<Json> answer = Json::parse(response.body);
  no_credentials(call, url, what + (answer.ok() ? oauth_error(answer.value()) : std::string()));
  return true;
}

void HttpCalls::State::discovered(const CallPtr& call, const net::Response& response) {
  const std::string url = discovery_of(*call);
  if (refused(call, response, url, "OpenID discovery")) return;
  const Result<Json> found = Json::parse(response.body);
  const std::string endpoint =
      found.ok() ? found.value().string_or("token_endpoint", "") : std::string();
  if (endpoint.empty())
    return no_credentials(call, url, "OpenID discovery names no token endpoint");
  // OpenID Connect Discovery 1.0 section 4.3: or anybody could speak for another issuer.
  std::string issuer = found.value().string_or("issuer", "");
  std::string expected = url.substr(0, url.size() - kDiscoveryPath.size());
  while (issuer.ends_with('/')) issuer.pop_back();
  while (expected.ends_with('/')) expected.pop_back();
  if (issuer != expected)
    return no_credentials(call, url, "OpenID discovery speaks for another issuer");
  {
    const Lock lock(mutex);
    if (endpoints.size() >= limits::kMaxCachedTokens) endpoints.clear();
    endpoints[url] = {endpoint, clock.monotonic_ms() + kDiscoveryLifeMs};
  }
  ask_token(call, endpoint);
}

void HttpCalls::State::ask_token(const CallPtr& call, const std::string& url) {
  const Json& settings = call->settings;
  const Json& client_settings = settings["client"];
  const std::string id = client_settings.string_or("id", "");
  const std::string secret = client_settings.string_or("secret", "");
  const std::string how = client_settings.string_or("authentication", "client_secret_post");
  Json form = Json::object({{"grant_type", settings["grant"]}});
  if (settings.string_or("grant", "") == "password") {
    form.set("username", settings["username"]);
    form.set("password", settings["password"]);
  }
  if (const std::string scopes = joined(settings["scopes"]); !scopes.empty())
    form.set("scope", scopes);
  if (const std::string audiences = joined(settings["audiences"]); !audiences.empty())
    form.set("audience", audiences);
  net::Request request;
  request.method = "POST";
  request.url = url;
  request.headers.emplace_back("Accept", "application/json");
  request.max_response_bytes = kMaxTokenAnswer;
  if (how == "client_secret_basic") {
    // RFC 6749 section 2.3.1: both are form-encoded first.
    const std::string pair = percent_encode(id) + ":" + percent_encode(secret);
    request.headers.emplace_back("Authorization", "Basic " + to_base64(as_bytes(pair)));
  } else if (how == "client_secret_post" || how == "none") {
    if (!id.empty()) form.set("client_id", id);
    if (how != "none" && !secret.empty()) form.set("client_secret", secret);
  } else {
    return no_credentials(call, url, "the client authentication `" + how + "` is not supported");
  }
  if (settings["request"].string_or("encoding", "") == "application/json") {
    request.headers.emplace_back("Content-Type", "application/json");
    request.body = form.dump();
  } else {
    request.headers.emplace_back("Content-Type", "application/x-www-form-urlencoded");
    request.body = workflow::form_encode(form);
  }
  call->token_url = url;
  exchange(call, std::move(request), &State::token_came);
}

void HttpCalls::State::token_came(const CallPtr& call, const net::Response& response) {
  const std::string url = call->token_url;
  if (refused(call, response, url, "the token endpoint")) return;
  const Result<Json> found = Json::parse(response.body);
  const std::string token =
      found.ok() ? found.value().string_or("access_token", "") : std::string();
  if (token.empty()) return no_credentials(call, url, "the token endpoint gave no access token");
  const std::string type = lower(found.value().string_or("token_type", "bearer"));
  if (type != "bearer")
    return no_credentials(call, url, "the token endpoint gave a token that is no bearer token");
  const Json& issuers = call->settings["issuers"];
  if (issuers.size() > 0) {
    const std::optional<std::string> issuer = issuer_of(token);
    const bool good =
        issuer.has_value() && std::any_of(issuers.as_array().begin(), issuers.as_array().end(),
                                          [&](const Json& item) { return item == Json(*issuer); });
    if (!good)
      return no_credentials(call, url, "the token comes from none of the issuers that are listed");
  }
  const std::int64_t life =
      std::clamp<std::int64_t>(found.value().int_or("expires_in", 0), 0, kMaxTokenLifeMs / 1000) *
          1000 -
      kTokenMarginMs;
  if (life > 0) {
    const std::int64_t now = clock.monotonic_ms();
    const Lock lock(mutex);
    if (tokens.size() >= limits::kMaxCachedTokens) {
      std::erase_if(tokens, [now](const auto& entry) { return entry.second.until <= now; });
      if (tokens.size() >= limits::kMaxCachedTokens) {
        tokens.erase(std::min_element(
            tokens.begin(), tokens.end(),
            [](const auto& a, const auto& b) { return a.second.until < b.second.until; }));
      }
    }
    tokens.insert_or_assign(call->cache_key, Token{SecretBytes(token), now + life});
  }
  call->authorization = "Bearer " + token;
  send(call);
}

}  // namespace rabt::engine
