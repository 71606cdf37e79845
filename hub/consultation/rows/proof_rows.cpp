#include "hub/consultation/rows/proof_rows.hpp"

#include "hub/consultation/rows/statements.hpp"

namespace rabt::consultation {

namespace {

using store::Blob;
using store::Row;

}  // namespace

Result<ProofRow> find_proof(store::Connection& connection, const ProofKey& key) {
  ProofRow found;
  RABT_TRY_STATUS(connection.query(
      sql::rows::kFindProof, {key.tenant, key.invitation, key.generation}, [&](const Row& row) {
        found = {.code = std::string(row.blob(sql::rows::kFindProof["code"])),
                 .expires_ms = row.integer(sql::rows::kFindProof["expires_ms"]),
                 .sent_ms = row.integer(sql::rows::kFindProof["sent_ms"]),
                 .sent = row.integer(sql::rows::kFindProof["sent"]),
                 .tries = row.integer(sql::rows::kFindProof["tries"])};
        return false;
      }));
  return found;
}

Status put_proof(store::Transaction& transaction, const ProofKey& key, const ProofRow& before,
                 const ProofRow& row) {
  RABT_TRY_STATUS(store::run(transaction, sql::rows::kForgetEarlierProofs,
                             {key.tenant, key.invitation, key.generation}));
  RABT_TRY_STATUS(store::run(transaction, sql::rows::kBeginProof,
                             {key.tenant, key.invitation, key.generation, Blob{}}));
  return store::compare_and_set(
      transaction, sql::rows::kPutProof,
      {key.tenant, key.invitation, key.generation, Blob{row.code}, row.expires_ms, row.sent_ms,
       row.sent, row.tries, before.sent, before.tries, Blob{before.code}});
}

}  // namespace rabt::consultation
