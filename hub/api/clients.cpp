#include "hub/api/clients.hpp"

#include "hub/api/answers.hpp"
#include "hub/api/approvals.hpp"
#include "hub/api/asks.hpp"
#include "hub/api/person_json.hpp"
#include "hub/base/clock.hpp"
#include "hub/http/request_head.hpp"

namespace rabt::api {

using http::Response;

namespace {

constexpr std::int64_t kKeyDays = 90;
constexpr std::string_view kAssertionType =
    "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

Json client_json(const identity::Client& client) {
  Json roles = roles_json(client.roles);
  Json addresses = Json::array();
  for (const std::string& address : client.addresses) addresses.push_back(address);
  Json certificates = Json::array();
  for (const std::string& certificate : client.certificates) certificates.push_back(certificate);
  return Json::object({{"id", client.id},
                       {"name", client.name},
                       {"active", client.active},
                       {"roles", std::move(roles)},
                       {"addresses", std::move(addresses)},
                       {"jwks", client.jwks},
                       {"certificates", std::move(certificates)},
                       {"version", client.version}});
}

Json key_json(const identity::ClientKey& key) {
  return Json::object(
      {{"id", key.id},
       {"created", to_iso8601({key.created_ms})},
       {"expires", to_iso8601({key.ends_ms})},
       // A day is enough to find what nobody uses, and tells nothing about anybody's work.
       {"lastUsed",
        key.used_day == 0 ? Json() : Json(to_iso8601({key.used_day * kDayMs}).substr(0, 10))}});
}

Result<identity::ClientChange> change_of(Json body) {
  identity::ClientChange wanted;
  if (body.find("roles") != nullptr) {
    RABT_TRY(roles, take_roles(body));
    wanted.roles = roles;
  }
  for (const auto& [name, value] : body.as_object()) {
    if (name == "name" && value.is_string()) {
      wanted.name = value.as_string();
    } else if (name == "active" && value.is_bool()) {
      wanted.active = value.as_bool();
    } else if (name == "jwks" && (value.is_object() || value.is_null())) {
      wanted.jwks = value;
    } else if ((name == "addresses" || name == "certificates") && value.is_array()) {
      std::vector<std::string> texts;
      for (const Json& item : value.as_array())
        texts.push_back(item.is_string() ? item.as_string() : "");
      (name == "addresses" ? wanted.addresses : wanted.certificates) = std::move(texts);
    } else if (name != "id") {
      return invalid("api.invalid",
                     "the members are id, name, active, roles, addresses, certificates and jwks, "
                     "as docs/openapi.yaml describes them");
    }
  }
  return wanted;
}

// RFC 6749 section 5.2. The caller is told no more; the log has the reason.
Response oauth_error(int status, std::string_view error, const Error& why) {
  Response response = json_response(status, Json::object({{"error", error}}));
  response.headers.emplace_back("Cache-Control", "no-store");
  response.cause = http::Cause{.code = why.code, .reason = why.message};
  return response;
}

// A member of the form that stands there once.
std::string only(const std::vector<std::pair<std::string, std::string>>& form,
                 std::string_view name) {
  const std::string* found = nullptr;
  for (const auto& [key, value] : form) {
    if (key != name) continue;
    if (found != nullptr) return {};
    found = &value;
  }
  return found == nullptr ? std::string() : *found;
}

}  // namespace

Result<Response> Clients::list(const Call& /*call*/) const {
  RABT_TRY(all, clients.all());
  Json items = Json::array();
  for (const identity::Client& client : all) items.push_back(client_json(client));
  return json_response(200, Json::object({{"items", std::move(items)}}));
}

Status Clients::confirmed(const Call& call, const std::string& id, identity::Roles before,
                          const identity::ClientChange& wanted) const {
  if (!wanted.roles || !gains_guarded(before, *wanted.roles)) return ok_status();
  Json roles = Json::array();
  for (const std::string& role : wanted.roles->names()) roles.push_back(role);
  return approvals.pass(call.caller, {identity::kAssign, "",
                                      Json::object({{"client", id}, {"roles", std::move(roles)}}),
                                      id + " " + call.request.body});
}

Result<Response> Clients::create(const Call& call) const {
  RABT_TRY(body, body_object(call));
  if (!body["id"].is_string()) return invalid("api.invalid", "id: must be a text");
  RABT_TRY(wanted, change_of(body));
  RABT_TRY_STATUS(confirmed(call, body["id"].as_string(), {}, wanted));
  RABT_TRY(client, clients.create(call.caller, body["id"].as_string(), wanted));
  Response response = answer(201, client_json(client));
  response.headers.emplace_back("Location", "/api/v1/clients/" + client.id);
  return response;
}

Result<Response> Clients::get(const Call& call) const {
  RABT_TRY(client, clients.find(call.path[0]));
  RABT_TRY(keys, clients.keys(call.path[0]));
  Json out = client_json(client);
  Json list = Json::array();
  for (const identity::ClientKey& key : keys) list.push_back(key_json(key));
  out.set("keys", std::move(list));
  return answer(200, out);
}

Result<Response> Clients::change(const Call& call) const {
  RABT_TRY(ask, ask_of(call));
  RABT_TRY(wanted, change_of(ask.body));
  wanted.version = ask.version;
  RABT_TRY(before, clients.find(call.path[0]));
  RABT_TRY_STATUS(confirmed(call, before.id, before.roles, wanted));
  RABT_TRY(changed, clients.change(call.caller, call.path[0], wanted));
  return answer(200, client_json(changed));
}

Result<Response> Clients::add_key(const Call& call) const {
  RABT_TRY(body, body_object(call));
  const Json* days = body.find("days");
  const auto wanted = days == nullptr ? kKeyDays : days->as_int64().value_or(0);
  const std::int64_t most = identity::kMaxKeyLifeMs / kDayMs;
  RABT_TRY(key, clients.add_key(call.caller, call.path[0],
                                wanted < 0 || wanted > most ? 0 : wanted * kDayMs));
  Json out = key_json(key.key);
  out.set("key", key.text);
  return json_response(201, out);
}

Result<Response> Clients::revoke_key(const Call& call) const {
  RABT_TRY_STATUS(clients.revoke_key(call.caller, call.path[0], call.path[1]));
  return answer(204, Json());
}

Result<Response> Clients::token(const Call& call) const {
  const std::string_view type = call.request.header("content-type");
  const auto form = http::parse_query(call.request.body);
  if (!type.starts_with("application/x-www-form-urlencoded") || !form)
    return oauth_error(400, "invalid_request",
                       invalid("api.invalid", "the body is no form of a token request"));
  if (only(*form, "grant_type") != "client_credentials")
    return oauth_error(400, "unsupported_grant_type",
                       invalid("api.invalid", "the grant_type is not client_credentials"));
  const std::string assertion = only(*form, "client_assertion");
  if (only(*form, "client_assertion_type") != kAssertionType || assertion.empty())
    return oauth_error(
        400, "invalid_request",
        invalid("api.invalid", "the request has no client_assertion of the type jwt-bearer"));
  const auto granted = clients.grant(call.caller, assertion, only(*form, "scope"),
                                     call.request.peer_certificate.get());
  if (!granted.ok()) {
    if (granted.error().code == "auth.client")
      return oauth_error(401, "invalid_client", granted.error());
    if (granted.error().code == "auth.scope")
      return oauth_error(400, "invalid_scope", granted.error());
    return granted.error();
  }
  std::string scope;
  for (const std::string& role : granted->roles.names())
    scope.append(scope.empty() ? "" : " ").append(role);
  Response response = json_response(200, Json::object({{"access_token", granted->token},
                                                       {"token_type", "bearer"},
                                                       {"expires_in", granted->expires_in},
                                                       {"scope", scope}}));
  response.headers.emplace_back("Cache-Control", "no-store");
  return response;
}

}  // namespace rabt::api
