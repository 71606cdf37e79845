#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "hub/api/routes.hpp"
#include "hub/base/json.hpp"
#include "hub/base/result.hpp"
#include "hub/http/server.hpp"
#include "hub/identity/authenticator.hpp"

// Small answers that the resources share.
namespace rabt::api {

[[nodiscard]] http::Response json_response(int status, const Json& body);
// Their names, as an array.
[[nodiscard]] Json roles_json(identity::Roles roles);
// 404: the API has no such path.
[[nodiscard]] http::Response no_such_path();
// 405 with the methods that the path answers to, as Allow has them.
[[nodiscard]] http::Response wrong_method(std::string_view allowed);
// Credential that the request shows.
[[nodiscard]] identity::Credential shown_by(const http::Request& request);
// The request's id for the audit log, when the caller has proved who he is: the hub's own, and
// behind it what he calls the request. " id:" and his X-Request-Id, when a machine drew it; "
// trace:" and the trace id of his `traceparent`. `tracestate` is not read.
[[nodiscard]] std::string proven_request(const http::Request& request);
// The trace that the request belongs to, as a caller says it who has proved who he is. Empty when
// he says none.
[[nodiscard]] std::string trace_in(const http::Request& request);
// True if the caller asks for a stream of events (Accept: text/event-stream).
[[nodiscard]] bool wants_events(const http::Request& request);

// The body of a request as JSON, read once, when it is first asked for. An empty body is an empty
// object. Used by one thread at a time.
class Body {
 public:
  explicit Body(const http::Request& request) : request_(request) {}
  // Errors: json.*.
  [[nodiscard]] const Result<Json>& json() const;

 private:
  const http::Request& request_;
  mutable std::optional<Result<Json>> json_;
};
// Errors: json.*.
[[nodiscard]] Result<Json> body_json(const Call& call);
// Errors: json.*, api.body.
[[nodiscard]] Result<Json> body_object(const Call& call);
// The member `reason` as it is kept (tidy_text). Empty if it is missing or no text. Error invalid
// api.invalid if it is longer than access::kMaxReason.
[[nodiscard]] Result<std::string> reason_in(const Json& body);
// The same, and an error where it is empty: an act that somebody has to account for.
[[nodiscard]] Result<std::string> needed_reason(const Json& body);

}  // namespace rabt::api
