#include "hub/engine/http/http_calls.hpp"

#include <algorithm>
#include <array>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <unordered_map>
#include <utility>
#include <vector>

#include "hub/base/bytes.hpp"
#include "hub/base/uri.hpp"
#include "hub/base/utf8.hpp"
#include "hub/crypto/crypto.hpp"
#include "hub/engine/http/http_digest.hpp"
#include "hub/net/url.hpp"
#include "hub/workflow/run/openapi.hpp"

namespace rabt::engine {

namespace {

using workflow::ActionOutcome;
using workflow::OutcomeKind;

// A token that ends while the request is on its way would be refused there.
constexpr std::int64_t kTokenMarginMs = 30'000;
constexpr std::int64_t kMaxTokenLifeMs = 24LL * 3'600'000;  // a revoked token is not kept for ever
constexpr std::int64_t kDiscoveryLifeMs = 10LL * 60'000;    // a moved token endpoint is found again
constexpr std::size_t kMaxTokenAnswer = 64U << 10U;
constexpr std::string_view kDiscoveryPath = "/.well-known/openid-configuration";

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

bool is_safe(std::string_view method) {  // RFC 9110 section 9.2.1
  return method == "GET" || method == "HEAD" || method == "OPTIONS";
}

// Header values are bytes; what is no UTF-8 is read as ISO 8859-1 (RFC 9110 section 5.5).
Json header_text(std::string_view value) {
  if (is_utf8(value)) return Json(value);
  std::string out;
  for (const char c : value) append_utf8(out, static_cast<unsigned char>(c));
  return Json(std::move(out));
}

Json answer_json(const net::Response& response, bool raw) {
  Json headers = Json::object();
  for (const auto& [name, value] : response.headers) {
    const Json* before = headers.find(name);
    headers.set(name, before == nullptr
                          ? header_text(value)
                          : Json(before->as_string() + ", " + header_text(value).as_string()));
  }
  Json body;
  if (!response.body.empty()) {
    std::optional<Json> content;
    if (!raw) {
      if (workflow::is_json_media_type(response.header("content-type"))) {
        Result<Json> parsed = Json::parse(response.body);
        if (parsed.ok()) content = std::move(parsed).value();
      }
      if (!content.has_value() && is_utf8(response.body)) content = Json(response.body);
    }
    body = content.has_value() ? std::move(*content)
                               : Json::object({{"base64", to_base64(as_bytes(response.body))}});
  }
  return Json::object({{"status", response.status}, {"headers", headers}, {"body", body}});
}

// Scheme, host and port: what credentials are meant for.
std::string origin_of(std::string_view url) {
  const Result<net::Url> parsed = net::parse_url(url);
  return parsed.ok() ? parsed->scheme + "://" + parsed->host_port() : std::string();
}

// Path and query as they are sent.
std::string target_of(std::string_view url) {
  const std::size_t start = url.find("://");
  const std::size_t path = url.find_first_of("/?", start == std::string_view::npos ? 0 : start + 3);
  if (path == std::string_view::npos) return "/";
  const std::string target(url.substr(path));
  return target.front() == '?' ? "/" + target : target;
}

std::string joined(const Json& list) {
  std::string out;
  for (std::size_t i = 0; i < list.size(); ++i) {
    if (!list[i].is_string()) continue;
    out += (out.empty() ? "" : " ") + list[i].as_string();
  }
  return out;
}

// The issuer a JWT names, unverified; nullopt: it is no JWT.
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
  const bool known = std::find(kCodes.begin(), kCodes.end(), code) != kCodes.end();
  return known ? " (" + code + ")" : std::string();
}

// What a failure of the HTTP client is, without the address.
std::string_view public_text(std::string_view code) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 9> kTexts = {{
      {"not_allowed",
       "the address is none that requests of workflows may reach; see `http.allow` of the "
       "configuration"},
      {"dns", "the host has no address"},
      {"connect", "no connection to the host"},
      {"tls", "no secure connection to the host"},
      {"reset", "the connection closed before the whole answer came"},
      {"timeout", "no whole answer in time"},
      {"too_large", "the answer is larger than allowed"},
      {"circuit_open", "the host failed several times in a row and is not asked for a while"},
      {"cancelled", "cancelled"},
  }};
  const auto* const found = std::find_if(kTexts.begin(), kTexts.end(),
                                         [&](const auto& one) { return one.first == code; });
  return found == kTexts.end() ? "the request could not be made" : found->second;
}

}  // namespace

