#include "hub/http/problem.hpp"

#include <algorithm>

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

}  // namespace

Response problem(int status, std::string_view code, std::string_view title,
                 std::string_view detail) {
  return problem_of(status, code, code, title, detail);
}

Response problem(const Error& error) {
  const auto policy = error_policy(error.kind);
  const bool unsigned_delivery = error.code == "http.signature";
  const int status =
      unsigned_delivery || error.code == "http.unauthenticated" ? 401 : policy.http_status;
  std::string_view detail = error.message;
  std::string_view title = reason_phrase(status);
  std::string_view type = error.code;
  if (error.code == "audit.unavailable") {
    // What is wrong with the log is the operator's; the caller learns that nothing happened.
    type = "audit-unavailable";
    title = "Audit unavailable";
    detail =
        "nothing was done: the act could not be written to the audit log, and no act happens "
        "without its entry";
  } else if (unsigned_delivery) {
    detail = "the signature or credential of this delivery does not hold";
  } else if (error.kind == ErrorKind::internal || error.kind == ErrorKind::corrupt) {
    detail = "the request could not be served; the operator finds the cause under the request id";
  }
  auto response = problem_of(status, type, error.code, title, detail);
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
    case 422:
      return "Unprocessable Content";
    case 429:
      return "Too Many Requests";
    case 431:
      return "Request Header Fields Too Large";
    case 500:
      return "Internal Server Error";
    case 501:
      return "Not Implemented";
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
