#include "hub/engine/http/http_calls.hpp"

#include <algorithm>
#include <array>
#include <optional>

#include "hub/base/ascii.hpp"
#include "hub/base/http_method.hpp"
#include "hub/base/trace_context.hpp"
#include "hub/base/uri.hpp"
#include "hub/base/utf8.hpp"
#include "hub/engine/http/http_state.hpp"
#include "hub/net/url.hpp"
#include "hub/workflow/run/openapi.hpp"

namespace rabt::engine {

using workflow::ActionOutcome;
using workflow::OutcomeKind;

std::string origin_of(std::string_view url) {
  const Result<net::Url> parsed = net::parse_url(url);
  return parsed.ok() ? parsed->scheme + "://" + parsed->host_port() : std::string();
}

namespace {

// Header values are bytes; what is no UTF-8 is read as ISO 8859-1 (RFC 9110 section 5.5).
Json header_text(std::string_view value) {
  if (is_utf8(value)) return Json(value);
  std::string out;
  for (const char c : value) append_utf8(out, static_cast<unsigned char>(c));
  return Json(std::move(out));
}

// The reason why the body of an answer is not what its headers say; empty if there is none.
std::string unread_reason(const net::Response& response, std::optional<Json>& content) {
  const std::string coding = lower(trim(response.header("content-encoding")));
  if (!coding.empty() && coding != "identity")
    return "its Content-Encoding is not identity, and the hub decodes none; ask for identity in "
           "Accept-Encoding";
  if (!workflow::is_json_media_type(response.header("content-type"))) return {};
  std::string_view text = response.body;
  constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";
  // RFC 8259 section 8.1: a reader may leave it out.
  if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
  Result<Json> parsed = Json::parse(text);
  if (!parsed.ok()) return "it says that it is JSON: " + parsed.error().message;
  content = std::move(parsed).value();
  return {};
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
  std::string unread;
  if (!response.body.empty()) {
    std::optional<Json> content;
    if (!raw) {
      unread = unread_reason(response, content);
      if (!content.has_value() && is_utf8(response.body)) content = Json(response.body);
    }
    body = content.has_value() ? std::move(*content)
                               : Json::object({{"base64", to_base64(as_bytes(response.body))}});
  }
  Json answer = Json::object({{"status", response.status}, {"headers", headers}, {"body", body}});
  if (!unread.empty()) answer.set("unread", unread);
  return answer;
}

// Path and query as they are sent.
std::string target_of(std::string_view url) {
  const std::size_t start = url.find("://");
  const std::size_t path = url.find_first_of("/?", start == std::string_view::npos ? 0 : start + 3);
  if (path == std::string_view::npos) return "/";
  const std::string target(url.substr(path));
  return target.front() == '?' ? "/" + target : target;
}

// Public text for a failure of the HTTP client, without the address.
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

HttpCalls::State::State(net::HttpClient& given_client, const Clock& given_clock,
                        Random& given_random, HttpCallOptions given)
    : client(given_client), clock(given_clock), random(given_random), options(std::move(given)) {
  for (auto& [host, origin] : options.hosts) {
    while (origin.ends_with('/')) origin.pop_back();
    Result<net::AllowList> list = net::AllowList::make({origin});
    // Requests to an origin that is no URL are refused as not allowed.
    stand_ins[lower(host)] = std::make_shared<const net::AllowList>(
        list.ok() ? std::move(list).value() : net::AllowList());
  }
}

void HttpCalls::State::finish(const CallPtr& call, ActionOutcome outcome) {
  call->done(std::move(outcome));
  const Lock lock(mutex);
  calls.erase(call->token);
  idle.notify_all();
}

void HttpCalls::State::finish(const CallPtr& call, OutcomeKind kind, std::string code,
                              std::string message, std::string said, int status, bool unavailable) {
  ActionOutcome outcome;
  outcome.kind = kind;
  outcome.code = std::move(code);
  outcome.message = std::move(message);
  outcome.said = Sealed<std::string>(std::move(said));
  if (status != 0) outcome.detail = Json::object({{"status", status}});
  outcome.unavailable = unavailable;
  finish(call, std::move(outcome));
}

void HttpCalls::State::failed(const CallPtr& call, const net::Response& response, bool before) {
  const std::string& code = response.error_code;
  const bool effect = call->effect_possible ||
                      (!before && response.sent != net::Sent::no && !is_safe_method(call->method));
  OutcomeKind kind = effect ? OutcomeKind::ambiguous : OutcomeKind::transient;
  if (code == "cancelled" && is_cancelled(call)) {
    kind = OutcomeKind::cancelled;
  } else if (!effect && (code == "not_allowed" || code == "too_large")) {
    kind = OutcomeKind::permanent;
  }
  finish(call, kind, "http." + code, std::string(public_text(code)), response.error_message,
         code == "timeout" ? 504 : 0, net::is_unavailable(response));
}

bool HttpCalls::State::is_cancelled(const CallPtr& call) {
  const Lock lock(mutex);
  return calls.at(call->token).cancelled;
}

void HttpCalls::State::exchange(const CallPtr& call, net::Request request, Handler handler) {
  const std::int64_t left = call->deadline - clock.monotonic_ms();
  std::uint64_t step = 0;
  bool cancelled = false;
  {
    const Lock lock(mutex);
    OpenCall& open = calls.at(call->token);
    cancelled = open.cancelled;
    step = ++open.step;
    open.request = 0;
  }
  if (cancelled || left <= 0) {
    net::Response refused;
    refused.error_code = cancelled ? "cancelled" : "timeout";
    refused.error_message = cancelled ? "cancelled" : "the call took longer than it may";
    return (this->*handler)(call, refused);
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
                   [self = shared_from_this(), call, handler](const net::Response& response) {
                     ((*self).*handler)(call, response);
                   });
  {
    const Lock lock(mutex);
    const auto open = calls.find(call->token);
    // Answered: the call has ended, or its next request is on its way.
    if (open == calls.end() || open->second.step != step) return;
    open->second.request = id;
    cancelled = open->second.cancelled;
  }
  if (cancelled) client.cancel(id);
}

void HttpCalls::State::begin(const CallPtr& call) {
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

void HttpCalls::State::send(const CallPtr& call) {
  net::Request request;
  request.method = call->method;
  request.url = call->url;
  request.headers = call->headers;
  request.body = call->body;
  request.max_response_bytes = options.max_response_bytes;
  if (!call->authorization.empty())
    request.headers.emplace_back("Authorization", call->authorization);
  if (call->scheme == "digest")
    request.digest = net::DigestUser{call->settings.string_or("username", ""),
                                     call->settings.string_or("password", "")};
  if (options.patient != nullptr && !call->trace.empty() && options.patient->check(call->url).ok())
    request.headers.emplace_back("traceparent", traceparent_of(call->trace, random));
  exchange(call, std::move(request), &State::answered);
}

void HttpCalls::State::answered(const CallPtr& call, const net::Response& response) {
  if (!response.error_code.empty()) return failed(call, response, false);
  if (response.status == 401 && call->token_from_cache) return renew_token(call);
  if (call->follow && redirected(call, response)) return;
  ActionOutcome outcome;
  outcome.output = answer_json(response, call->raw);
  outcome.unavailable = net::is_unavailable(response) && response.header("retry-after").empty();
  finish(call, std::move(outcome));
}

void HttpCalls::State::renew_token(const CallPtr& call) {
  {
    const Lock lock(mutex);
    tokens.erase(call->cache_key);
  }
  call->token_from_cache = false;
  get_token(call);
}

bool HttpCalls::State::redirected(const CallPtr& call, const net::Response& response) {
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
    call->effect_possible = call->effect_possible || !is_safe_method(call->method);
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
  send(call);
  return true;
}

HttpCalls::HttpCalls(net::HttpClient& client, const Clock& clock, Random& random,
                     HttpCallOptions options)
    : state_(std::make_shared<State>(client, clock, random, std::move(options))) {}

HttpCalls::~HttpCalls() {
  std::vector<std::uint64_t> open;
  {
    const Lock lock(state_->mutex);
    state_->closing = true;
    for (const auto& [token, call] : state_->calls) open.push_back(token);
  }
  for (const std::uint64_t token : open) cancel(token);
  Lock lock(state_->mutex);
  while (!state_->calls.empty()) state_->idle.wait(lock);
}

void HttpCalls::set_content(Call& call, const Json& arguments, std::string idempotency_key) {
  bool has_type = false;
  bool has_key = false;
  if (arguments["headers"].is_object()) {
    for (const auto& [name, value] : arguments["headers"].as_object()) {
      const std::string key = lower(name);
      if (!value.is_string() || (key == "authorization" && !call.scheme.empty()) ||
          is_of_a_trace(key))
        continue;
      has_type = has_type || key == "content-type";
      has_key = has_key || key == "idempotency-key";
      call.headers.emplace_back(name, value.as_string());
    }
  }
  if (const Json& body = arguments["body"]; body.is_string()) {
    call.body = body.as_string();
  } else if (!body.is_null()) {
    call.body = body.dump();
    if (!has_type) call.headers.emplace_back("Content-Type", "application/json");
  }
  if (!is_safe_method(call.method) && !has_key && !idempotency_key.empty())
    call.headers.emplace_back("Idempotency-Key", std::move(idempotency_key));
}

std::uint64_t HttpCalls::invoke(const workflow::CallAction& action, std::string idempotency_key,
                                std::string trace,
                                std::function<void(workflow::ActionOutcome)> done) {
  const Json& arguments = action.arguments;
  auto call = std::make_shared<Call>();
  call->done = std::move(done);
  call->method = arguments.string_or("method", "GET");
  call->url = arguments.string_or("uri", "");
  call->trace = std::move(trace);
  call->follow = arguments.bool_or("redirect", false);
  call->raw = arguments.bool_or("raw", false);
  call->deadline = state_->clock.monotonic_ms() + state_->options.timeout.count();
  if (const Json& authentication = arguments["authentication"]; authentication.size() == 1) {
    const auto& [scheme, settings] = *authentication.as_object().begin();
    call->scheme = scheme;
    call->settings = settings;
  }
  set_content(*call, arguments, std::move(idempotency_key));
  {
    const Lock lock(state_->mutex);
    call->token = ++state_->last_token;
    state_->calls.emplace(call->token, State::OpenCall{.call = call, .cancelled = state_->closing});
  }
  const std::uint64_t token = call->token;
  state_->begin(call);
  return token;
}

void HttpCalls::cancel(std::uint64_t token) {
  net::RequestId request = 0;
  {
    const Lock lock(state_->mutex);
    const auto found = state_->calls.find(token);
    if (found == state_->calls.end()) return;
    found->second.cancelled = true;
    request = found->second.request;
  }
  if (request != 0) state_->client.cancel(request);
}

std::string_view HttpCalls::idempotency(const workflow::CallAction& action) {
  const std::string method = action.arguments.string_or("method", "");
  const bool repeatable = is_safe_method(method) || method == "PUT" || method == "DELETE" ||
                          action.arguments.string_or("idempotency", "") == "key";
  return repeatable ? "key" : "none";
}

}  // namespace rabt::engine
