#include "hub/consultation/rows/relations.hpp"

#include <string>

#include "hub/consultation/request/ask.hpp"
#include "hub/consultation/rows/session_rows.hpp"
#include "hub/consultation/session/decide.hpp"

namespace rabt::consultation {

namespace {

// True if the session stands on the person's own word, on that of somebody whom he brought in, or
// of an account that neither treats nor is an office; whether it is near. Staff who wait to be let
// in do not treat. at_ms is the planned start, or when the session was made. patient_by begins with
// who named the patient: a ULID. $6 to $13 are the other records of the patient.
constexpr store::Statement kTreats{
    "SELECT instr(s.patient_by, m.person) > 0 OR (s.patient_by <> '' AND NOT EXISTS (SELECT 1 FROM "
    "person_role r WHERE r.tenant = m.tenant AND r.person = substr(s.patient_by, 1, 26) AND r.role "
    "IN ('doctor', 'specialist', 'nurse', 'admin', 'operator', 'integration', 'desk'))), "
    "s.started_ms IS "
    "NOT NULL OR s.at_ms <= $5 "
    "FROM session_member m JOIN session s ON s.tenant = m.tenant AND s.id = m.session "
    "WHERE m.tenant = $1 AND m.person = $2 AND s.patient IN ($3, $6, $7, $8, $9, $10, $11, $12, "
    "$13) AND m.role IN ('doctor', 'specialist', 'nurse') AND m.admission = 'admitted' "
    "AND s.status <> 'cancelled' "
    "AND (s.ended_ms IS NULL OR s.ended_ms > $4)"};

constexpr store::Statement kUnderWay{
    "SELECT 1 FROM session WHERE tenant = $1 AND patient = $2 AND patient <> '' AND status IN "
    "('waiting', 'active') LIMIT 1"};

constexpr store::Statement kTakesPartNow{
    "SELECT 1 FROM session_member m JOIN session s ON s.tenant = m.tenant AND s.id = m.session "
    "WHERE m.tenant = $1 AND m.person = $2 AND m.admission = 'admitted' AND s.status = 'active' "
    "LIMIT 1"};

}  // namespace

Result<access::Relations> relations_to(store::Store& store, std::string_view tenant,
                                       std::string_view person, std::string_view patient,
                                       const TreatsWhen& when) {
  access::Relations is;
  if (person.empty() || patient.empty()) return is;
  RABT_TRY_STATUS(store.read([&](store::Connection& connection) -> Status {
    RABT_TRY(others, identity::others_of(connection, tenant, patient));
    return connection.query(
        kTreats,
        {tenant, person, patient, when.now.ms - kTreatsAfterwardsMs, when.now.ms + when.before_ms,
         others[0], others[1], others[2], others[3], others[4], others[5], others[6], others[7]},
        [&](const store::Row& row) {
          const bool alone = row.integer(0) != 0;
          const bool near = row.integer(1) != 0;
          is.add(access::Is::treats, near && !alone);
          is.add(access::Is::opened_alone, alone);
          is.add(access::Is::planned_later, !near && !alone);
          return !is.has(access::Is::treats);
        });
  }));
  return is;
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
    return connection.query(kUnderWay, {tenant, patient}, [&](const store::Row& /*row*/) {
      found = true;
      return false;
    });
  }));
  return found;
}

Status settle_merges(store::Store& store, identity::Merges& merges) {
  RABT_TRY(waiting, merges.waiting());
  for (const std::string& merged : waiting) {
    RABT_TRY(under_way, has_session_under_way(store, merges.tenant(), merged));
    if (under_way) continue;
    RABT_TRY_STATUS(merges.take_effect(ask_of_hub(merges.tenant(), "merges").caller, merged));
  }
  return ok_status();
}

Result<bool> takes_part_now(store::Store& store, std::string_view tenant, std::string_view person) {
  bool found = false;
  RABT_TRY_STATUS(store.read([&](store::Connection& connection) {
    return connection.query(kTakesPartNow, {tenant, person}, [&](const store::Row& /*row*/) {
      found = true;
      return false;
    });
  }));
  return found;
}

}  // namespace rabt::consultation
