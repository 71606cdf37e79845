#include "hub/api/accounts.hpp"
#include "hub/api/answers.hpp"
#include "hub/api/browser.hpp"
#include "hub/api/patients.hpp"

// Passkeys, proving oneself again, and where one is signed in.
namespace rabt::api {

using http::Response;

namespace {

Json json_of(const identity::Passkey& passkey) {
  Json out = Json::object({{"id", passkey.id},
                           {"name", passkey.name},
                           {"backupEligible", passkey.backup_eligible},
                           {"backedUp", passkey.backed_up},
                           {"created", to_iso8601({passkey.created_ms})}});
  if (passkey.used_ms > 0) out.set("lastUsed", to_iso8601({passkey.used_ms}));
  return out;
}

Result<Response> begun(const Result<identity::Ceremony>& ceremony) {
  if (!ceremony.ok()) return ceremony.error();
  Response response = json_response(
      200, Json::object({{"ceremony", ceremony->handle}, {"publicKey", ceremony->options}}));
  response.headers.emplace_back("Cache-Control", "no-store");
  return response;
}

Result<identity::PasskeyAnswer> answer_of(const Json& body) {
  if (!body["ceremony"].is_string() || !body["credential"].is_object())
    return invalid("api.invalid",
                   "ceremony, credential: must be what was begun with, and what the browser gave");
  return identity::PasskeyAnswer{.handle = body["ceremony"].as_string(),
                                 .credential = body["credential"]};
}

// True if the request came by the cookie of a browser.
Result<bool> has_cookie(const Call& call) {
  RABT_TRY(held, cookie(call.request, kSessionCookie));
  return held.has_value();
}

}  // namespace

Result<Response> Accounts::begin_passkey_sign_in(const Call& /*call*/) const {
  return begun(accounts.begin_sign_in());
}

Result<Response> Accounts::sign_in_with_passkey(const Call& call) const {
  RABT_TRY(body, body_object(call));
  RABT_TRY(answer, answer_of(body));
  const bool by_cookie = body["cookie"] == Json(true);
  // Another site must not sign a browser in, either.
  if (by_cookie) RABT_TRY_STATUS(check_browser(call.request, origin));
  RABT_TRY(in, accounts.sign_in(call.caller, answer));
  if (by_cookie) RABT_TRY_STATUS(accounts.logout(call.caller, {}));
  return signed_in(in, by_cookie);
}

Result<Response> Accounts::begin_step_up(const Call& call) const {
  RABT_TRY_STATUS(own_person(call));
  return begun(accounts.begin_step_up(call.caller));
}

Result<Response> Accounts::step_up(const Call& call) const {
  RABT_TRY_STATUS(own_person(call));
  RABT_TRY(body, body_object(call));
  identity::StepUp proof{.otp = body.string_or("otp", ""),
                         .password = body.string_or("password", "")};
  if (body.find("credential") != nullptr) {
    RABT_TRY(answer, answer_of(body));
    proof.passkey = std::move(answer);
  } else if (proof.otp.empty() && proof.password.empty()) {
    return invalid("api.invalid", "otp, credential or password: one of them is needed");
  }
  RABT_TRY(by_cookie, has_cookie(call));
  RABT_TRY(in, accounts.step_up(call.caller, proof));
  return signed_in(in, by_cookie);
}

Result<Response> Accounts::begin_passkey(const Call& call) const {
  RABT_TRY_STATUS(own_person(call));
  return begun(accounts.begin_passkey(call.caller));
}

Result<Response> Accounts::add_passkey(const Call& call) const {
  RABT_TRY_STATUS(own_person(call));
  RABT_TRY(body, body_object(call));
  RABT_TRY(answer, answer_of(body));
  RABT_TRY(passkey, accounts.add_passkey(call.caller, answer, body.string_or("name", "")));
  Response response = json_response(201, json_of(passkey));
  response.headers.emplace_back("Location", "/api/v1/me/passkeys/" + passkey.id);
  return response;
}

Result<Response> Accounts::passkeys(const Call& call) const {
  RABT_TRY(person, own_person(call));
  RABT_TRY(all, accounts.passkeys(person));
  Json items = Json::array();
  for (const identity::Passkey& passkey : all) items.push_back(json_of(passkey));
  return json_response(200, Json::object({{"items", std::move(items)}}));
}

Result<Response> Accounts::rename_passkey(const Call& call) const {
  RABT_TRY_STATUS(own_person(call));
  RABT_TRY(body, body_object(call));
  RABT_TRY(changed, accounts.rename_passkey(call.caller, call.path[0], body.string_or("name", "")));
  return json_response(200, json_of(changed));
}

Result<Response> Accounts::remove_passkey(const Call& call) const {
  RABT_TRY_STATUS(own_person(call));
  RABT_TRY_STATUS(accounts.remove_passkey(call.caller, call.path[0]));
  return Response{.status = 204};
}

Result<Response> Accounts::sessions(const Call& call) const {
  RABT_TRY(person, own_person(call));
  RABT_TRY(all, accounts.sessions(person));
  Json items = Json::array();
  for (const identity::Session& session : all)
    items.push_back(Json::object({{"id", session.id},
                                  {"current", session.id == call.caller.who.session},
                                  {"factors", session.factors},
                                  {"created", to_iso8601({session.created_ms})},
                                  {"lastSeen", to_iso8601({session.seen_ms})},
                                  {"ends", to_iso8601({session.ends_ms})}}));
  return json_response(200, Json::object({{"items", std::move(items)}}));
}

Result<Response> Accounts::end_session(const Call& call) const {
  RABT_TRY_STATUS(own_person(call));
  RABT_TRY_STATUS(accounts.end_session(call.caller, call.path[0]));
  return Response{.status = 204};
}

Result<Response> Accounts::end_user_sessions(const Call& call) const {
  RABT_TRY(id, people.record(tenant, Json(call.path[0])));
  RABT_TRY_STATUS(accounts.logout_everywhere(call.caller, id));
  return Response{.status = 204};
}

}  // namespace rabt::api
