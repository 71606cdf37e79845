#pragma once

#include "hub/store/store.hpp"

// SQL of the tables usage_record, usage_alert, session_attendance, session.
namespace rabt::consultation::sql::metering {

using store::Statement;

inline constexpr Statement kCountActive{
    "SELECT COUNT(*) AS count FROM session WHERE tenant = $1 AND status = 'active' AND ($2 = '' OR "
    "provider "
    "= $2)"};
inline constexpr Statement kNumberOfSession{
    "SELECT number FROM session WHERE tenant = $1 AND id = $2"};

inline constexpr Statement kStaysUnderWay{
    "SELECT a.session, a.participant, a.joined_ms, a.left_ms FROM session_attendance a JOIN "
    "session s ON s.tenant = a.tenant AND s.id = a.session WHERE a.tenant = $1 AND a.joined_ms >= "
    "$2 AND a.joined_ms < $3 AND s.status IN ('requested', 'scheduled', 'waiting', 'active') AND "
    "($4 = '' OR s.provider = $4) ORDER BY a.session, a.participant"};
inline constexpr Statement kStaysOf{
    "SELECT participant, joined_ms, left_ms FROM session_attendance WHERE tenant = $1 AND session "
    "= $2"};

inline constexpr Statement kMeteredOfMonth{
    "SELECT session, CAST(SUM(seconds) AS BIGINT) AS sum_seconds, CAST(SUM(CASE WHEN kind = "
    "'adjustment' THEN "
    "seconds ELSE 0 END) AS BIGINT) AS adjusted_seconds FROM usage_record u WHERE tenant = $1 AND "
    "month = $2 AND ($3 = "
    "'' OR EXISTS (SELECT 1 FROM session s WHERE s.tenant = u.tenant AND s.id = u.session AND "
    "s.provider = $3)) GROUP BY session, participant"};
inline constexpr Statement kMeteredOfSession{
    "SELECT month, participant, CAST(SUM(seconds) AS BIGINT) AS sum_seconds, MAX(n) AS last_n FROM "
    "usage_record WHERE "
    "tenant = $1 AND session = $2 GROUP BY month, participant"};
inline constexpr Statement kInsertUsage{
    "INSERT INTO usage_record (tenant, month, session, participant, n, kind, seconds, at_ms) "
    "VALUES ($1, $2, $3, $4, $5, $6, $7, $8)"};

inline constexpr Statement kUsageAlerts{
    "SELECT threshold, minutes, at_ms FROM usage_alert WHERE tenant = $1 AND month = $2 ORDER BY "
    "threshold"};
inline constexpr Statement kInsertUsageAlert{
    "INSERT INTO usage_alert (tenant, month, threshold, minutes, at_ms) VALUES ($1, $2, $3, $4, "
    "$5) ON CONFLICT DO NOTHING"};

}  // namespace rabt::consultation::sql::metering
