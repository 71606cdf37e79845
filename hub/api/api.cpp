#include "hub/api/api.hpp"

#include "hub/api/answers.hpp"
#include "hub/api/routes.hpp"
#include "hub/base/bytes.hpp"
#include "hub/http/problem.hpp"

namespace rabt::api {

using http::Request;
using http::Response;

namespace {

// Title and detail of a problem document as the policy lets them leave. Other responses stay.
void screen(Response& response, const phi::Policy& policy) {
  if (!http::is_problem(response)) return;
  auto document = Json::parse(response.body);
  if (!document.ok()) return;
  for (const char* member : {"title", "detail"}) {
    const std::string text = document->string_or(member, "");
    document->set(member, policy.hub_text(phi::Channel::error, member, text));
  }
  response.body = document->dump();
}

Response no_token() {
  Response response = http::problem(401, "http.unauthenticated", "Unauthorized",
                                    "send the API token as `Authorization: Bearer ...`; it is in "
                                    "the file api-token of the data folder");
  response.headers.emplace_back("WWW-Authenticate", "Bearer");
  return response;
}

identity::Caller caller_of(const Request& request, bool trusted) {
  identity::Caller caller;
  if (trusted) caller.who = {.kind = identity::Kind::client, .id = "api-token"};
  caller.client = request.remote;
  caller.request = request.request_id;
  caller.reason = request.header("x-rabt-reason");
  return caller;
}

}  // namespace

Api::Api(std::unique_ptr<Resources> resources, const identity::ApiToken& token,
         const phi::Policy& privacy)
    : resources_(std::move(resources)), token_(token), privacy_(privacy) {
  resources_->metrics.add(resources_->hooks);
  resources_->metrics.add(*this);
}

http::Admission Api::admit(const Request& head) {
  http::Admission admission = judge(head);
  if (auto* refusal = std::get_if<Response>(&admission)) screen(*refusal, privacy_);
  return admission;
}

http::Admission Api::judge(const Request& head) {
  // Who has no token does not learn which paths there are.
  const bool trusted = has_token(head);
  const bool needs_token = head.path.starts_with("/api/v1/");
  if (needs_token && !trusted) {
    ++refused_;
    return no_token();
  }
  const Found found = find_route(head.method, head.path);
  if (found.route == nullptr) {
    if (!found.allowed.empty()) return wrong_method(found.allowed);
    if (needs_token) return no_such_path();
    return http::problem(404, "http.not_found", "Not Found",
                         "there is nothing here; see docs/openapi.yaml");
  }
  const Call call{.request = head,
                  .path = found.path,
                  .trusted = trusted,
                  .caller = caller_of(head, trusted),
                  .pattern = found.route->pattern};
  if (found.route->check != nullptr) {
    const auto wanted = found.route->check(*resources_, call);
    if (!wanted.ok()) return http::problem(wanted.error());
  }
  return [this, handler = found.route->handler, call](const Request& /*request*/) {
    auto answer = handler(*resources_, call);
    Response response = answer.ok() ? *std::move(answer) : http::problem(answer.error());
    screen(response, privacy_);
    return response;
  };
}

bool Api::has_token(const Request& request) const {
  const auto value = request.only_header("authorization");
  constexpr std::string_view kBearer = "Bearer ";
  if (!value || !value->starts_with(kBearer)) return false;
  return token_.matches(value->substr(kBearer.size()));
}

void write_metrics(const Api& api, MetricsWriter& out) {
  out.counter("rabt_api_refused_total", "API requests without a valid token.", api.refused());
}

}  // namespace rabt::api
