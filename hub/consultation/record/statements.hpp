#pragma once

#include "hub/store/store.hpp"

// SQL of the tables session_record, session_event.
namespace rabt::consultation::sql::record {

using store::Statement;

// read_row takes the columns in this order.
inline constexpr Statement kPage{
    "SELECT id, kind, number, session, author, state, at_ms, updated_ms, version, blob, sealed "
    "FROM session_record WHERE tenant = $1 AND session = $2 AND kind = $3 AND id > $4 ORDER BY id "
    "LIMIT $5"};
inline constexpr Statement kNewest{
    "SELECT id, kind, number, session, author, state, at_ms, updated_ms, version, blob, sealed "
    "FROM session_record WHERE tenant = $1 AND session = $2 AND kind = $3 ORDER BY id DESC LIMIT "
    "$4"};
inline constexpr Statement kFind{
    "SELECT id, kind, number, session, author, state, at_ms, updated_ms, version, blob, sealed "
    "FROM session_record WHERE tenant = $1 AND id = $2 AND session = $3"};
inline constexpr Statement kByClient{
    "SELECT id, kind, number, session, author, state, at_ms, updated_ms, version, blob, sealed "
    "FROM session_record WHERE tenant = $1 AND session = $2 AND kind = $3 AND author = $4 AND "
    "client = $5"};
inline constexpr Statement kLocateById{
    "SELECT id, session FROM session_record WHERE tenant = $1 AND id = $2 AND kind = $3"};
inline constexpr Statement kLocateByNumber{
    "SELECT id, session FROM session_record WHERE tenant = $1 AND kind = $2 AND number = $3"};
inline constexpr Statement kCount{
    "SELECT COUNT(*) AS count, COALESCE(SUM(CASE WHEN author = $4 THEN 1 ELSE 0 END), 0) AS "
    "own_count FROM "
    "session_record WHERE tenant = $1 AND session = $2 AND kind = $3"};
inline constexpr Statement kHas{
    "SELECT COUNT(*) AS count FROM (SELECT id FROM session_record WHERE tenant = $1 AND session = "
    "$2 AND "
    "kind = $3 LIMIT $4) AS those"};
// By the index of those that have a client: all of a kind of which one person may have so many.
inline constexpr Statement kHasOwn{
    "SELECT COUNT(*) AS count FROM (SELECT client FROM session_record WHERE tenant = $1 AND "
    "session = $2 "
    "AND kind = $3 AND author = $4 AND length(client) > 0 LIMIT $5) AS those"};
inline constexpr Statement kInsert{
    "INSERT INTO session_record (tenant, id, kind, number, session, author, state, at_ms, "
    "updated_ms, version, client, blob, sealed) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, "
    "$11, $12, $13) ON CONFLICT DO NOTHING"};
inline constexpr Statement kReplace{
    "UPDATE session_record SET state = $1, updated_ms = $2, version = $3, sealed = $4 WHERE tenant "
    "= $5 AND id = $6 AND version = $3 - 1"};

inline constexpr Statement kFinding{
    "SELECT data FROM session_event WHERE tenant = $1 AND session = $2 AND seq = $3 AND type = "
    "'phi-detected'"};
inline constexpr Statement kReviews{
    "SELECT data FROM session_event WHERE tenant = $1 AND session = $2 AND type = 'phi-reviewed'"};

}  // namespace rabt::consultation::sql::record
