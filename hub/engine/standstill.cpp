#include "hub/engine/standstill.hpp"

namespace rabt::engine {

namespace {

using store::Statement;

constexpr Statement kDecision{
    "SELECT count(*), min(updated_ms), '' FROM instance INDEXED BY instance_business_key WHERE "
    "tenant = $1 AND business_key IS NOT NULL AND status < 2 AND parked IS NOT NULL AND updated_ms "
    "< $2"};
// An instance that nothing will wake: neither an event, nor a time, nor an answer.
constexpr Statement kNothing{
    "SELECT count(*), min(i.updated_ms), '' FROM instance i INDEXED BY instance_business_key WHERE "
    "i.tenant = $1 AND i.business_key IS NOT NULL AND i.status < 2 AND i.parked IS NULL AND i.busy "
    "= 0 AND i.updated_ms < $2 AND NOT EXISTS (SELECT 1 FROM timer t WHERE t.instance = i.num) AND "
    "NOT EXISTS (SELECT 1 FROM subscription s WHERE s.instance = i.num) AND NOT EXISTS (SELECT 1 "
    "FROM child c WHERE c.parent = i.num)"};
// An instance whose call has had no answer.
constexpr Statement kAnswer{
    "SELECT count(*), min(i.updated_ms), '' FROM instance i INDEXED BY instance_busy WHERE i.busy "
    "= 1 AND i.tenant = $1 AND i.status < 2 AND i.parked IS NULL AND i.updated_ms < $2"};

}  // namespace

Status count_waiting(
    store::Store& store, std::string_view tenant, Timestamp now,
    std::initializer_list<std::pair<std::string_view, const store::Statement*>> kinds,
    std::vector<Waiting>& out) {
  return store.read([&](store::Connection& connection) -> Status {
    for (const auto& [for_what, statement] : kinds) {
      RABT_TRY_STATUS(connection.query(
          *statement, {tenant, now.ms - kStandstillMs},
          [&, name = for_what](const store::Row& row) {
            out.push_back({.for_what = name,
                           .count = row.integer(0),
                           .oldest_ms = row.is_null(1) ? 0 : now.ms - row.integer(1),
                           .code = std::string(row.text(2))});
            return false;
          }));
    }
    return ok_status();
  });
}

Status add_waiting(store::Store& store, std::string_view tenant, Timestamp now,
                   std::vector<Waiting>& out) {
  return count_waiting(store, tenant, now,
                       {{"decision", &kDecision}, {"answer", &kAnswer}, {"nothing", &kNothing}},
                       out);
}

}  // namespace rabt::engine
