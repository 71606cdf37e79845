#pragma once

#include "hub/store/store.hpp"

// SQL of the tables session_message, early_report, message_sent.
namespace rabt::consultation::sql::messages {

using store::Statement;

inline constexpr Statement kTakenMessages{
    "SELECT kind, version, at_ms, outcome, gateway_id, asked, followed_by FROM session_message "
    "WHERE tenant = $1 AND session = $2 AND participant = $3 AND gateway_id <> ''"};
inline constexpr Statement kMessageOfGateway{
    "SELECT session, participant, kind, version, followed_by FROM session_message WHERE tenant = "
    "$1 AND gateway_id = $2 AND gateway_id <> ''"};
// A message that arrived stays so, and one that was sent once more under this key has another id.
inline constexpr Statement kMessageArrived{
    "UPDATE session_message SET outcome = 'delivered' WHERE tenant = $1 AND session = $2 AND "
    "participant = $3 AND kind = $4 AND version = $5 AND gateway_id = $6 AND outcome IN ('sent', "
    "'undelivered')"};
inline constexpr Statement kMessageLost{
    "UPDATE session_message SET outcome = 'undelivered' WHERE tenant = $1 AND session = $2 AND "
    "participant = $3 AND kind = $4 AND version = $5 AND gateway_id = $6 AND outcome = 'sent'"};
inline constexpr Statement kMessageAsked{
    "UPDATE session_message SET asked = asked + 1 WHERE tenant = $1 AND session = $2 AND "
    "participant = $3 AND kind = $4 AND version = $5"};
inline constexpr Statement kMessageFollowed{
    "UPDATE session_message SET followed_by = $6 WHERE tenant = $1 AND session = $2 AND "
    "participant = $3 AND kind = $4 AND version = $5"};
inline constexpr Statement kMessageOutcomes{
    "SELECT participant, kind, outcome, version FROM session_message WHERE tenant = $1 AND session "
    "= $2 ORDER BY version"};
inline constexpr Statement kMessageOutcome{
    "SELECT outcome FROM session_message WHERE tenant = $1 AND session = $2 AND participant = $3 "
    "AND kind = $4 AND version = $5"};
inline constexpr Statement kEarlyReportsOf{
    "SELECT m.kind, m.version, m.gateway_id, r.delivered FROM session_message m JOIN early_report "
    "r ON r.tenant = m.tenant AND r.message = m.gateway_id WHERE m.tenant = $1 AND m.session = $2 "
    "AND m.participant = $3 AND m.gateway_id <> '' AND r.at_ms >= $4"};
inline constexpr Statement kTold{
    "SELECT kind, version, at_ms FROM session_message WHERE tenant = $1 AND session = $2 AND "
    "participant = $3"};
inline constexpr Statement kPutMessage{
    "INSERT INTO session_message (tenant, session, participant, kind, version, outcome, at_ms, "
    "gateway_id) VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (tenant, session, "
    "participant, kind, version) DO UPDATE SET outcome = excluded.outcome, at_ms = excluded.at_ms, "
    "gateway_id = excluded.gateway_id, asked = 0, followed_by = ''"};

inline constexpr Statement kKeepEarlyReport{
    "INSERT INTO early_report (tenant, message, gateway, delivered, at_ms) VALUES ($1, $2, $3, $4, "
    "$5) ON CONFLICT (tenant, message) DO UPDATE SET delivered = excluded.delivered, at_ms = "
    "excluded.at_ms WHERE early_report.delivered = 0"};
inline constexpr Statement kOldestEarlyReport{
    "SELECT at_ms FROM early_report WHERE tenant = $1 AND gateway = $2 ORDER BY at_ms DESC LIMIT 1 "
    "OFFSET $3"};
inline constexpr Statement kForgetOldEarlyReports{
    "DELETE FROM early_report WHERE tenant = $1 AND gateway = $2 AND at_ms < $3"};
inline constexpr Statement kForgetEarlyReport{
    "DELETE FROM early_report WHERE tenant = $1 AND message = $2"};

inline constexpr Statement kSentTo{
    "SELECT letter, cause, at_ms FROM message_sent WHERE tenant = $1 AND address = $2 AND at_ms > "
    "$3"};
inline constexpr Statement kPutSent{
    "INSERT INTO message_sent (tenant, address, letter, cause, at_ms) VALUES ($1, $2, $3, $4, $5) "
    "ON CONFLICT (tenant, address, letter) DO UPDATE SET at_ms = excluded.at_ms"};
inline constexpr Statement kForgetOldSent{
    "DELETE FROM message_sent WHERE tenant = $1 AND at_ms <= $2"};

}  // namespace rabt::consultation::sql::messages
