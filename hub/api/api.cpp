#include "hub/api/api.hpp"

#include "hub/access/reading.hpp"
#include "hub/api/answers.hpp"
#include "hub/api/guarded_socket.hpp"
#include "hub/api/patients.hpp"
#include "hub/api/routes.hpp"
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

Response unauthorised(std::string_view detail) {
  Response response = http::problem(401, "http.unauthenticated", "Unauthorized", detail);
  response.headers.emplace_back("WWW-Authenticate", "Bearer");
  return response;
}

}  // namespace

Api::Api(std::unique_ptr<Resources> resources, Parts parts)
    : resources_(std::move(resources)), parts_(parts) {
  resources_->metrics.add(resources_->hooks);
  resources_->metrics.add(*this);
}

http::Admission Api::admit(const Request& head, std::string_view listener) {
  const identity::Credential shown = credential_of(head);
  http::Admission admission = judge(head, listener, shown);
  if (auto* refusal = std::get_if<Response>(&admission)) {
    screen(*refusal, parts_.privacy);
    return admission;
  }
  if (head.header("upgrade").empty()) return admission;
  return [this, shown, answer = std::get<http::Handler>(admission)](const Request& request) {
    Response response = answer(request);
    if (response.socket == nullptr) return response;
    // What it comes to now, so that nothing is lost between the judgement and the watch.
    auto who = parts_.who.again(shown, false);
    if (!who.ok()) return http::problem(who.error());
    response.socket = guarded(std::move(response.socket), parts_.watch, *std::move(who), shown);
    return response;
  };
}

http::Admission Api::judge(const Request& head, std::string_view listener,
                           const identity::Credential& shown) {
  if (doors_ != nullptr) {
    if (auto page = doors_->description(listener, head)) return *std::move(page);
    const auto of_door = doors_->find(listener, head);
    if (of_door.door != nullptr) return judge(of_door, head, shown);
  }
  const Found found = find_route(head.method, head.path);
  const bool open = found.route != nullptr && found.route->permission.allows({});
  auto caller = caller_of(head, shown);
  if (!caller.ok()) {
    if (caller.error().code != "http.unauthenticated") return http::problem(caller.error());
    // What is open asks nobody: a delivery brings its own proof in the same header.
    if (!open) {
      ++refused_;
      return unauthorised(caller.error().message);
    }
    caller = identity::Caller{.client = head.remote, .request = head.request_id};
  }
  // Who is nobody does not learn which paths there are.
  const bool stranger = caller->who.kind == identity::Kind::anonymous;
  if (stranger && !open && (found.route != nullptr || head.path.starts_with("/api/v1/"))) {
    ++refused_;
    return unauthorised(
        "sign in, or send a token as `Authorization: Bearer ...`; `rabt` finds the API token in "
        "the file api-token of the data folder");
  }
  if (found.route == nullptr) {
    if (!found.allowed.empty()) return wrong_method(found.allowed);
    if (head.path.starts_with("/api/v1/")) return no_such_path();
    return http::problem(404, "http.not_found", "Not Found",
                         "there is nothing here; see docs/openapi.yaml");
  }
  if (!found.route->permission.allows(caller->who)) {
    if (found.route->permission.to == Permission::To::local) return no_such_path();
    return refuse(*caller, *found.route);
  }
  const Call call{.request = head,
                  .path = found.path,
                  .caller = *std::move(caller),
                  .pattern = found.route->pattern};
  if (found.route->check != nullptr) {
    const auto wanted = found.route->check(*resources_, call);
    if (!wanted.ok()) return http::problem(wanted.error());
  }
  return [this, route = found.route, call](const Request& /*request*/) {
    Response response = once(*route, call);
    screen(response, parts_.privacy);
    return response;
  };
}

Response Api::once(const Route& route, const Call& call) {
  const auto answer = [&] {
    auto answered = route.handler(*resources_, call);
    return answered.ok() ? *std::move(answered) : http::problem(answered.error());
  };
  if (route.method == "GET" || call.caller.who.kind == identity::Kind::anonymous) return answer();
  auto begun = parts_.replays.begin(call.caller.who, route.operation, call.request);
  if (!begun.ok()) return http::problem(begun.error());
  if (begun->answer) return *std::move(begun->answer);
  Response response = answer();
  parts_.replays.finish(begun->ticket, response);
  return response;
}

http::Admission Api::judge(const compat::Doors::Found& found, const Request& head,
                           const identity::Credential& shown) {
  const bool open = found.route != nullptr && found.route->open;
  if (found.route == nullptr && head.method == "OPTIONS") return doors_->other_method(found, head);
  auto caller = caller_of(head, shown);
  if (!caller.ok()) {
    if (caller.error().code != "http.unauthenticated" || !open) {
      ++refused_;
      return doors_->refuse(found, head, caller.error());
    }
    caller = identity::Caller{.client = head.remote, .request = head.request_id};
  }
  if (!open && caller->who.kind == identity::Kind::anonymous) {
    ++refused_;
    return doors_->refuse(found, head, identity::unauthenticated());
  }
  if (found.route == nullptr) return doors_->other_method(found, head);
  if (auto refusal = doors_->over_rate(found, head, *caller)) return *std::move(refusal);
  return [this, found, caller = *std::move(caller)](const Request& request) {
    return doors_->answer(found, request, caller);
  };
}

std::string Api::metrics_text() const {
  const Request none;
  return resources_->metrics.get({.request = none}).body;
}

identity::Credential Api::credential_of(const Request& head) const {
  identity::Credential shown = shown_by(head);
  const bool nothing = shown.authorization.empty() && shown.actor.empty() && !shown.local_user;
  // A page that opens a WebSocket can set no header.
  if (nothing && resources_->stream != nullptr) {
    if (auto ticketed = resources_->stream->tickets().take(head)) return *std::move(ticketed);
  }
  return shown;
}

Result<identity::Caller> Api::caller_of(const Request& head,
                                        const identity::Credential& shown) const {
  // Two headers of one name could be read differently by two programs.
  for (const std::string_view name : {"authorization", "x-rabt-actor"}) {
    if (!head.header(name).empty() && !head.only_header(name)) return identity::unauthenticated();
  }
  RABT_TRY(who, parts_.who.principal({.authorization = shown.authorization,
                                      .local_user = shown.local_user,
                                      .actor = shown.actor,
                                      .client = head.remote,
                                      .request = head.request_id}));
  return identity::Caller{.who = std::move(who),
                          .client = head.remote,
                          .request = head.request_id,
                          .reason = std::string(head.header("x-rabt-reason")),
                          .purpose = std::string(head.header("x-rabt-purpose"))};
}

Response Api::refuse(const identity::Caller& caller, const Route& route) {
  const auto entry =
      parts_.audit.prepare({.tenant = caller.who.tenant,
                            .actor = caller.who.actor(),
                            .act = "access.refused",
                            .object = "operation:" + std::string(route.operation),
                            .result = "authorisation.denied",
                            .detail = Json::object({{"token", caller.who.credential}}),
                            .patient = {},
                            .purpose = {},
                            .client = caller.client,
                            .request = caller.request,
                            .sealed = {}});
  const Status written = parts_.store.write(
      [&](store::Transaction& transaction) { return parts_.audit.append(transaction, entry); });
  return http::problem(written.ok() ? not_allowed() : access::not_audited(written.error()));
}

void write_metrics(const Api& api, MetricsWriter& out) {
  out.counter("rabt_api_refused_total", "API requests without a valid credential.", api.refused());
}

}  // namespace rabt::api
