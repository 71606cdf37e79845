#pragma once

#include "hub/store/store.hpp"

// SQL of the tables delivery_outcome, replay, delivery_outcome_total.
namespace rabt::api::sql {

using store::Statement;

inline constexpr Statement kInsertOutcome{
    "INSERT INTO delivery_outcome (tenant, source, outcome, at_ms, client, request, code, reason, "
    "length, uid, data_key, sealed, envelope) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, "
    "$11, $12, $13)"};
inline constexpr Statement kDropOldestOutcomes{
    "DELETE FROM delivery_outcome WHERE tenant = $1 AND source = $2 AND id <= (SELECT id FROM "
    "delivery_outcome WHERE tenant = $1 AND source = $2 ORDER BY id DESC LIMIT 1 OFFSET $3)"};
inline constexpr Statement kDropBodies{
    "UPDATE delivery_outcome SET data_key = $4, sealed = $4, envelope = $4 WHERE tenant = $1 AND "
    "source = $2 AND length(data_key) > 0 AND id <= (SELECT id FROM delivery_outcome WHERE tenant "
    "= $1 AND source = $2 AND length(data_key) > 0 ORDER BY id DESC LIMIT 1 OFFSET $3)"};
inline constexpr Statement kDropOldBodies{
    "UPDATE delivery_outcome SET data_key = $2, sealed = $2, envelope = $2 WHERE length(data_key) "
    "> 0 AND at_ms < $1"};
#define RABT_OUTCOME                                                                             \
  "SELECT id, source, outcome, at_ms, client, request, code, reason, length, "                   \
  "length(data_key) > 0 AS kept, settled, became, settled_by, settled_ms FROM delivery_outcome " \
  "WHERE "                                                                                       \
  "tenant = $1 "
inline constexpr Statement kListOutcomes{RABT_OUTCOME "ORDER BY id DESC LIMIT $2"};
inline constexpr Statement kListOutcomesOfSource{RABT_OUTCOME
                                                 "AND source = $3 ORDER BY id DESC LIMIT $2"};
inline constexpr Statement kListOutcome{RABT_OUTCOME "AND id = $2"};
#undef RABT_OUTCOME
// Deliveries whose body is kept: 100 of each source at most. The index of kept bodies finds each.
inline constexpr Statement kOldestKept{
    "SELECT id, source, at_ms FROM delivery_outcome WHERE tenant = $1 AND length(data_key) > 0 AND "
    "length(envelope) > 0 AND settled = '' AND ($2 = '' OR source = $2) AND ($3 = '' OR code = $3) "
    "AND at_ms >= $4 AND at_ms < $5 ORDER BY at_ms, id LIMIT $6"};
inline constexpr Statement kSettleOutcome{
    "UPDATE delivery_outcome SET settled = $3, became = $4, settled_by = $5, settled_ms = $6 WHERE "
    "id = $1 AND tenant = $2 AND settled != 'discarded'"};
inline constexpr Statement kOutcomeIsThere{
    "SELECT settled FROM delivery_outcome WHERE id = $1 AND tenant = $2"};
inline constexpr Statement kReadKept{
    "SELECT uid, data_key, sealed, envelope, source, client, request, settled FROM "
    "delivery_outcome WHERE id = $1 AND tenant = $2 AND length(data_key) > 0 AND length(envelope) "
    "> 0"};
// At most kKeptOutcomes of each source.
inline constexpr Statement kOutcomesLately{
    "SELECT source, outcome, count(*) AS count, min(at_ms) AS first_at_ms FROM delivery_outcome "
    "WHERE tenant = $1 AND "
    "settled = '' AND at_ms >= CASE outcome WHEN 'unreadable' THEN CAST($2 AS BIGINT) ELSE $3 END "
    "GROUP BY source, outcome ORDER BY source, outcome"};
inline constexpr Statement kReadBody{
    "SELECT uid, data_key, sealed FROM delivery_outcome WHERE id = $1 AND tenant = $2 AND "
    "length(data_key) > 0"};

inline constexpr Statement kFindReplay{
    "SELECT fingerprint, status, data_key, sealed, expires_ms FROM replay WHERE tenant = $1 AND "
    "key = $2"};
inline constexpr Statement kBeginReplay{
    "INSERT INTO replay (tenant, key, fingerprint, status, data_key, sealed, expires_ms) VALUES "
    "($1, $2, $3, 0, $4, $4, $5)"};
inline constexpr Statement kKeepReplay{
    "INSERT INTO replay (tenant, key, fingerprint, status, data_key, sealed, expires_ms) VALUES "
    "($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING"};
inline constexpr Statement kFinishReplay{
    "UPDATE replay SET status = $3, data_key = $4, sealed = $5 WHERE tenant = $1 AND key = $2"};
inline constexpr Statement kRemoveReplay{"DELETE FROM replay WHERE tenant = $1 AND key = $2"};
inline constexpr Statement kExpireReplays{"DELETE FROM replay WHERE expires_ms <= $1"};

inline constexpr Statement kCountOutcome{
    "INSERT INTO delivery_outcome_total (tenant, source, outcome, total) VALUES ($1, $2, $3, 1) ON "
    "CONFLICT (tenant, source, outcome) DO UPDATE SET total = delivery_outcome_total.total + 1"};
inline constexpr Statement kOutcomeTotals{
    "SELECT source, outcome, total FROM delivery_outcome_total WHERE tenant = $1"};

}  // namespace rabt::api::sql
