#include "hub/consultation/practice/callers.hpp"

#include <utility>

#include "hub/consultation/rows/relations.hpp"

namespace rabt::consultation {

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