// One call on its way. Only one request of it is open at a time, so that its members belong to the
// thread that handles the answer; `request`, `step` and `cancelled` are guarded by State::mutex.
struct HttpCalls::Call {
  std::uint64_t token = 0;
  std::function<void(ActionOutcome)> done;
  std::string method;
  std::string url;
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
  bool follow = false;
  bool raw = false;
  std::int64_t deadline = 0;
  int redirects = 0;
  bool effect_possible = false;  // an answer before this request may have followed an effect

  std::string scheme;  // of the authentication; empty: none, or another origin by now
  Json settings;
  std::string authorization;  // the header's value, once it is known
  std::string cache_key;      // of the token
  std::string token_url;      // where it is asked for
  bool token_from_cache = false;
  int digest_answers = 0;

  net::RequestId request = 0;
  std::uint64_t step = 0;
  bool cancelled = false;
};

// Shared with the callbacks. Lock order: none; the client and done are never called with the lock.
struct HttpCalls::State : std::enable_shared_from_this<HttpCalls::State> {
  using CallPtr = std::shared_ptr<Call>;
  using Handler = void (State::*)(const CallPtr&, net::Response);

  State(net::HttpClient& given_client, const Clock& given_clock, Random& given_random,
        HttpCallOptions given)
      : client(given_client), clock(given_clock), random(given_random), options(std::move(given)) {
    for (auto& [host, origin] : options.hosts) {
      while (origin.ends_with('/')) origin.pop_back();
      Result<net::AllowList> list = net::AllowList::make({origin});
      // An origin that is no URL: its requests are refused as not allowed.
      stand_ins[lower(host)] = std::make_shared<const net::AllowList>(
          list.ok() ? std::move(list).value() : net::AllowList());
    }
  }

  // ---- ends
  void finish(const CallPtr& call, ActionOutcome outcome) {
    call->done(std::move(outcome));
    const std::scoped_lock lock(mutex);
    calls.erase(call->token);
    idle.notify_all();
  }
  // message goes to the log: no part of an address that an expression may have made. said: the same
  // with all that is known, for the instance.
  void finish(const CallPtr& call, OutcomeKind kind, std::string code, std::string message,
              std::string said, int status = 0) {
    ActionOutcome outcome;
    outcome.kind = kind;
    outcome.code = std::move(code);
    outcome.message = std::move(message);
    outcome.said = Sealed<std::string>(std::move(said));
    if (status != 0) outcome.detail = Json::object({{"status", status}});
    finish(call, std::move(outcome));
  }
  // No whole answer came. before: the request itself was not sent yet, only one for its token.
  void failed(const CallPtr& call, const net::Response& response, bool before) {
    const std::string& code = response.error_code;
    const bool effect = call->effect_possible ||
                        (!before && response.sent != net::Sent::no && !is_safe(call->method));
    OutcomeKind kind = effect ? OutcomeKind::ambiguous : OutcomeKind::transient;
    if (code == "cancelled" && is_cancelled(call)) {
      kind = OutcomeKind::cancelled;
    } else if (!effect && (code == "not_allowed" || code == "too_large")) {
      kind = OutcomeKind::permanent;
    }
    finish(call, kind, "http." + code, std::string(public_text(code)), response.error_message,
           code == "timeout" ? 504 : 0);
  }
  bool is_cancelled(const CallPtr& call) {
    const std::scoped_lock lock(mutex);
    return call->cancelled;
  }

