#include "hub/api/oidc.hpp"

#include "hub/api/answers.hpp"
#include "hub/api/browser.hpp"
#include "hub/base/uri.hpp"
#include "hub/http/request_head.hpp"
#include "hub/pages/pages.hpp"

namespace rabt::api {

using http::Response;

namespace {

// Binds a sign-in to the browser that began it.
constexpr std::string_view kFlowCookie = "__Host-rabt-flow";

// The page of the sign-in, which says what was wrong, and leads to where the person wanted to go.
Response to_sign_in(const Error& error, std::string_view return_to) {
  std::string location = "/login?failed=" + percent_encode(error.code);
  if (!return_to.empty()) location += "&to=" + percent_encode(return_to);
  return {.status = 303,
          .headers = {{"Location", std::move(location)},
                      {"Set-Cookie", end_cookie(kFlowCookie)},
                      {"Cache-Control", "no-store"}}};
}

}  // namespace

bool OidcSignIn::shows(const Call& call) const {
  return pages_ && pages::wants_page(call.request);
}

Result<Response> OidcSignIn::login(const Call& call) const {
  const auto asked = call.request.parameter("return_to");
  const std::string_view to = asked.value_or("/");
  if (!is_own_path(to))
    return invalid("api.invalid", "return_to: must be a path of this hub, such as /console");
  const auto begun = oidc_.begin(call.path[0], to);
  if (!begun.ok()) {
    if (shows(call)) return to_sign_in(begun.error(), to);
    return begun.error();
  }
  return Response{.status = 303,
                  .headers = {{"Location", begun->location},
                              {"Set-Cookie", set_cookie(kFlowCookie, begun->browser)},
                              {"Cache-Control", "no-store"}}};
}

Result<Response> OidcSignIn::callback(const Call& call) const {
  RABT_TRY(browser, cookie(call.request, kFlowCookie));
  std::string wanted;
  const auto ended =
      oidc_.finish(call.path[0], call.request.query, browser.value_or(""), call.caller, &wanted);
  if (!ended.ok()) {
    if (shows(call)) return to_sign_in(ended.error(), wanted);
    return ended.error();
  }
  return Response{.status = 303,
                  .headers = {{"Location", ended->return_to},
                              {"Set-Cookie", set_cookie(kSessionCookie, ended->in.token)},
                              {"Set-Cookie", keep_cookie(kDeviceCookie, ended->in.device)},
                              {"Set-Cookie", end_cookie(kFlowCookie)},
                              {"Cache-Control", "no-store"}}};
}

Result<Response> OidcSignIn::logout(const Call& call) const {
  const auto refuse = [] {
    Response response = json_response(400, Json::object({{"error", "invalid_request"}}));
    response.headers.emplace_back("Cache-Control", "no-store");
    return response;
  };
  const auto form = http::parse_query(call.request.body);
  if (!call.request.header("content-type").starts_with("application/x-www-form-urlencoded") ||
      !form || form->size() != 1 || form->front().first != "logout_token")
    return refuse();
  const Status done = oidc_.logout(call.path[0], form->front().second, call.caller);
  if (!done.ok() && done.error().code == "auth.oidc") return refuse();
  RABT_TRY_STATUS(done);
  return Response{.status = 200, .headers = {{"Cache-Control", "no-store"}}};
}

}  // namespace rabt::api
