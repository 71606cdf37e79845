#include "hub/consultation/rows/rings.hpp"

namespace rabt::consultation {

namespace {

using store::Row;
using store::Statement;

constexpr Statement kOf{
    "SELECT n, person, at_ms, outcome FROM session_ring WHERE tenant = $1 AND session = $2 ORDER "
    "BY n"};
constexpr Statement kNow{
    "SELECT session, at_ms FROM session_ring WHERE tenant = $1 AND person = $2 AND at_ms > $3 AND "
    "outcome = 'rings' ORDER BY at_ms LIMIT 20"};
constexpr Statement kPut{
    "INSERT INTO session_ring (tenant, session, n, person, at_ms, outcome) VALUES ($1, $2, $3, $4, "
    "$5, $6) ON CONFLICT DO NOTHING"};
constexpr Statement kEnd{
    "UPDATE session_ring SET outcome = $4 WHERE tenant = $1 AND session = $2 AND n = $3 AND "
    "outcome = 'rings'"};

}  // namespace

Result<std::vector<Ring>> rings_of(store::Store& store, std::string_view tenant,
                                   std::string_view session) {
  std::vector<Ring> found;
  RABT_TRY_STATUS(store.read([&](store::Connection& connection) {
    return connection.query(kOf, {tenant, session}, [&](const Row& row) {
      found.push_back({.n = row.integer(0),
                       .person = std::string(row.text(1)),
                       .at_ms = row.integer(2),
                       .outcome = std::string(row.text(3))});
      return true;
    });
  }));
  return found;
}

Result<std::vector<RingNow>> rings_now(store::Store& store, std::string_view tenant,
                                       std::string_view person, std::int64_t now_ms) {
  std::vector<RingNow> found;
  RABT_TRY_STATUS(store.read([&](store::Connection& connection) {
    return connection.query(kNow, {tenant, person, now_ms - kRingMs}, [&](const Row& row) {
      found.push_back({.session = std::string(row.text(0)), .at_ms = row.integer(1)});
      return true;
    });
  }));
  return found;
}

Status put_ring(store::Transaction& transaction, std::string_view tenant, std::string_view session,
                const Ring& ring) {
  return store::run(transaction, kPut,
                    {tenant, session, ring.n, ring.person, ring.at_ms, ring.outcome});
}

Status end_ring(store::Transaction& transaction, std::string_view tenant, std::string_view session,
                std::int64_t n, std::string_view outcome) {
  return store::run(transaction, kEnd, {tenant, session, n, outcome});
}

}  // namespace rabt::consultation
