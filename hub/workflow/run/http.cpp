#include <algorithm>
#include <array>
#include <utility>

#include "hub/base/ascii.hpp"
#include "hub/base/bytes.hpp"
#include "hub/base/retry_after.hpp"
#include "hub/base/uri.hpp"
#include "hub/workflow/run/interpreter.hpp"
#include "hub/workflow/run/openapi.hpp"
#include "hub/workflow/run/uri_template.hpp"

// call: http and call: openapi: from the task to the request, and from the answer to the output.
namespace rabt::workflow {

namespace {

constexpr const char* kHidden = "[secret]";

Json masked(const Json& value) {
  if (value.is_object()) {
    JsonObject out;
    for (const auto& [key, member] : value.as_object()) out.append_new(key, masked(member));
    return Json(std::move(out));
  }
  if (value.is_array()) {
    Json::Array out;
    for (const Json& item : value.as_array()) out.push_back(masked(item));
    return Json(std::move(out));
  }
  return value.is_null() ? Json() : Json(kHidden);
}

// The same variables with every secret hidden: what they give may be kept with the instance.
class MaskedVariables final : public Variables {
 public:
  explicit MaskedVariables(const Variables& real) : real_(real) {}
  [[nodiscard]] Json get(const VariableSlot& slot) const override {
    Json value = real_.get(slot);
    if (slot.variable == Variable::secrets) return masked(value);
    if (slot.variable == Variable::authorization && value.is_object())
      value.set("parameter", masked(value["parameter"]));
    return value;
  }
  [[nodiscard]] bool stopped() const override { return real_.stopped(); }

