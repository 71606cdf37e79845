#include "hub/http/problem.hpp"

#include <algorithm>
#include <array>

#include "hub/base/json.hpp"

namespace rabt::http {

namespace {

Response problem_of(int status, std::string_view type, std::string_view code,
                    std::string_view title, std::string_view detail) {
  Json document = Json::object({{"type", "https://rabt.health/problems/" + std::string(type)},
                                {"title", title},
                                {"status", status},
                                {"detail", detail},
                                {"code", code}});
  Response response;
  response.status = status;
  response.headers.emplace_back("Content-Type", kProblemType);
  response.body = document.dump();
  return response;
}

// Codes whose status is not that of their kind.
struct ByCode {
  std::string_view code;
  int status;
};
constexpr std::array kByCode{
    ByCode{"http.signature", 401},
    ByCode{"http.unauthenticated", 401},
    // The body is JSON, and what it says is wrong.
    ByCode{"api.invalid", 422},
    ByCode{"engine.answer", 422},
    ByCode{"task.answer", 422},
    ByCode{"document.type", 422},
    ByCode{"phi.exposed", 422},
    ByCode{"plugin.delivery", 422},
    ByCode{"role.separation", 422},
    ByCode{"idempotency.reused", 422},
    ByCode{"precondition.required", 428},
    ByCode{"precondition.failed", 412},
    ByCode{"http.upgrade", 426},
    ByCode{"http.content_coding", 415},
    ByCode{"http.body_too_large", 413},
    ByCode{"invitation.revoked", 410},
};

// A pattern that begins with a dot is the end of a code, any other one its beginning.
struct ByFamily {
  std::string_view pattern;
  ErrorKind kind;
  int status;
};
constexpr std::array kByFamily{
    ByFamily{"auth.", ErrorKind::denied, 401},
    ByFamily{".too_large", ErrorKind::invalid, 413},
    // It was there once.
    ByFamily{".expired", ErrorKind::conflict, 410},
    ByFamily{".withdrawn", ErrorKind::conflict, 410},
    ByFamily{"rate.", ErrorKind::unavailable, 429},
    // Sound that nothing can be made of.
    ByFamily{"asr.", ErrorKind::invalid, 422},
    // The video provider answered, and what it answered cannot be used.
    ByFamily{"video.", ErrorKind::invalid, 502},
    ByFamily{"video.", ErrorKind::ambiguous, 502},
};

bool belongs(std::string_view code, std::string_view pattern) {
  return pattern.starts_with('.') ? code.ends_with(pattern) : code.starts_with(pattern);
}

// Errors of the hub's own files say paths, which are for the operator alone.
bool names_files(std::string_view code) {
  return code.ends_with(".io") || code.ends_with("_io") || code.ends_with("_mode") ||
         code == "store.open" || code.starts_with("cli.");
}

}  // namespace

int status_of(const Error& error) {
  for (const ByCode& code : kByCode) {
    if (code.code == error.code) return code.status;
  }
  for (const ByFamily& family : kByFamily) {
    if (family.kind == error.kind && belongs(error.code, family.pattern)) return family.status;
  }
  return error_policy(error.kind).http_status;
}

Response problem(int status, std::string_view code, std::string_view title,
                 std::string_view detail) {
  Response response = problem_of(status, code, code, title, detail);
  response.cause = Cause{.code = std::string(code), .reason = std::string(detail)};
  return response;
}

Response problem(const Error& error) {
  const auto policy = error_policy(error.kind);
  const bool unsigned_delivery = error.code == "http.signature";
  const int status = status_of(error);
  std::string_view detail = error.message;
  std::string_view title = reason_phrase(status);
  std::string_view type = error.code;
  if (error.code == "audit.unavailable") {
    // The fault of the log concerns the operator; the caller learns that nothing happened.
    type = "audit-unavailable";
    title = "Audit unavailable";
    detail =
        "nothing was done: the act could not be written to the audit log, and no act happens "
        "without its entry";
  } else if (unsigned_delivery) {
    detail = "the signature or credential of this delivery does not hold";
  } else if (error.kind == ErrorKind::internal || error.kind == ErrorKind::corrupt ||
             names_files(error.code)) {
    detail = "the request could not be served; the operator finds the cause under the request id";
  }
  auto response = problem_of(status, type, error.code, title, detail);
  response.cause = Cause{.code = error.code, .reason = error.message};
  if (status == 401) response.headers.emplace_back("WWW-Authenticate", "Bearer");
  if (policy.retry_helps) response.headers.emplace_back("Retry-After", "5");
  return response;
}

std::string_view reason_phrase(int status) {
  switch (status) {
    case 200:
      return "OK";
    case 201:
      return "Created";
    case 202:
      return "Accepted";
    case 204:
      return "No Content";
    case 206:
      return "Partial Content";
    case 301:
      return "Moved Permanently";
    case 302:
      return "Found";
    case 303:
      return "See Other";
    case 304:
      return "Not Modified";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 406:
      return "Not Acceptable";
    case 408:
      return "Request Timeout";
    case 409:
      return "Conflict";
    case 410:
      return "Gone";
    case 411:
      return "Length Required";
    case 412:
      return "Precondition Failed";
    case 413:
      return "Content Too Large";
    case 414:
      return "URI Too Long";
    case 415:
      return "Unsupported Media Type";
    case 416:
      return "Range Not Satisfiable";
    case 417:
      return "Expectation Failed";
    case 421:
      return "Misdirected Request";
    case 422:
      return "Unprocessable Content";
    case 426:
      return "Upgrade Required";
    case 428:
      return "Precondition Required";
    case 429:
      return "Too Many Requests";
    case 431:
      return "Request Header Fields Too Large";
    case 500:
      return "Internal Server Error";
    case 501:
      return "Not Implemented";
    case 502:
      return "Bad Gateway";
    case 503:
      return "Service Unavailable";
    case 504:
      return "Gateway Timeout";
    case 505:
      return "HTTP Version Not Supported";
    case 507:
      return "Insufficient Storage";
    default:
      return "Error";
  }
}

bool is_problem(const Response& response) {
  if (response.stream || !response.body.ends_with('}') || response.body.size() < 3) return false;
  return std::any_of(response.headers.begin(), response.headers.end(), [](const auto& field) {
    return field.first == "Content-Type" && field.second == kProblemType;
  });
}

void set_instance(Response& response, std::string_view request_id) {
  if (!is_problem(response)) return;
  response.body.pop_back();
  response.body += ",\"instance\":";
  append_json_string(response.body, request_id);
  response.body.push_back('}');
}

}  // namespace rabt::http
