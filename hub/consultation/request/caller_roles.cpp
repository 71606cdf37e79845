#include "hub/consultation/request/caller_roles.hpp"

#include <string>

namespace rabt::consultation {

using identity::Role;
using identity::Roles;

bool manages(const Caller& caller) {
  return caller.who.roles.has_any(Roles{Role::admin, Role::operator_});
}

bool is_provider(const Caller& caller) {
  return caller.who.roles.has_any(Roles{Role::doctor, Role::specialist});
}

Error not_allowed(std::string_view what) {
  return denied("authorisation.denied", "your role may not " + std::string(what));
}

Status may(access::Right right, const Caller& caller, std::string_view what, std::string_view of) {
  access::Facts facts{.roles = caller.who.roles};
  facts.is.add(access::Is::self, !of.empty() && caller.who.person == of);
  if (access::decide(right, facts).allowed) return ok_status();
  return not_allowed(what);
}

}  // namespace rabt::consultation