  // ---- one exchange
  void exchange(const CallPtr& call, net::Request request, Handler handler) {
    const std::int64_t left = call->deadline - clock.monotonic_ms();
    std::uint64_t step = 0;
    bool cancelled = false;
    {
      const std::scoped_lock lock(mutex);
      cancelled = call->cancelled;
      step = ++call->step;
      call->request = 0;
    }
    if (cancelled || left <= 0) {
      net::Response refused;
      refused.error_code = cancelled ? "cancelled" : "timeout";
      refused.error_message = cancelled ? "cancelled" : "the call took longer than it may";
      return (this->*handler)(call, std::move(refused));
    }
    request.timeout_ms = left;
    request.tls = options.tls;
    std::shared_ptr<const net::AllowList> allow = options.allow;
    if (const Result<net::Url> url = net::parse_url(request.url); url.ok()) {
      auto found = options.hosts.find(url->host_port());
      if (found == options.hosts.end()) found = options.hosts.find(url->host);
      if (found != options.hosts.end()) {
        const bool standard = url->port == (url->scheme == "https" ? 443 : 80);
        const std::string with_port = url->host_port();
        request.host_header = standard ? with_port.substr(0, with_port.rfind(':')) : with_port;
        request.url = found->second + target_of(request.url);
        allow = stand_ins.at(lower(found->first));
      }
    }
    const net::RequestId id =
        client.start(std::move(request), std::move(allow),
                     [self = shared_from_this(), call, handler](net::Response response) {
                       ((*self).*handler)(call, std::move(response));
                     });
    {
      const std::scoped_lock lock(mutex);
      if (call->step != step) return;  // answered, and the next one is on its way
      call->request = id;
      cancelled = call->cancelled;
    }
    if (cancelled) client.cancel(id);
  }

  // ---- the request
  void begin(const CallPtr& call) {
    if (call->scheme == "basic") {
      const std::string pair =
          call->settings.string_or("username", "") + ":" + call->settings.string_or("password", "");
      call->authorization = "Basic " + to_base64(as_bytes(pair));
    } else if (call->scheme == "bearer") {
      call->authorization = "Bearer " + call->settings.string_or("token", "");
    } else if (call->scheme == "oauth2" || call->scheme == "oidc") {
      return get_token(call);
    }
    send(call);
  }

  void send(const CallPtr& call) {
    net::Request request;
    request.method = call->method;
    request.url = call->url;
    request.headers = call->headers;
    request.body = call->body;
    request.max_response_bytes = options.max_response_bytes;
    if (!call->authorization.empty())
      request.headers.emplace_back("Authorization", call->authorization);
    exchange(call, std::move(request), &State::answered);
  }

  void answered(const CallPtr& call, net::Response response) {
    if (!response.error_code.empty()) return failed(call, response, false);
    if (response.status == 401 && again(call, response)) return;
    if (call->follow && redirected(call, response)) return;
    ActionOutcome outcome;
    outcome.output = answer_json(response, call->raw);
    finish(call, std::move(outcome));
  }

  // Whether a 401 was answered with another request. The server did nothing, so this repeats no
  // effect.
  bool again(const CallPtr& call, const net::Response& response) {
    if (call->token_from_cache) {
      // Revoked before its time: one new token.
      {
        const std::scoped_lock lock(mutex);
        tokens.erase(call->cache_key);
      }
      call->token_from_cache = false;
      get_token(call);
      return true;
    }
    if (call->scheme != "digest" || call->digest_answers >= 2) return false;
    std::vector<HttpChallenge> challenges;
    for (const auto& [name, value] : response.headers) {
      if (name != "www-authenticate") continue;
      for (HttpChallenge& one : parse_challenges(value)) challenges.push_back(std::move(one));
    }
    const HttpChallenge* challenge = choose_digest(challenges);
    if (challenge == nullptr) return false;
    // A second refusal means a wrong password, unless only the nonce was too old.
    if (call->digest_answers == 1 && lower(challenge->get("stale")) != "true") return false;
    ++call->digest_answers;
    std::array<std::uint8_t, 16> nonce{};
    random.fill(nonce);
    call->authorization = digest_authorization(
        *challenge, call->method, target_of(call->url), call->settings.string_or("username", ""),
        call->settings.string_or("password", ""), to_hex(ByteView(nonce)));
    send(call);
    return true;
  }

