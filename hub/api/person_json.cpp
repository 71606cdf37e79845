#include "hub/api/person_json.hpp"

#include "hub/api/answers.hpp"
#include "hub/identity/person_store.hpp"
#include "hub/identity/profile.hpp"

namespace rabt::api {

Json person_head(const identity::Person& person) {
  return Json::object({{"id", person.id},
                       {"uuid", identity::uuid_of(person.id)},
                       {"number", person.number},
                       {"roles", roles_json(person.roles)},
                       {"active", person.active},
                       {"licenceState", identity::to_string(person.licence)},
                       {"version", person.version}});
}

Json person_json(const identity::Person& person) {
  Json out = person_head(person);
  for (const auto& [name, value] : person.profile.as_object()) out.set(name, value);
  if (out.find("username") != nullptr)
    out.set("username", identity::shown_username(person.profile));
  return out;
}

Json account_json(const identity::Person& person) {
  Json out = person_head(person);
  for (const char* name : {"username", "name", "email"}) out.set(name, person.profile[name]);
  if (!person.profile["username"].is_null())
    out.set("username", identity::shown_username(person.profile));
  return out;
}

bool is_only_treated(identity::Roles roles) {
  using identity::Role;
  return !roles.empty() && roles.among({Role::patient, Role::guest}) == roles;
}

Json managed_json(const identity::Person& person) {
  Json out = account_json(person);
  // Two may have one name, of which one chose it himself: whoever administers tells them apart.
  out.set("username", person.profile["username"]);
  if (!is_only_treated(person.roles)) return out;
  for (const char* name : {"name", "email"}) out.set(name, Json());
  return out;
}

Result<identity::Roles> take_roles(Json& body) {
  const Json list = body["roles"];
  const auto wrong = [] {
    return invalid("api.invalid", "roles: must be a list of roles; docs/identity.md names them");
  };
  if (!list.is_array()) return wrong();
  identity::Roles roles;
  for (const Json& item : list.as_array()) {
    const auto role = item.is_string() ? identity::parse_role(item.as_string()) : std::nullopt;
    if (!role) return wrong();
    roles.add(*role);
  }
  body.mutable_object().erase("roles");
  return roles;
}

}  // namespace rabt::api
