#pragma once

#include "hub/store/store.hpp"

// SQL of the tables alert, alert_telling, alert_snooze, alert_rhythm.
namespace rabt::alerts::sql {

using store::Statement;

#define RABT_ALERT                                                                                \
  "SELECT id, rule, object, severity, value, worst, opened_ms, last_ms, count, told_ms, "         \
  "told_severity, closed_ms, over, acked_by, acked_ms, data_key, sealed FROM alert WHERE tenant " \
  "= $1 "
inline constexpr Statement kLivingAlerts{RABT_ALERT "AND over = 0 ORDER BY id"};
inline constexpr Statement kFindAlert{RABT_ALERT "AND id = $2"};
inline constexpr Statement kOpenAlerts{
    RABT_ALERT
    "AND over = 0 AND closed_ms IS NULL AND ($2 = '' OR id < $2) ORDER BY id DESC LIMIT $3"};
inline constexpr Statement kOpenAlertsOfRule{RABT_ALERT
                                             "AND over = 0 AND closed_ms IS NULL AND ($2 = '' OR "
                                             "id < $2) AND rule = $4 ORDER BY id DESC LIMIT $3"};
inline constexpr Statement kEachAlert{RABT_ALERT
                                      "AND ($2 = '' OR id < $2) ORDER BY id DESC LIMIT $3"};
inline constexpr Statement kEachAlertOfRule{
    RABT_ALERT "AND rule = $4 AND ($2 = '' OR id < $2) ORDER BY id DESC LIMIT $3"};
#undef RABT_ALERT
inline constexpr Statement kPutAlert{
    "INSERT INTO alert (tenant, id, rule, object, severity, value, worst, opened_ms, last_ms, "
    "count, told_ms, told_severity, closed_ms, over, acked_by, acked_ms, data_key, sealed) VALUES "
    "($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18) ON CONFLICT "
    "(tenant, id) DO UPDATE SET severity = $5, value = $6, worst = $7, last_ms = $9, count = $10, "
    "told_ms = $11, told_severity = $12, closed_ms = $13, over = $14, acked_by = $15, acked_ms = "
    "$16, data_key = $17, sealed = $18"};
inline constexpr Statement kDropAlerts{
    "DELETE FROM alert WHERE (tenant, id) IN (SELECT tenant, id FROM alert WHERE over = 1 AND "
    "closed_ms < $1 ORDER BY closed_ms LIMIT 200)"};

#define RABT_TELLING \
  "SELECT id, way, target, facts, state, attempts, at_ms, due_ms, code FROM alert_telling WHERE "
inline constexpr Statement kUntoldTellings{RABT_TELLING
                                           "tenant = $1 AND state = 'open' ORDER BY id LIMIT 1000"};
inline constexpr Statement kToldSince{
    RABT_TELLING "tenant = $1 AND state <> 'open' AND at_ms >= $2 ORDER BY at_ms"};
#undef RABT_TELLING
inline constexpr Statement kPutTelling{
    "INSERT INTO alert_telling (tenant, id, way, target, facts, state, attempts, at_ms, due_ms, "
    "code) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT (tenant, id, way, target) "
    "DO UPDATE SET state = $6, attempts = $7, due_ms = $9, code = $10"};
inline constexpr Statement kDropTellings{
    "DELETE FROM alert_telling WHERE (tenant, id, way, target) IN (SELECT tenant, id, way, target "
    "FROM alert_telling WHERE at_ms < $1 ORDER BY at_ms LIMIT 200)"};

inline constexpr Statement kSnoozes{
    "SELECT rule, object, until_ms FROM alert_snooze WHERE tenant = $1 AND until_ms > $2"};
inline constexpr Statement kPutSnooze{
    "INSERT INTO alert_snooze (tenant, rule, object, until_ms) VALUES ($1, $2, $3, $4) ON CONFLICT "
    "(tenant, rule, object) DO UPDATE SET until_ms = $4"};
inline constexpr Statement kDropSnoozes{"DELETE FROM alert_snooze WHERE until_ms < $1"};

inline constexpr Statement kReadRhythm{
    "SELECT source, hour, mean FROM alert_rhythm WHERE tenant = $1 AND source > ''"};
inline constexpr Statement kPutRhythm{
    "INSERT INTO alert_rhythm (tenant, source, hour, mean) VALUES ($1, $2, $3, $4) ON CONFLICT "
    "(tenant, source, hour) DO UPDATE SET mean = $4"};

}  // namespace rabt::alerts::sql