  bool redirected(const CallPtr& call, const net::Response& response) {
    const int status = response.status;
    if (status != 301 && status != 302 && status != 303 && status != 307 && status != 308)
      return false;
    const std::string_view location = response.header("location");
    if (location.empty()) return false;
    if (++call->redirects > limits::kMaxRedirects) {
      finish(call, call->effect_possible ? OutcomeKind::ambiguous : OutcomeKind::permanent,
             "http.redirects", "more than " + std::to_string(limits::kMaxRedirects) + " redirects",
             origin_of(call->url) + ": more than " + std::to_string(limits::kMaxRedirects) +
                 " redirects");
      return true;
    }
    std::string next = resolve_uri(call->url, location);
    next = next.substr(0, next.find('#'));
    const bool rewrites = (status == 303 && call->method != "HEAD") ||
                          ((status == 301 || status == 302) && call->method == "POST");
    if (rewrites) {  // RFC 9110 section 15.4: the answer to what was done is found there
      call->effect_possible = call->effect_possible || !is_safe(call->method);
      call->method = "GET";
      call->body.clear();
      std::erase_if(call->headers, [](const auto& header) {
        const std::string name = lower(header.first);
        return name.starts_with("content-") || name == "idempotency-key";
      });
    }
    if (origin_of(next) != origin_of(call->url)) {
      call->scheme.clear();
      call->authorization.clear();
      call->token_from_cache = false;
      std::erase_if(call->headers, [](const auto& header) {
        const std::string name = lower(header.first);
        return name != "accept" && name != "accept-language" && name != "content-type" &&
               name != "idempotency-key";
      });
    }
    call->url = std::move(next);
    if (call->scheme == "digest") {  // its answer was for another target
      call->authorization.clear();
      call->digest_answers = 0;
    }
    send(call);
    return true;
  }

