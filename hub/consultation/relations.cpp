#include "hub/consultation/relations.hpp"

#include <chrono>
#include <string>

#include "hub/consultation/session/decide.hpp"
#include "hub/consultation/session_rows.hpp"

namespace rabt::consultation {

namespace {

constexpr std::int64_t kAfterwardsMs =
    std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::hours(30 * 24)).count();

// How long before its planned start a session makes its doctors and nurses the patient's.
constexpr std::int64_t kBeforeMs =
    std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::hours(7 * 24)).count();

// at_ms is the planned start, or when the session was made.
constexpr store::Statement kTreats{
    "SELECT 1 FROM session_member m JOIN session s ON s.tenant = m.tenant AND s.id = m.session "
    "WHERE m.tenant = $1 AND m.person = $2 AND s.patient = $3 AND m.role IN ('doctor', "
    "'specialist', 'nurse') AND m.admission IN ('waiting', 'admitted') AND s.status <> 'cancelled' "
    "AND (s.started_ms IS NOT NULL OR s.at_ms <= $5) AND (s.ended_ms IS NULL OR s.ended_ms > $4) "
    "LIMIT 1"};

constexpr store::Statement kTakesPartNow{
    "SELECT 1 FROM session_member m JOIN session s ON s.tenant = m.tenant AND s.id = m.session "
    "WHERE m.tenant = $1 AND m.person = $2 AND m.admission = 'admitted' AND s.status = 'active' "
    "LIMIT 1"};

Result<bool> finds(store::Store& store, const store::Statement& statement,
                   std::initializer_list<store::Value> values) {
  bool found = false;
  RABT_TRY_STATUS(store.read([&](store::Connection& connection) {
    return connection.query(statement, values, [&](const store::Row& /*row*/) {
      found = true;
      return false;
    });
  }));
  return found;
}

}  // namespace

Result<access::Facts> facts_about(store::Store& store, keys::DataKeys& keys, Random& random,
                                  std::string_view tenant, std::string_view session,
                                  const identity::Person& person) {
  RABT_TRY(found, SessionRows(store, keys, random).load(tenant, session));
  return facts_of(
      found, Actor{.actor = "person:" + person.id, .person = person.id, .roles = person.roles});
}

Result<bool> treats(store::Store& store, std::string_view tenant, std::string_view person,
                    std::string_view patient, Timestamp now) {
  return finds(store, kTreats,
               {tenant, person, patient, now.ms - kAfterwardsMs, now.ms + kBeforeMs});
}

Result<bool> takes_part_now(store::Store& store, std::string_view tenant, std::string_view person) {
  return finds(store, kTakesPartNow, {tenant, person});
}

}  // namespace rabt::consultation
