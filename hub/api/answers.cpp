#include "hub/api/answers.hpp"

#include "hub/access/reading.hpp"
#include "hub/api/browser.hpp"
#include "hub/base/json_members.hpp"
#include "hub/base/printable.hpp"
#include "hub/base/trace_context.hpp"
#include "hub/http/problem.hpp"

namespace rabt::api {

using http::Request;
using http::Response;

Response json_response(int status, const Json& body) {
  return {.status = status, .headers = {{"Content-Type", "application/json"}}, .body = body.dump()};
}

Json roles_json(identity::Roles roles) {
  Json out = Json::array();
  for (const std::string& role : roles.names()) out.push_back(role);
  return out;
}

Response no_such_path() {
  return http::problem(404, "http.not_found", "Not Found",
                       "the API has no such path; /api/docs lists what there is");
}

Response wrong_method(std::string_view allowed) {
  Response response = http::problem(405, "http.method", "Method Not Allowed",
                                    "this path answers to " + std::string(allowed));
  response.headers.emplace_back("Allow", allowed);
  return response;
}

identity::Credential shown_by(const Request& request) {
  identity::Credential shown{.authorization = std::string(request.header("authorization")),
                             .actor = std::string(request.header("x-rabt-actor")),
                             .local_user = request.peer_uid};
  // A browser would show its certificate for a page of any site.
  const bool page = !request.header("origin").empty() || !request.header("sec-fetch-site").empty();
  if (!page) shown.certificate = request.peer_certificate;
  const auto session = cookie(request, kSessionCookie);
  if (shown.authorization.empty() && session.ok() && *session)
    shown.authorization = "Bearer " + **session;
  // Whoever signed in is himself, also where the browser holds somebody's visit.
  if (shown.authorization.empty() && shown.actor.empty() && !shown.local_user &&
      shown.certificate == nullptr && session.ok() && !*session)
    shown.guest = visit_of(request);
  return shown;
}

std::string proven_request(const Request& request) {
  std::string out = request.request_id;
  const std::string_view id = request.only_header("x-request-id").value_or("");
  if (is_machine_id(id)) out.append(" id:").append(id);
  const std::string trace = trace_in(request);
  if (!trace.empty()) out.append(" trace:").append(trace);
  return out;
}

std::string trace_in(const Request& request) {
  auto parent = parse_traceparent(request.only_header("traceparent").value_or(""));
  return parent ? std::move(parent->trace) : std::string();
}

bool wants_events(const Request& request) {
  return request.method == "GET" &&
         request.header("accept").find("text/event-stream") != std::string_view::npos;
}

namespace {

Result<Json> parse_body(std::string_view text) {
  if (count_json_values(text) > kMaxJsonValues)
    return invalid("json.members", "the body has more than " + std::to_string(kMaxJsonValues) +
                                       " members and items");
  return Json::parse(text.empty() ? "{}" : text);
}

}  // namespace

const Result<Json>& Body::json() const {
  if (!json_) json_ = parse_body(request_.body);
  return *json_;
}

Result<Json> body_json(const Call& call) {
  return call.body != nullptr ? call.body->json() : Body(call.request).json();
}

Result<std::string> reason_in(const Json& body) {
  std::string reason = tidy_text(body.string_or("reason", ""));
  if (reason.size() <= access::kMaxReason) return reason;
  return invalid("api.invalid", "reason: it must be at most " + std::to_string(access::kMaxReason) +
                                    " bytes long; a sentence, not a record");
}

Result<std::string> needed_reason(const Json& body) {
  RABT_TRY(reason, reason_in(body));
  if (!reason.empty()) return reason;
  return invalid("api.invalid", "reason: say why this is done; the audit log keeps the reason");
}

Result<Json> body_object(const Call& call) {
  RABT_TRY(body, body_json(call));
  if (!body.is_object()) return invalid("api.body", "the body must be a JSON object");
  return body;
}

}  // namespace rabt::api
