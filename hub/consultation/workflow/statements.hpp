#pragma once

#include "hub/store/store.hpp"

// SQL of the tables consultation, code_map.
namespace rabt::consultation::sql::workflow {

using store::Statement;

inline constexpr Statement kFindConsultation{
    "SELECT state FROM consultation WHERE tenant = $1 AND id = $2"};
inline constexpr Statement kInsertConsultation{
    "INSERT INTO consultation (tenant, id, state, month, seconds, created_ms, updated_ms) VALUES "
    "($1, $2, $3, $4, $5, $6, $6) ON CONFLICT DO NOTHING"};
// A length below 0 leaves the length as it is.
inline constexpr Statement kUpdateConsultation{
    "UPDATE consultation SET state = $1, updated_ms = $2, seconds = CASE WHEN $3 < 0 THEN seconds "
    "ELSE $3 END, billed_ms = CASE WHEN $1 = 'billed' THEN $2 ELSE billed_ms END WHERE tenant = $4 "
    "AND id = $5 AND state = $6"};
inline constexpr Statement kLookAtConsultation{
    "SELECT state, billed_ms FROM consultation WHERE tenant = $1 AND id = $2"};
inline constexpr Statement kMonthOf{"SELECT month FROM consultation WHERE tenant = $1 AND id = $2"};
inline constexpr Statement kFiguresOfMonth{
    "SELECT state, count(*) AS count, CAST(sum(seconds) AS BIGINT) AS sum_seconds FROM "
    "consultation WHERE tenant = $1 AND "
    "month = $2 GROUP BY state"};
// A visit that moves before it begins counts in the month it moves to.
inline constexpr Statement kMoveMonth{
    "UPDATE consultation SET month = $1, updated_ms = $2 WHERE tenant = $3 AND id = $4 AND state = "
    "$5 AND month <> $1"};

inline constexpr Statement kServedMaps{"SELECT name, sha256 FROM code_map WHERE tenant = $1"};
inline constexpr Statement kServeMap{
    "INSERT INTO code_map (tenant, name, sha256, since_ms) VALUES ($1, $2, $3, $4) ON CONFLICT "
    "(tenant, name) DO UPDATE SET sha256 = excluded.sha256, since_ms = excluded.since_ms"};
inline constexpr Statement kForgetMap{"DELETE FROM code_map WHERE tenant = $1 AND name = $2"};

}  // namespace rabt::consultation::sql::workflow
