#pragma once

#include "hub/store/store.hpp"

// SQL of the tables break_glass, patient_key.
namespace rabt::access::sql {

using store::Statement;

inline constexpr Statement kInsertGrant{
    "INSERT INTO break_glass (tenant, id, instance, patient, opened_ms, length_ms, boot, clock_ms, "
    "opened_by, uses) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 0)"};
// The columns of Row, in its order.
#define RABT_GRANT_COLUMNS                                                         \
  "id, instance, patient, opened_ms, length_ms, boot, clock_ms, opened_by, uses, " \
  "ended_how, reviewed_ms"
inline constexpr Statement kOpenGrants{
    "SELECT " RABT_GRANT_COLUMNS
    " FROM break_glass WHERE tenant = $1 AND ended_ms IS NULL AND id > $2 ORDER BY id"};
inline constexpr Statement kFindGrant{"SELECT " RABT_GRANT_COLUMNS
                                      " FROM break_glass WHERE tenant = $1 AND id = $2"};
#undef RABT_GRANT_COLUMNS
inline constexpr Statement kUseGrant{
    "UPDATE break_glass SET uses = uses + 1 WHERE tenant = $1 AND id = $2 AND ended_ms IS NULL"};
inline constexpr Statement kEndGrant{
    "UPDATE break_glass SET ended_ms = $3, ended_how = $4 WHERE tenant = $1 AND id = $2 AND "
    "ended_ms IS NULL"};
inline constexpr Statement kReviewGrant{
    "UPDATE break_glass SET reviewed_ms = $3 WHERE tenant = $1 AND id = $2 AND reviewed_ms IS "
    "NULL"};
inline constexpr Statement kUnreviewedGrants{
    "SELECT count(*) AS count, min(opened_ms) AS first_opened_ms FROM break_glass WHERE tenant = "
    "$1 AND reviewed_ms IS NULL"};

inline constexpr Statement kFindKey{
    "SELECT data_key FROM patient_key WHERE tenant = $1 AND patient = $2 AND bucket = $3"};
// Two readings that seal for one patient at the same moment make two keys. Later readings use the
// first; both keep opening what they sealed.
inline constexpr Statement kInsertKey{
    "INSERT INTO patient_key (tenant, patient, bucket, data_key) VALUES ($1, $2, $3, $4)"};

}  // namespace rabt::access::sql