 private:
  const Variables& real_;
};

Error configuration(std::string message) {
  return invalid("configuration", std::move(message));
}
Error violation(std::string message) {
  return invalid("validation", std::move(message));
}

Result<std::string> text_of(const Template& value, const Json& input, const Variables& variables,
                            std::string_view what) {
  RABT_TRY(found, evaluate(value, input, variables));
  if (!found.is_string() || found.as_string().empty())
    return violation(std::string(what) + " must be a text that is not empty");
  return found.as_string();
}

Result<std::string> uri_of(const Endpoint& endpoint, const Json& input,
                           const Variables& variables) {
  std::string uri;
  if (endpoint.uri.kind == Template::Kind::constant && endpoint.uri.constant.is_string()) {
    RABT_TRY(expanded, expand_uri_template(endpoint.uri.constant.as_string(), input));
    uri = std::move(expanded);
  } else {
    // The result of an expression is a URI, no template: data must not name other members.
    RABT_TRY(text, text_of(endpoint.uri, input, variables, "an endpoint's uri"));
    uri = std::move(text);
  }
  if (!uri.starts_with("https://") && !uri.starts_with("http://"))
    return configuration("an endpoint's uri must start with https:// or http://");
  return uri;
}

Result<std::string> with_query(std::string uri, const Json& query) {
  if (query.is_null()) return uri;
  if (!query.is_object()) return violation("`query` must be an object");
  std::string added;
  const auto add = [&](std::string_view name, const Json& value) {
    const std::optional<std::string> text = scalar_text(value);
    if (!text.has_value()) return false;
    added += added.empty() ? "" : "&";
    added += percent_encode(name) + "=" + percent_encode(*text);
    return true;
  };
  for (const auto& [name, value] : query.as_object()) {
    if (value.is_null()) continue;  // an absent parameter
    bool good = true;
    if (value.is_array()) {
      for (const Json& item : value.as_array()) good = add(name, item) && good;
    } else {
      good = add(name, value);
    }
    if (!good) {
      return violation("the query parameter `" + name +
                       "` holds an object or an array inside an array; give texts and numbers");
    }
  }
  if (added.empty()) return uri;
  const char between = uri.find('?') == std::string::npos ? '?' : '&';
  const bool ready = uri.ends_with('?') || uri.ends_with('&');
  return ready ? uri + added : uri + between + added;
}

Result<Json> headers_of(const Json& given) {
  Json out = Json::object();
  if (given.is_null()) return out;
  if (!given.is_object()) return violation("`headers` must be an object");
  for (const auto& [name, value] : given.as_object()) {
    if (value.is_null()) continue;
    const std::optional<std::string> text = scalar_text(value);
    if (!text.has_value())
      return violation("the header `" + name + "` must be a text, a number, true or false");
    const bool clean = std::none_of(text->begin(), text->end(), [](char c) {
      const auto byte = static_cast<unsigned char>(c);
      return (byte < 0x20 && c != '\t') || byte == 0x7f;
    });
    if (!clean) return violation("the header `" + name + "` holds a control character");
    out.set(name, *text);
  }
  return out;
}

// Body and content type as they leave (execution.hpp, kHttpRole).
void put_body(HttpRequest& request, const Json& body) {
  if (body.is_null()) return;
  request.has_body = true;
  request.body = body;
  const Json* given = find_header(request.headers, "content-type");
  const std::string type = given == nullptr ? std::string() : given->as_string();
  if (body.is_object() && type.starts_with("application/x-www-form-urlencoded")) {
    request.body = Json(form_encode(body));
  } else if (given == nullptr) {
    request.headers.set("content-type",
                        body.is_string() ? "text/plain; charset=utf-8" : "application/json");
  }
}

Result<HttpRequest> request_of(const HttpBody& body, const Json* document,
                               std::string_view document_uri, const Json& input,
                               const Variables& variables) {
  const auto part = [&](const std::optional<Template>& value) -> Result<Json> {
    return value.has_value() ? evaluate(*value, input, variables) : Result<Json>(Json());
  };
  if (document != nullptr) {
    RABT_TRY(id, text_of(body.operation, input, variables, "operationId"));
    RABT_TRY(parameters, part(body.query));
    RABT_TRY(request, openapi_request(*document, document_uri, id, parameters));
    RABT_TRY(headers, headers_of(request.headers));
    request.headers = std::move(headers);
    return request;
  }
  HttpRequest request;
  RABT_TRY(written, text_of(body.operation, input, variables, "method"));
  std::string method = upper(written);
  constexpr std::array<std::string_view, 7> kMethods = {"GET",   "HEAD",   "POST",   "PUT",
                                                        "PATCH", "DELETE", "OPTIONS"};
  if (std::find(kMethods.begin(), kMethods.end(), method) == kMethods.end())
    return violation("method must be one of GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS");
  request.method = std::move(method);
  RABT_TRY(uri, uri_of(body.endpoint, input, variables));
  RABT_TRY(query, part(body.query));
  RABT_TRY(whole, with_query(std::move(uri), query));
  request.uri = std::move(whole);
  RABT_TRY(given, part(body.headers));
  RABT_TRY(headers, headers_of(given));
  request.headers = std::move(headers);
  RABT_TRY(content, part(body.body));
  put_body(request, content);
  return request;
}

// ---- authentication ----

// {<scheme>: <settings>}, everything written out.
Result<Json> resolve(const Authentication& authentication, const Json& input, const Json& secrets,
                     const Variables& variables) {
  Json settings;
  std::string from = "`" + authentication.scheme + "` authentication";
  if (authentication.settings.has_value()) {
    RABT_TRY(value, evaluate(*authentication.settings, input, variables));
    settings = std::move(value);
  } else {
    const Json* secret = secrets.find(authentication.secret);
    if (secret == nullptr) return missing_secret(authentication.secret);
    settings = *secret;
    from += " from the secret `" + authentication.secret + "`";
  }
  const auto needs = [&](const char* key) -> Status {
    if (settings[key].is_string() && !settings[key].as_string().empty()) return ok_status();
    return configuration(from + ": `" + key + "` must be a text that is not empty");
  };
  const std::string& scheme = authentication.scheme;
  if (scheme == "basic" || scheme == "digest") {
    for (const char* key : {"username", "password"}) {
      // The specification's own example writes the password 1234.
      if (settings[key].is_number()) settings.set(key, settings[key].number_text());
    }
    RABT_TRY_STATUS(needs("username"));
    RABT_TRY_STATUS(needs("password"));
    if (scheme == "basic" && settings["username"].as_string().find(':') != std::string::npos)
      return configuration(from + ": a user name of basic authentication holds no colon");
  } else if (scheme == "bearer") {
    RABT_TRY_STATUS(needs("token"));
  } else {
    RABT_TRY_STATUS(needs("authority"));
    RABT_TRY_STATUS(needs("grant"));
    RABT_TRY(authority, expand_uri_template(settings["authority"].as_string(), input));
    settings.set("authority", authority);
  }
  return Json::object({{scheme, settings}});
}

// DSL, "Authorization Descriptor". What only the executor learns is null.
Json authorization_of(const Json& authentication) {
  if (!authentication.is_object() || authentication.size() == 0) return {};
  const auto& [scheme, settings] = *authentication.as_object().begin();
  if (scheme == "basic") {
    const std::string pair =
        settings["username"].as_string() + ":" + settings["password"].as_string();
    return Json::object({{"scheme", "Basic"}, {"parameter", to_base64(as_bytes(pair))}});
  }
  if (scheme == "bearer")
    return Json::object({{"scheme", "Bearer"}, {"parameter", settings["token"]}});
  return Json::object(
      {{"scheme", scheme == "digest" ? "Digest" : "Bearer"}, {"parameter", Json()}});
}

Json arguments_of(const HttpRequest& request, const Json& authentication) {
  JsonObject out;
  out.append_new("method", request.method);
  out.append_new("uri", request.uri);
  if (request.headers.size() > 0) out.append_new("headers", request.headers);
  if (request.has_body) out.append_new("body", request.body);
  if (!authentication.is_null()) out.append_new("authentication", authentication);
  return Json(std::move(out));
}

// ---- answers ----

std::string_view reason_of(std::int64_t status) {
  constexpr std::array<std::pair<int, std::string_view>, 33> kReasons = {{
      {300, "Multiple Choices"},
      {301, "Moved Permanently"},
      {302, "Found"},
      {303, "See Other"},
      {304, "Not Modified"},
      {307, "Temporary Redirect"},
      {308, "Permanent Redirect"},
      {400, "Bad Request"},
      {401, "Unauthorized"},
      {402, "Payment Required"},
      {403, "Forbidden"},
      {404, "Not Found"},
      {405, "Method Not Allowed"},
      {406, "Not Acceptable"},
      {407, "Proxy Authentication Required"},
      {408, "Request Timeout"},
      {409, "Conflict"},
      {410, "Gone"},
      {411, "Length Required"},
      {412, "Precondition Failed"},
      {413, "Content Too Large"},
      {414, "URI Too Long"},
      {415, "Unsupported Media Type"},
      {421, "Misdirected Request"},
      {422, "Unprocessable Content"},
      {423, "Locked"},
      {428, "Precondition Required"},
      {429, "Too Many Requests"},
      {500, "Internal Server Error"},
      {501, "Not Implemented"},
      {502, "Bad Gateway"},
      {503, "Service Unavailable"},
      {504, "Gateway Timeout"},
  }};
  for (const auto& [code, text] : kReasons) {
    if (code == status) return text;
  }
  if (status < 400) return "Redirection";
  return status < 500 ? "Client Error" : "Server Error";
}

// True if the server may answer the same request otherwise later (RFC 9110, RFC 6585, RFC 8470).
bool repeat_can_help(std::int64_t status) {
  return status >= 500 || status == 408 || status == 425 || status == 429;
}

// Pause that Retry-After asks for; 0 without one.
std::int64_t pause_of(const Json& headers, Timestamp now) {
  const Json* given = find_header(headers, "retry-after");
  if (given == nullptr || !given->is_string()) return 0;
  return retry_after_ms(given->as_string(), now).value_or(0);
}

// The body of an answer as the DSL's content: bytes that are no text are base64 (DSL reference,
// "HTTP Response").
Json content_of(const Json& answer) {
  const Json& body = answer["body"];
  const Json* type = find_header(answer["headers"], "content-type");
  const bool json = type != nullptr && type->is_string() && is_json_media_type(type->as_string());
  if (!json && body.is_object() && body.size() == 1 && body["base64"].is_string())
    return body["base64"];
  return body;
}

Json raw_of(const Json& answer) {
  const Json& body = answer["body"];
  if (body.is_null()) return {};
  if (body.is_object() && body.size() == 1 && body["base64"].is_string()) return body["base64"];
  const std::string text = body.is_string() ? body.as_string() : body.dump();
  return Json(to_base64(as_bytes(text)));
}

}  // namespace

void Execution::Impl::fail_http(Frame* frame, const Error& error, std::string_view where) {
  if (error.code == "configuration" || error.code == "validation") {
    return fail(frame, error.code, 400,
                error.code == "configuration" ? "the request cannot be made as it is described"
                                              : "the values of the request do not fit it",
                error.message);
  }
  fail(frame, error, where);
}

void Execution::Impl::run_http(Frame* frame, const HttpBody& body) {
  frame->http = std::make_unique<Frame::Http>();
  Frame::Http& state = *frame->http;
  const FrameVariables variables(*this, *frame);
  if (body.authentication != nullptr) {
    Result<Json> found = resolve(*body.authentication, frame->input, secrets, variables);
    if (!found) return fail_http(frame, found.error(), "authentication");
    state.authentication = std::move(found).value();
    state.authorization = authorization_of(state.authentication);
  }
  if (!body.openapi) return send_http(frame, body);

  Result<std::string> uri = uri_of(body.endpoint, frame->input, variables);
  if (!uri) return fail_http(frame, uri.error(), "document");
  state.document_uri = std::move(uri).value();
  if (documents.contains(state.document_uri)) return send_http(frame, body);
  Json authentication;
  if (body.endpoint.authentication != nullptr) {
    Result<Json> found = resolve(*body.endpoint.authentication, frame->input, secrets, variables);
    if (!found) return fail_http(frame, found.error(), "authentication");
    authentication = std::move(found).value();
  }
  state.document = true;
  HttpRequest request;
  request.method = "GET";
  request.uri = state.document_uri;
  request.headers.set("accept", "application/json, application/yaml;q=0.9, */*;q=0.5");
  frame->arguments = arguments_of(request, authentication);
  frame->arguments.set("redirect", true);
  const std::uint64_t id = await(frame, Wait::call, now);
  effects.emplace_back(http_effect(id, *frame));
}

void Execution::Impl::send_http(Frame* frame, const HttpBody& body) {
  Frame::Http& state = *frame->http;
  const FrameVariables variables(*this, *frame);
  const Json* document = nullptr;
  if (body.openapi) document = &documents.at(state.document_uri);
  Result<HttpRequest> request =
      request_of(body, document, state.document_uri, frame->input, variables);
  if (!request) return fail_http(frame, request.error(), "with");
  state.document = false;
  if (body.output == HttpBody::Output::response) {
    // Built again without secrets, so that none reaches the output. What cannot be built without
    // them is not shown.
    const Result<HttpRequest> shown =
        request_of(body, document, state.document_uri, frame->input, MaskedVariables(variables));
    state.shown = Json::object({{"method", request.value().method},
                                {"uri", shown ? Json(shown.value().uri) : Json(kHidden)},
                                {"headers", shown ? shown.value().headers : Json::object()}});
  }
  frame->arguments = arguments_of(request.value(), state.authentication);
  if (body.redirect) frame->arguments.set("redirect", true);
  if (body.output == HttpBody::Output::raw) frame->arguments.set("raw", true);
  if (body.repeatable) frame->arguments.set("idempotency", "key");
  if (json_size(frame->arguments, limits::kMaxActionBytes) > limits::kMaxActionBytes) {
    return fail(frame, "runtime", 500, "the arguments of the call are too large",
                "at most " + std::to_string(limits::kMaxActionBytes) +
                    " bytes: pass a reference, not the content");
  }
  make_call(frame);
}

CallAction Execution::Impl::http_effect(std::uint64_t id, const Frame& frame) const {
  return {.id = id,
          .reference = frame.http->document ? frame.reference + "/document" : frame.reference,
          .task = frame.task->name,
          .role = std::string(kHttpRole),
          .action = std::string(kHttpAction),
          .version = "1.0.0",
          .arguments = frame.arguments,
          .attempt = attempt_of(frame),
          .repeatable = frame.task->repeatable};
}

void Execution::Impl::fail_request(Frame* frame, std::string_view type, int status,
                                   const ActionOutcome& outcome) {
  Fault fault;
  fault.error = make_error(type, status, outcome.code, outcome.whole_message(), *frame);
  fault.permanent = outcome.kind == OutcomeKind::permanent;
  call_failed(frame, std::move(fault));
}

void Execution::Impl::http_ended(Frame* frame, const ActionOutcome& outcome) {
  if (outcome.kind == OutcomeKind::done)
    return http_answered(frame, std::get<HttpBody>(frame->task->body), outcome.output);
  if (outcome.code == "http.authentication")
    return fail_request(frame, "authentication", 401, outcome);
  if (outcome.code == "http.not_allowed") return fail_request(frame, "authorization", 403, outcome);
  fault_of_call(frame, outcome);
}

bool http_succeeded(const HttpBody& body, const Json& answer) {
  const std::int64_t status = answer.int_or("status", 0);
  return status >= 200 && status <= (body.redirect ? 399 : 299);
}

Json http_output(const HttpBody& body, const Frame::Http& state, const Json& answer) {
  switch (body.output) {
    case HttpBody::Output::content:
      break;
    case HttpBody::Output::raw:
      return raw_of(answer);
    case HttpBody::Output::response:
      return Json::object({{"request", state.shown},
                           {"statusCode", answer.int_or("status", 0)},
                           {"headers", answer["headers"]},
                           {"content", content_of(answer)}});
  }
  return content_of(answer);
}

void Execution::Impl::http_answered(Frame* frame, const HttpBody& body, const Json& answer) {
  Frame::Http& state = *frame->http;
  const std::int64_t status = answer.int_or("status", 0);
  const bool redirects = body.redirect && !state.document;
  if (status < 200 || status > (redirects ? 399 : 299)) {
    const bool valid = status >= 100 && status <= 599;
    Fault fault;
    fault.error = make_error(
        "communication", valid ? static_cast<int>(status) : 502,
        valid ? reason_of(status) : "the answer has no status of HTTP",
        state.document ? "the OpenAPI document could not be fetched" : std::string_view(), *frame);
    if (status == 429 || status == 503) fault.retry_after_ms = pause_of(answer["headers"], now);
    fault.permanent = valid && !repeat_can_help(status);
    return call_failed(frame, std::move(fault));
  }
  // A document that says JSON may be YAML.
  if (const Json& unread = answer["unread"];
      unread.is_string() && (!state.document || !answer["body"].is_string())) {
    constexpr int kBadGateway = 502;
    Fault fault;
    fault.error = make_error("communication", kBadGateway, "the answer cannot be read",
                             unread.as_string(), *frame);
    // The request was carried out.
    fault.permanent = true;
    return call_failed(frame, std::move(fault));
  }
  if (state.document) {
    Result<Json> document = openapi_document(answer["body"]);
    if (!document) return fail_http(frame, document.error(), "document");
    documents.insert_or_assign(state.document_uri, std::move(document).value());
    return send_http(frame, body);
  }
  complete(frame, http_output(body, state, answer));
}

}  // namespace rabt::workflow
