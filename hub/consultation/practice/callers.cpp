#include "hub/consultation/practice/callers.hpp"

#include <utility>

#include "hub/consultation/rows/relations.hpp"

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

Result<access::Facts> facts_about(const PracticeParts& parts, const Caller& caller,
                                  std::string_view patient) {
  const std::string& own = caller.who.person;
  access::Facts facts{.roles = caller.who.roles};
  RABT_TRY(relations, relations_to(parts.store, caller.who.tenant, own, patient,
                                   {parts.clock.now(), parts.treats_before_ms}));
  facts.is = relations;
  facts.is.add(access::Is::self, !own.empty() && own == patient);
  return facts;
}

audit::Prepared entry_of(const PracticeParts& parts, const Caller& caller, std::string_view act,
                         std::string object, Json detail, std::string patient) {
  return parts.audit.prepare({.tenant = caller.who.tenant,
                              .actor = caller.who.actor(),
                              .act = std::string(act),
                              .object = std::move(object),
                              .result = "ok",
                              .detail = std::move(detail),
                              .patient = std::move(patient),
                              .purpose = caller.purpose,
                              .client = caller.client,
                              .request = caller.request});
}

}  // namespace rabt::consultation
