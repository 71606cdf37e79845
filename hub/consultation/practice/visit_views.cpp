#include "hub/consultation/practice/visit_views.hpp"

#include "hub/consultation/acts/answers.hpp"
#include "hub/identity/people.hpp"

namespace rabt::consultation {

Json to_json(const VisitView& visit) {
  Json external;
  if (visit.external) {
    const auto& [system, value] = *visit.external;
    external = Json::object({{"system", system}, {"value", value}});
  }
  return Json::object({{"id", visit.id},
                       {"uuid", identity::uuid_of(visit.id)},
                       {"number", visit.number},
                       {"version", visit.version},
                       {"patient", visit.patient},
                       {"provider", text_or_null(visit.provider)},
                       {"status", visit.status},
                       {"openedAt", to_iso8601(visit.opened_at)},
                       {"closedAt", visit.closed_at ? Json(to_iso8601(*visit.closed_at)) : Json()},
                       {"externalId", std::move(external)}});
}

}  // namespace rabt::consultation
