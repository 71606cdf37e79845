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
      found.push_back({.n = row.integer(sql::rows::kRingsOf["n"]),
                       .person = std::string(row.text(sql::rows::kRingsOf["person"])),
                       .at_ms = row.integer(sql::rows::kRingsOf["at_ms"]),
                       .outcome = std::string(row.text(sql::rows::kRingsOf["outcome"]))});
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
          found.push_back({.session = std::string(row.text(sql::rows::kRingsNow["session"])),
                           .at_ms = row.integer(sql::rows::kRingsNow["at_ms"])});
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
