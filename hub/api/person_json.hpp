#pragma once

#include <string_view>

#include "hub/base/json.hpp"
#include "hub/base/result.hpp"
#include "hub/identity/people.hpp"

// Persons as the API writes them, and the parts of a body that say who somebody is.
namespace rabt::api {

// id, uuid, number, roles, active, licenceState, version.
[[nodiscard]] Json person_head(const identity::Person& person);
// The head, and the profile beside it. Patient data.
[[nodiscard]] Json person_json(const identity::Person& person);
// The head, and what an account shows: username, name, email.
[[nodiscard]] Json account_json(const identity::Person& person);

// True if somebody is nothing but treated here: name and address are patient data then.
[[nodiscard]] bool is_only_treated(identity::Roles roles);
// As those see an account who manage accounts. They find a patient by the username; the rest stands
// in the record, which is read for a reason.
[[nodiscard]] Json managed_json(const identity::Person& person);

// Takes the member away from the body. Error invalid api.invalid: unknown roles, or no list.
[[nodiscard]] Result<identity::Roles> take_roles(Json& body);

}  // namespace rabt::api
