#include "hub/api/accounts.hpp"

#include "hub/api/answers.hpp"
#include "hub/api/approvals.hpp"
#include "hub/api/asks.hpp"
#include "hub/api/browser.hpp"
#include "hub/api/patients.hpp"
#include "hub/api/person_json.hpp"
#include "hub/consultation/request/fields.hpp"
#include "hub/identity/name_search.hpp"
#include "hub/identity/profile.hpp"
#include "hub/identity/qr.hpp"

namespace rabt::api {

using http::Response;
using identity::Role;

namespace {

// Roles of the people that the list of accounts shows.
constexpr identity::Roles kStaff{
    Role::admin,       Role::security_officer, Role::engineer,   Role::operator_, Role::auditor,
    Role::integration, Role::doctor,           Role::specialist, Role::nurse,     Role::desk};
// The member `signIn` of an account that nobody can sign in to.
constexpr std::string_view kNoWayIn = "none";
// Part of a name that is searched for.
constexpr std::size_t kShortestName = 2;
// People that one search shows.
constexpr std::size_t kMostFound = 50;

Result<std::string> text_of(const Json& body, std::string_view name) {
  if (!body[name].is_string())
    return invalid("api.invalid", std::string(name) + ": must be a text");
  return body[name].as_string();
}

// This machine: the Unix socket, or a loopback address. A one-time code crosses no network in the
// open.
bool is_near(std::string_view client) {
  return client == "local" || client == "::1" || client.starts_with("127.");
}

Response enrolment(int status, const identity::Enrolment& factor) {
  Response response = json_response(status, Json::object({{"secret", factor.secret},
                                                          {"uri", factor.uri},
                                                          {"qr", identity::qr_svg(factor.uri)}}));
  response.headers.emplace_back("Cache-Control", "no-store");
  return response;
}

Json list_of(std::vector<std::string> codes) {
  Json out = Json::array();
  for (std::string& code : codes) out.push_back(std::move(code));
  return out;
}

// Refuses to change members that are not shown: they belong to the patient's record.
Status check_hidden(const identity::Person& person, const Json& profile) {
  if (!is_only_treated(person.roles)) return ok_status();
  for (const auto& [name, value] : profile.as_object()) {
    if (name == "username") continue;
    return invalid("api.invalid", name + ": stands in the patient's record, and is changed there");
  }
  return ok_status();
}

// Order that a second person confirms: the account, and the roles that it gets.
Json wish_of(const Json& profile, identity::Roles roles) {
  return Json::object({{"username", profile.string_or("username", "")},
                       {"name", profile.string_or("name", "")},
                       {"roles", roles_json(roles)}});
}

// Removes the flag `name` from the body. Returns true if the flag was set.
bool take_flag(Json& body, std::string_view name) {
  const bool set = body[name] == Json(true);
  body.mutable_object().erase(name);
  return set;
}

}  // namespace

Result<Response> Accounts::login(const Call& call) const {
  RABT_TRY(body, body_object(call));
  RABT_TRY(username, text_of(body, "username"));
  RABT_TRY(password, text_of(body, "password"));
  const bool by_cookie = body["cookie"] == Json(true);
  // Another site must not sign a browser in, either.
  if (by_cookie) RABT_TRY_STATUS(check_browser(call.request, origin));
  RABT_TRY(in, accounts.login({.username = std::move(username),
                               .password = std::move(password),
                               .otp = body.string_or("otp", ""),
                               .new_password = body.string_or("newPassword", ""),
                               .client = call.caller.client,
                               .request = call.caller.request,
                               .device = call.caller.device}));
  // The session that the browser had before is over.
  if (by_cookie) RABT_TRY_STATUS(accounts.logout(call.caller, {}));
  return signed_in(in, by_cookie);
}

Response signed_in(const identity::SignedIn& in, bool by_cookie) {
  Json out = Json::object({{"expiresIn", in.expires_in}, {"user", account_json(in.person)}});
  if (in.must_enrol) out.set("mustEnrol", true);
  if (!by_cookie) {
    out.set("accessToken", in.token);
    out.set("tokenType", "bearer");
    out.set("device", in.device);
  }
  Response response = json_response(200, out);
  response.headers.emplace_back("Cache-Control", "no-store");
  if (by_cookie) {
    response.headers.emplace_back("Set-Cookie", set_cookie(kSessionCookie, in.token));
    response.headers.emplace_back("Set-Cookie", keep_cookie(kDeviceCookie, in.device));
  }
  return response;
}

Result<Response> Accounts::logout(const Call& call) const {
  RABT_TRY(body, body_object(call));
  if (body["everywhere"] == Json(true)) {
    RABT_TRY(person, own_person(call));
    RABT_TRY_STATUS(accounts.logout_everywhere(call.caller, person));
  } else {
    RABT_TRY_STATUS(accounts.logout(call.caller, call.request.header("authorization")));
  }
  Response response = answer(204, Json());
  RABT_TRY(held, cookie(call.request, kSessionCookie));
  if (held) response.headers.emplace_back("Set-Cookie", end_cookie(kSessionCookie));
  return response;
}

Result<Response> Accounts::activate(const Call& call) const {
  RABT_TRY(body, body_object(call));
  RABT_TRY(username, text_of(body, "username"));
  RABT_TRY(password, text_of(body, "password"));
  RABT_TRY(code, text_of(body, "code"));
  RABT_TRY_STATUS(accounts.activate({.username = std::move(username),
                                     .password = std::move(password),
                                     .otp = {},
                                     .client = call.caller.client,
                                     .request = call.caller.request,
                                     .device = call.caller.device},
                                    code));
  return answer(204, Json());
}

Result<Response> Accounts::me(const Call& call) const {
  const identity::Principal& who = call.caller.who;
  Json roles = roles_json(who.roles);
  if (who.person.empty()) {
    return json_response(
        200,
        Json::object({{"actor", who.actor()}, {"roles", std::move(roles)}, {"tenant", tenant}}));
  }
  RABT_TRY(person, people.find(tenant, who.person));
  Json out = person_json(person);
  out.set("actor", who.actor());
  // Roles that this credential allows now, which may be fewer than those of the person.
  out.set("roles", std::move(roles));
  out.set("tenant", tenant);
  if (who.must_enrol) out.set("mustEnrol", true);
  return json_response(200, out);
}

Result<Response> Accounts::password(const Call& call) const {
  RABT_TRY(body, body_object(call));
  RABT_TRY_STATUS(own_person(call));
  RABT_TRY(old, text_of(body, "old"));
  RABT_TRY(fresh, text_of(body, "new"));
  RABT_TRY_STATUS(accounts.set_password(call.caller, old, fresh));
  return answer(204, Json());
}

Result<Response> Accounts::factors(const Call& call) const {
  RABT_TRY(person, own_person(call));
  RABT_TRY(factors, accounts.factors(person));
  return json_response(200, Json::object({{"password", factors.password},
                                          {"totp", factors.totp},
                                          {"recoveryCodes", factors.recovery},
                                          {"passkeys", factors.passkeys}}));
}

Result<Response> Accounts::enrol(const Call& call) const {
  RABT_TRY_STATUS(own_person(call));
  RABT_TRY(factor, accounts.enrol(call.caller));
  return enrolment(201, factor);
}

Result<Response> Accounts::confirm(const Call& call) const {
  RABT_TRY_STATUS(own_person(call));
  RABT_TRY(body, body_object(call));
  RABT_TRY(code, text_of(body, "code"));
  RABT_TRY(codes, accounts.confirm(call.caller, code));
  return json_response(200, Json::object({{"recoveryCodes", list_of(std::move(codes))}}));
}

Result<Response> Accounts::make_bootstrap_code(const Call& call) const {
  RABT_TRY(code, accounts.make_bootstrap_code(call.caller));
  Response response = json_response(
      201, Json::object({{"code", code}, {"expiresIn", identity::kBootstrapMs / 1000}}));
  response.headers.emplace_back("Cache-Control", "no-store");
  return response;
}

Result<Response> Accounts::begin_bootstrap(const Call& call) const {
  if (!tls && !is_near(call.caller.client)) return not_allowed();
  RABT_TRY(body, body_object(call));
  RABT_TRY(code, text_of(body, "code"));
  RABT_TRY(username, text_of(body, "username"));
  RABT_TRY(factor, accounts.begin_bootstrap(call.caller, code, username));
  return enrolment(200, factor);
}

Result<Response> Accounts::bootstrap(const Call& call) const {
  if (!tls && !is_near(call.caller.client)) return not_allowed();
  RABT_TRY(body, body_object(call));
  identity::FirstAdministrator order;
  RABT_TRY(code, text_of(body, "code"));
  order.code = std::move(code);
  RABT_TRY(username, text_of(body, "username"));
  order.username = std::move(username);
  RABT_TRY(password, text_of(body, "password"));
  order.password = std::move(password);
  RABT_TRY(otp, text_of(body, "otp"));
  order.otp = std::move(otp);
  order.name = body.string_or("name", "");
  RABT_TRY(account, accounts.bootstrap(call.caller, order));
  Response response =
      json_response(201, Json::object({{"user", account_json(account.person)},
                                       {"recoveryCodes", list_of(std::move(account.recovery))}}));
  response.headers.emplace_back("Location", "/api/v1/users/" + account.person.id);
  response.headers.emplace_back("Cache-Control", "no-store");
  return response;
}

Result<Response> Accounts::remove_factor(const Call& call) const {
  RABT_TRY_STATUS(own_person(call));
  RABT_TRY(body, body_object(call));
  RABT_TRY(code, text_of(body, "code"));
  RABT_TRY_STATUS(accounts.remove_factor(call.caller, code));
  return answer(204, Json());
}

Result<Response> Accounts::list(const Call& call) const {
  identity::Roles wanted;
  if (const auto role = call.request.parameter("role")) {
    const auto parsed = identity::parse_role(*role);
    if (!parsed) return invalid("api.invalid", "role: is not known; docs/identity.md names roles");
    wanted.add(*parsed);
  }
  const auto sign_in = call.request.parameter("signIn");
  if (sign_in && *sign_in != kNoWayIn) return invalid("api.invalid", "signIn: must be none");
  RABT_TRY(window, window_of(call));
  const std::int64_t after = number_behind(window);
  RABT_TRY(all, sign_in ? people.page_without_way_in(tenant, wanted, after, window.limit + 1)
                        : people.page(tenant, wanted, after, window.limit + 1));
  consultation::Page page;
  page.next = cut_to_page(all, window);
  RABT_TRY(items, managed(all));
  for (Json& item : items) {
    // An issuer may know the person by an outside id, which the database has sealed.
    if (!sign_in || item["signIn"] == Json(kNoWayIn)) page.items.push_back(std::move(item));
  }
  return answer(call, page);
}

Result<Response> Accounts::search(const Call& call) const {
  RABT_TRY(body, body_object(call));
  consultation::Fields fields(body);
  fields.only({"name", "role"});
  const std::string text = fields.needed_text("name", consultation::kMaxLine);
  if (fields.good() && text.size() < kShortestName)
    fields.wrong("name", "must have at least 2 characters");
  identity::Roles wanted = kStaff;
  if (const std::string role = fields.text("role", consultation::kMaxLine); !role.empty()) {
    const auto parsed = identity::parse_role(role);
    if (parsed) wanted = identity::Roles{*parsed};
    // Names of patients are not for whoever administers, so that nobody is found by one.
    if (!parsed || !kStaff.has(*parsed)) fields.wrong("role", "must be a role of staff");
  }
  RABT_TRY_STATUS(fields.done());
  const identity::NameSearch search(text);
  RABT_TRY(all, people.having(tenant, wanted));
  std::vector<identity::Person> found;
  bool more = false;
  for (identity::Person& person : all) {
    if (!search.fits(person.profile)) continue;
    more = found.size() >= kMostFound;
    if (more) break;
    found.push_back(std::move(person));
  }
  RABT_TRY(items, managed(found));
  return json_response(200, Json::object({{"items", std::move(items)}, {"more", more}}));
}

Result<std::vector<Json>> Accounts::managed(const std::vector<identity::Person>& all) const {
  RABT_TRY(ways, accounts.ways_in(all));
  std::vector<Json> out;
  out.reserve(all.size());
  for (std::size_t i = 0; i < all.size(); ++i) {
    Json item = managed_json(all[i]);
    // Without a username there is no account.
    if (ways[i].any || !item["username"].is_null())
      item.set("signIn", ways[i].any ? "ready" : kNoWayIn);
    if (!ways[i].any && ways[i].code_until_ms > 0)
      item.set("codeUntil", to_iso8601({ways[i].code_until_ms}));
    out.push_back(std::move(item));
  }
  return out;
}

Result<Json> Accounts::managed(const identity::Person& person) const {
  RABT_TRY(one, managed(std::vector{person}));
  return std::move(one.front());
}

Result<Response> Accounts::create(const Call& call) const {
  RABT_TRY(body, body_object(call));
  RABT_TRY(roles, take_roles(body));
  RABT_TRY(profile, identity::check_profile(body));
  RABT_TRY_STATUS(identity::check_identity(profile, clock.now()));
  if (profile.find("username") == nullptr) return invalid("api.invalid", "username: is required");
  identity::NewPerson wanted;
  wanted.profile = std::move(profile);
  wanted.roles = roles;
  if (gains_guarded({}, roles)) {
    RABT_TRY_STATUS(people.may_have(roles));
    RABT_TRY_STATUS(approvals.pass(
        call.caller, {identity::kAssign, "", wish_of(wanted.profile, roles), call.request.body}));
  }
  RABT_TRY(person, people.create(call.caller, wanted));
  // Only the person will know the password: the administrator gets an activation code.
  RABT_TRY(code, accounts.reset_password(call.caller, person.id));
  RABT_TRY(out, managed(person));
  out.set("activation", code);
  Response response = answer(201, out);
  response.headers.emplace_back("Location", "/api/v1/users/" + person.id);
  return response;
}

Result<Response> Accounts::get(const Call& call) const {
  RABT_TRY(id, people.record(tenant, Json(call.path[0])));
  RABT_TRY(person, people.find(tenant, id));
  RABT_TRY(shown, managed(person));
  return answer(200, shown);
}

// True if somebody else could sign in as this person afterwards, who may do much.
Result<bool> Accounts::unlocks(const identity::Person& person, const identity::PersonChange& wanted,
                               Resets resets) const {
  if (!person.roles.has_any(identity::kGuardedRoles)) return false;
  if (resets.factor) return true;
  // Whoever another system knows by that outside id or name signs in as this person.
  for (const char* name : {"externalIds", "username"}) {
    const Json* said = wanted.profile ? wanted.profile->find(name) : nullptr;
    if (said != nullptr && *said != person.profile[name]) return true;
  }
  if (!resets.password && !resets.code) return false;
  // With a second factor the password alone opens nothing; without one it opens all.
  RABT_TRY(factors, accounts.factors(person.id));
  return !factors.totp && factors.passkeys == 0;
}

// True if nobody would be left who watches over those who administer.
Result<bool> Accounts::takes_last_officer(const identity::Person& person,
                                          const identity::PersonChange& wanted) const {
  const auto watches = [](bool active, identity::Roles roles) {
    return active && roles.has(Role::security_officer);
  };
  if (!watches(person.active, person.roles) ||
      watches(wanted.active.value_or(person.active), wanted.roles.value_or(person.roles)))
    return false;
  RABT_TRY(officers, people.having(tenant, {Role::security_officer}));
  return std::none_of(officers.begin(), officers.end(), [&](const identity::Person& one) {
    return one.active && one.id != person.id;
  });
}

// Requires a second person to change guarded roles or to unlock an account that has them.
Status Accounts::confirmed(const Call& call, const identity::Person& person,
                           const identity::PersonChange& wanted, Resets resets) const {
  if (wanted.version && *wanted.version != person.version) return ok_status();
  const bool gains = wanted.roles && gains_guarded(person.roles, *wanted.roles);
  RABT_TRY(opens, unlocks(person, wanted, resets));
  RABT_TRY(loses, takes_last_officer(person, wanted));
  const bool assigns = (gains || loses) && approvals.needs(identity::kAssign);
  if (!assigns && !opens) return ok_status();
  if (wanted.roles) RABT_TRY_STATUS(people.may_have(*wanted.roles));
  Json what = wish_of(person.profile, wanted.roles.value_or(person.roles));
  what.set("person", person.id);
  if (wanted.active) what.set("active", *wanted.active);
  if (wanted.profile) {
    Json members = Json::array();
    for (const auto& [name, value] : wanted.profile->as_object()) members.push_back(name);
    what.set("members", std::move(members));
  }
  if (resets.factor) what.set("resetMfa", true);
  if (resets.password) what.set("resetPassword", true);
  if (resets.code) what.set("newActivation", true);
  return approvals.pass(call.caller, {assigns ? identity::kAssign : identity::kResetFactor,
                                      person.id, std::move(what), call.request.body});
}

Result<Response> Accounts::change(const Call& call) const {
  RABT_TRY(ask, ask_of(call));
  RABT_TRY(id, people.record(tenant, Json(call.path[0])));
  Json body = ask.body;
  identity::PersonChange wanted;
  wanted.version = ask.version;
  if (body.find("roles") != nullptr) {
    // Administrators cannot give roles to themselves.
    if (id == call.caller.who.person) return not_allowed();
    RABT_TRY(roles, take_roles(body));
    wanted.roles = roles;
  }
  if (const Json* active = body.find("active"); active != nullptr) {
    if (!active->is_bool()) return invalid("api.invalid", "active: must be true or false");
    wanted.active = active->as_bool();
    body.mutable_object().erase("active");
  }
  const Resets resets{.factor = take_flag(body, "resetMfa"),
                      .password = take_flag(body, "resetPassword"),
                      .code = take_flag(body, "newActivation")};
  RABT_TRY_STATUS(identity::check_identity(body, clock.now()));
  if (body.size() > 0) wanted.profile = body;
  RABT_TRY(before, people.find(tenant, id));
  RABT_TRY_STATUS(check_hidden(before, body));
  if (resets.code) {
    RABT_TRY(ways, accounts.ways_in({before}));
    if (ways.front().any) return identity::activated_already();
  }
  RABT_TRY_STATUS(confirmed(call, before, wanted, resets));
  RABT_TRY(person, people.change(call.caller, id, wanted));
  if (resets.factor) RABT_TRY_STATUS(accounts.reset_factor(call.caller, id));
  std::string code;
  if (resets.password || resets.code) {
    RABT_TRY(new_code, resets.password ? accounts.reset_password(call.caller, id)
                                       : accounts.renew_code(call.caller, person));
    code = std::move(new_code);
  }
  RABT_TRY(out, managed(person));
  if (!code.empty()) out.set("activation", code);
  return answer(200, out);
}

}  // namespace rabt::api
