#include "hub/consultation/rows/relations.hpp"

#include <string>

#include "hub/consultation/request/caller.hpp"
#include "hub/consultation/rows/session_rows.hpp"
#include "hub/consultation/rows/statements.hpp"
#include "hub/consultation/session/decide.hpp"

namespace rabt::consultation {

Result<access::Relations> relations_to(store::Store& store, std::string_view tenant,
                                       std::string_view person, std::string_view patient,
                                       const TreatsWhen& when) {
  access::Relations relations;
  if (person.empty() || patient.empty()) return relations;
  RABT_TRY_STATUS(store.read([&](store::Connection& connection) -> Status {
    RABT_TRY(others, identity::others_of(connection, tenant, patient));
    return connection.query(
        sql::rows::kTreats,
        {tenant, person, patient, when.now.ms - kTreatsAfterwardsMs, when.now.ms + when.before_ms,
         others[0], others[1], others[2], others[3], others[4], others[5], others[6], others[7]},
        [&](const store::Row& row) {
          const bool alone = row.integer(sql::rows::kTreats["is_own_booking"]) != 0;
          const bool near = row.integer(sql::rows::kTreats["has_begun"]) != 0;
          relations.add(access::Is::treats, near && !alone);
          relations.add(access::Is::opened_alone, alone);
          relations.add(access::Is::planned_later, !near && !alone);
          return !relations.has(access::Is::treats);
        });
  }));
  return relations;
}

Result<access::Facts> facts_about(store::Store& store, keys::DataKeys& keys, Random& random,
                                  std::string_view tenant, std::string_view session,
                                  const identity::Person& person, const TreatsWhen& when) {
  RABT_TRY(found, SessionRows(store, keys, random).load(tenant, session));
  access::Facts facts = facts_of(
      found, Actor{.actor = "person:" + person.id, .person = person.id, .roles = person.roles});
  RABT_TRY(treating, relations_to(store, tenant, person.id, found.patient, when));
  facts.is.add(treating);
  return facts;
}

Result<bool> has_session_under_way(store::Store& store, std::string_view tenant,
                                   std::string_view patient) {
  bool found = false;
  RABT_TRY_STATUS(store.read([&](store::Connection& connection) {
    return connection.query(sql::rows::kUnderWay, {tenant, patient},
                            [&](const store::Row& /*row*/) {
                              found = true;
                              return false;
                            });
  }));
  return found;
}

Result<std::optional<Timestamp>> last_visit_of(store::Store& store, std::string_view tenant,
                                               std::string_view patient) {
  std::optional<Timestamp> last;
  RABT_TRY_STATUS(store.read([&](store::Connection& connection) -> Status {
    last.reset();
    RABT_TRY(others, identity::others_of(connection, tenant, patient));
    return connection.query(
        sql::rows::kLastVisit,
        {tenant, patient, others[0], others[1], others[2], others[3], others[4], others[5],
         others[6], others[7]},
        [&](const store::Row& row) {
          if (!row.is_null(sql::rows::kLastVisit["last_started_ms"]))
            last = Timestamp{row.integer(sql::rows::kLastVisit["last_started_ms"])};
          return false;
        });
  }));
  return last;
}

Status settle_merges(store::Store& store, identity::Merges& merges) {
  RABT_TRY(waiting, merges.waiting());
  for (const std::string& merged : waiting) {
    RABT_TRY(under_way, has_session_under_way(store, merges.tenant(), merged));
    if (under_way) continue;
    RABT_TRY_STATUS(merges.take_effect(caller_of_hub(merges.tenant(), "merges"), merged));
  }
  return ok_status();
}

Result<bool> takes_part_now(store::Store& store, std::string_view tenant, std::string_view person) {
  bool found = false;
  RABT_TRY_STATUS(store.read([&](store::Connection& connection) {
    return connection.query(sql::rows::kTakesPartNow, {tenant, person},
                            [&](const store::Row& /*row*/) {
                              found = true;
                              return false;
                            });
  }));
  return found;
}

}  // namespace rabt::consultation
