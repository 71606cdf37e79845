#include "hub/consultation/rows/proof_rows.hpp"

namespace rabt::consultation {

namespace {

using store::Blob;
using store::Row;
using store::Statement;

constexpr Statement kFind{
    "SELECT code, expires_ms, sent_ms, sent, tries FROM session_proof WHERE tenant = $1 AND "
    "invitation = $2 AND generation = $3"};
constexpr Statement kForgetEarlier{
    "DELETE FROM session_proof WHERE tenant = $1 AND invitation = $2 AND generation < $3"};
constexpr Statement kBegin{
    "INSERT INTO session_proof (tenant, invitation, generation, code, expires_ms, sent_ms, sent, "
    "tries) VALUES ($1, $2, $3, $4, 0, 0, 0, 0) ON CONFLICT DO NOTHING"};
constexpr Statement kPut{
    "UPDATE session_proof SET code = $4, expires_ms = $5, sent_ms = $6, sent = $7, tries = $8 "
    "WHERE tenant = $1 AND invitation = $2 AND generation = $3 AND sent = $9 AND tries = $10 AND "
    "code = $11"};

}  // namespace

Result<ProofRow> find_proof(store::Connection& connection, const ProofKey& key) {
  ProofRow found;
  RABT_TRY_STATUS(
      connection.query(kFind, {key.tenant, key.invitation, key.generation}, [&](const Row& row) {
        found = {.code = std::string(row.blob(0)),
                 .expires_ms = row.integer(1),
                 .sent_ms = row.integer(2),
                 .sent = row.integer(3),
                 .tries = row.integer(4)};
        return false;
      }));
  return found;
}

Status put_proof(store::Transaction& transaction, const ProofKey& key, const ProofRow& before,
                 const ProofRow& row) {
  RABT_TRY_STATUS(
      store::run(transaction, kForgetEarlier, {key.tenant, key.invitation, key.generation}));
  RABT_TRY_STATUS(
      store::run(transaction, kBegin, {key.tenant, key.invitation, key.generation, Blob{}}));
  return store::compare_and_set(
      transaction, kPut,
      {key.tenant, key.invitation, key.generation, Blob{row.code}, row.expires_ms, row.sent_ms,
       row.sent, row.tries, before.sent, before.tries, Blob{before.code}});
}

}  // namespace rabt::consultation
