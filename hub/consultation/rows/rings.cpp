#include "hub/consultation/rows/rings.hpp"

#include "hub/consultation/rows/statements.hpp"

namespace rabt::consultation {

namespace {

using store::Row;

}  // namespace

Result<std::vector<Ring>> rings_of(store::Store& store, std::string_view tenant,
                                   std::string_view session) {
  std::vector<Ring> found;
  RABT_TRY_STATUS(store.read([&](store::Connection& connection) {
    return connection.query(sql::rows::kRingsOf, {tenant, session}, [&](const Row& row) {
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
    return connection.query(
        sql::rows::kRingsNow, {tenant, person, now_ms - kRingMs}, [&](const Row& row) {
          found.push_back({.session = std::string(row.text(0)), .at_ms = row.integer(1)});
          return true;
        });
  }));
  return found;
}

Status put_ring(store::Transaction& transaction, std::string_view tenant, std::string_view session,
                const Ring& ring) {
  return store::run(transaction, sql::rows::kPutRing,
                    {tenant, session, ring.n, ring.person, ring.at_ms, ring.outcome});
}

Status end_ring(store::Transaction& transaction, std::string_view tenant, std::string_view session,
                std::int64_t n, std::string_view outcome) {
  return store::run(transaction, sql::rows::kEndRing, {tenant, session, n, outcome});
}

}  // namespace rabt::consultation
