#include "hub/api/invitations.hpp"

#include "hub/api/answers.hpp"
#include "hub/api/asks.hpp"
#include "hub/api/browser.hpp"
#include "hub/api/requests/guest_requests.hpp"
#include "hub/api/requests/invitation_requests.hpp"
#include "hub/base/bytes.hpp"
#include "hub/base/typed_code.hpp"
#include "hub/consultation/sessions/sessions.hpp"
#include "hub/crypto/crypto.hpp"

namespace rabt::api {

using http::Response;

namespace {

// One code: a person who opens a link a few times, and not a program.
constexpr Limit kCode = per_minute("invitation", 20);

// True for whoever comes by a link.
bool has_no_account(const Call& call) {
  const identity::Kind kind = call.caller.who.kind;
  return kind == identity::Kind::anonymous || kind == identity::Kind::guest;
}

Response kept_by_nobody(Response response) {
  response.headers.emplace_back("Cache-Control", "no-store");
  return response;
}

}  // namespace

Status Invitations::count(const Call& call) const {
  RABT_TRY(body, body_object(call));
  const std::string code = typed_code(body.string_or("code", ""));
  // A text that cannot be a code is refused later, by its form.
  if (code.empty()) return ok_status();
  if (codes->wait_ms(to_hex(crypto::sha256(code)), kCode, clock->monotonic_ms()) == 0)
    return ok_status();
  return unavailable("rate.exceeded", "this code was sent too often; wait a minute");
}

Result<Response> Invitations::preview(const Call& call) const {
  if (sessions == nullptr) return no_such_path();
  RABT_TRY_STATUS(count(call));
  RABT_TRY(ask, ask_of(call));
  RABT_TRY(shown, sessions->guests.preview(of_code(ask)));
  return kept_by_nobody(answer(200, to_json(shown)));
}

Result<Response> Invitations::accept(const Call& call) const {
  if (sessions == nullptr) return no_such_path();
  RABT_TRY_STATUS(count(call));
  if (!has_no_account(call)) {
    RABT_TRY(ask, keeping(call, 200));
    RABT_TRY(taken, sessions->invitations.accept(ask.caller, of_code(ask)));
    return answer(200, to_json(taken));
  }
  // Previews of links, scanners and pages of other sites bind no browser.
  RABT_TRY_STATUS(check_browser(call.request, origin));
  RABT_TRY(ask, ask_of(call));
  RABT_TRY(entered,
           sessions->guests.enter(
               ask.caller, enter_by_link_of(ask),
               {.held = [&](std::string_view session) { return visit_of(call.request, session); },
                .tap = std::string(call.request.header("idempotency-key"))}));
  Response response = kept_by_nobody(answer(200, to_json(entered.answer)));
  response.headers.emplace_back("Set-Cookie", visit_cookie(entered.proof));
  return response;
}

Result<Response> Invitations::send_code(const Call& call) const {
  if (sessions == nullptr) return no_such_path();
  RABT_TRY_STATUS(count(call));
  if (has_no_account(call)) RABT_TRY_STATUS(check_browser(call.request, origin));
  RABT_TRY(ask, ask_of(call));
  RABT_TRY(sent, sessions->guests.send_code(ask.caller, of_code(ask)));
  return kept_by_nobody(answer(200, to_json(sent)));
}

Result<Response> Invitations::ask_app(const Call& call) const {
  if (sessions == nullptr) return no_such_path();
  RABT_TRY_STATUS(count(call));
  if (has_no_account(call)) RABT_TRY_STATUS(check_browser(call.request, origin));
  RABT_TRY(ask, ask_of(call));
  RABT_TRY(asked, sessions->guests.ask_app(ask.caller, of_code(ask)));
  return kept_by_nobody(answer(200, to_json(asked)));
}

}  // namespace rabt::api
