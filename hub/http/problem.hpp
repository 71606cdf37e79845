#pragma once

#include <string_view>

#include "hub/base/result.hpp"
#include "hub/http/server.hpp"

// Errors as the caller sees them: RFC 9457 problem documents.
namespace rabt::http {

inline constexpr std::string_view kProblemType = "application/problem+json";

// type is https://rabt.health/problems/<code>; members type, title, status, detail, code. The
// server adds instance, the request id.
[[nodiscard]] Response problem(int status, std::string_view code, std::string_view title,
                               std::string_view detail);
// The status that an error has over HTTP: error_policy's by its kind, and another one for the codes
// that the table in problem.cpp names.
[[nodiscard]] int status_of(const Error& error);
// Status by status_of. Nothing internal
// leaves: corrupt and internal errors keep their code and lose their message, http.signature does
// not say which part failed. audit.unavailable has the type .../audit-unavailable and says that
// nothing was done, not what is wrong with the log. Retry-After where a retry helps. The whole
// message stays in Response::cause, for the log.
[[nodiscard]] Response problem(const Error& error);
// The standard phrase, "Error" for an unknown status.
[[nodiscard]] std::string_view reason_phrase(int status);
// True if the body is a problem document.
[[nodiscard]] bool is_problem(const Response& response);
// Adds the instance member to a problem document; leaves every other response alone.
void set_instance(Response& response, std::string_view request_id);

}  // namespace rabt::http