  // ---- tokens
  void get_token(const CallPtr& call) {
    const std::int64_t now = clock.monotonic_ms();
    if (call->cache_key.empty()) {
      const crypto::Digest digest = crypto::sha256(call->scheme + call->settings.dump_sorted());
      call->cache_key = to_hex(ByteView(digest));
    }
    std::string endpoint;
    {
      const std::scoped_lock lock(mutex);
      const auto known = tokens.find(call->cache_key);
      if (known != tokens.end() && known->second.until > now) {
        call->authorization = "Bearer " + std::string(known->second.token.expose_text());
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

  static std::string discovery_of(const Call& call) {
    std::string authority = call.settings.string_or("authority", "");
    if (authority.ends_with(kDiscoveryPath)) return authority;
    while (authority.ends_with('/')) authority.pop_back();
    return authority + std::string(kDiscoveryPath);
  }

  void no_credentials(const CallPtr& call, const std::string& url, const std::string& what) {
    finish(call, call->effect_possible ? OutcomeKind::ambiguous : OutcomeKind::permanent,
           "http.authentication", what, origin_of(url) + ": " + what, 401);
  }
  // Whether the answer of an authority was used up: it is none, or says no.
  bool refused(const CallPtr& call, const net::Response& response, const std::string& url,
               std::string_view who) {
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

  void discovered(const CallPtr& call, net::Response response) {
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
      const std::scoped_lock lock(mutex);
      if (endpoints.size() >= limits::kMaxCachedTokens) endpoints.clear();
      endpoints[url] = {endpoint, clock.monotonic_ms() + kDiscoveryLifeMs};
    }
    ask_token(call, endpoint);
  }

  void ask_token(const CallPtr& call, const std::string& url) {
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

  void token_came(const CallPtr& call, net::Response response) {
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
                                            [&](const Json& one) { return one == Json(*issuer); });
      if (!good)
        return no_credentials(call, url,
                              "the token comes from none of the issuers that are listed");
    }
    const std::int64_t life =
        std::clamp<std::int64_t>(found.value().int_or("expires_in", 0), 0, kMaxTokenLifeMs / 1000) *
            1000 -
        kTokenMarginMs;
    if (life > 0) {
      const std::int64_t now = clock.monotonic_ms();
      const std::scoped_lock lock(mutex);
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

  struct Token {
    SecretBytes token;
    std::int64_t until = 0;
  };
  struct TokenEndpoint {
    std::string uri;
    std::int64_t until = 0;
  };

  net::HttpClient& client;
  const Clock& clock;
  Random& random;
  HttpCallOptions options;  // constant once constructed
  std::map<std::string, std::shared_ptr<const net::AllowList>> stand_ins;  // by host

  std::mutex mutex;
  std::condition_variable idle;
  bool closing = false;
  std::uint64_t last_token = 0;
  std::unordered_map<std::uint64_t, CallPtr> calls;
  std::unordered_map<std::string, Token> tokens;             // by digest of the settings
  std::unordered_map<std::string, TokenEndpoint> endpoints;  // by discovery URL
};

HttpCalls::HttpCalls(net::HttpClient& client, const Clock& clock, Random& random,
                     HttpCallOptions options)
    : state_(std::make_shared<State>(client, clock, random, std::move(options))) {}

HttpCalls::~HttpCalls() {
  std::vector<std::uint64_t> open;
  {
    const std::scoped_lock lock(state_->mutex);
    state_->closing = true;
    for (const auto& [token, call] : state_->calls) open.push_back(token);
  }
  for (const std::uint64_t token : open) cancel(token);
  std::unique_lock lock(state_->mutex);
  state_->idle.wait(lock, [this] { return state_->calls.empty(); });
}

std::uint64_t HttpCalls::invoke(const workflow::CallAction& action, std::string idempotency_key,
                                std::function<void(workflow::ActionOutcome)> done) {
  const Json& arguments = action.arguments;
  auto call = std::make_shared<Call>();
  call->done = std::move(done);
  call->method = arguments.string_or("method", "GET");
  call->url = arguments.string_or("uri", "");
  call->follow = arguments.bool_or("redirect", false);
  call->raw = arguments.bool_or("raw", false);
  call->deadline = state_->clock.monotonic_ms() + state_->options.timeout.count();
  if (const Json& authentication = arguments["authentication"]; authentication.size() == 1) {
    const auto& [scheme, settings] = *authentication.as_object().begin();
    call->scheme = scheme;
    call->settings = settings;
  }
  bool has_type = false;
  bool has_key = false;
  if (arguments["headers"].is_object()) {
    for (const auto& [name, value] : arguments["headers"].as_object()) {
      const std::string key = lower(name);
      if (!value.is_string() || (key == "authorization" && !call->scheme.empty())) continue;
      has_type = has_type || key == "content-type";
      has_key = has_key || key == "idempotency-key";
      call->headers.emplace_back(name, value.as_string());
    }
  }
  if (const Json& body = arguments["body"]; body.is_string()) {
    call->body = body.as_string();
  } else if (!body.is_null()) {
    call->body = body.dump();
    if (!has_type) call->headers.emplace_back("Content-Type", "application/json");
  }
  if (!is_safe(call->method) && !has_key && !idempotency_key.empty())
    call->headers.emplace_back("Idempotency-Key", std::move(idempotency_key));
  {
    const std::scoped_lock lock(state_->mutex);
    call->token = ++state_->last_token;
    call->cancelled = state_->closing;
    state_->calls.emplace(call->token, call);
  }
  const std::uint64_t token = call->token;
  state_->begin(call);
  return token;
}

void HttpCalls::cancel(std::uint64_t token) {
  net::RequestId request = 0;
  {
    const std::scoped_lock lock(state_->mutex);
    const auto found = state_->calls.find(token);
    if (found == state_->calls.end()) return;
    found->second->cancelled = true;
    request = found->second->request;
  }
  if (request != 0) state_->client.cancel(request);
}

std::string_view HttpCalls::idempotency(const workflow::CallAction& action) {
  const std::string method = action.arguments.string_or("method", "");
  const bool repeatable = is_safe(method) || method == "PUT" || method == "DELETE" ||
                          action.arguments.string_or("idempotency", "") == "key";
  return repeatable ? "key" : "none";
}

}  // namespace rabt::engine
