#pragma once

#include "hub/store/store.hpp"

// SQL of hub/keys. Tables: migrations/sqlite/0007_keys.sql.
namespace rabt::keys::sql {

using store::Statement;

inline constexpr Statement kInsertKey{
    "INSERT INTO data_key (id, tenant, bucket, version, wrapped, shared) SELECT $1, $2, $3, $4, "
    "$5, $6 WHERE NOT EXISTS (SELECT 1 FROM bucket_floor WHERE tenant = $2 AND bucket = $3 AND "
    "version > $4) ON CONFLICT DO NOTHING"};
inline constexpr Statement kFindKey{
    "SELECT bucket, version, wrapped FROM data_key WHERE id = $1 AND tenant = $2"};
inline constexpr Statement kDeleteKey{
    "DELETE FROM data_key WHERE id = $1 AND tenant = $2 AND shared = 0 AND NOT EXISTS (SELECT 1 "
    "FROM hold h WHERE h.tenant = data_key.tenant AND h.data_key = data_key.id)"};
inline constexpr Statement kFindShared{
    "SELECT id FROM data_key WHERE tenant = $1 AND bucket = $2 AND shared = 1"};
// Changes no row if another process has moved or rewrapped the key meanwhile.
inline constexpr Statement kRewrapKey{
    "UPDATE data_key SET bucket = $3, version = $4, wrapped = $5 WHERE id = $1 AND wrapped = $2 "
    "AND NOT EXISTS (SELECT 1 FROM bucket_floor f WHERE f.tenant = data_key.tenant AND f.bucket = "
    "$3 AND f.version > $4)"};
inline constexpr Statement kPutFloor{
    "INSERT INTO bucket_floor (tenant, bucket, version) VALUES ($1, $2, $3) ON CONFLICT (tenant, "
    "bucket) DO UPDATE SET version = excluded.version"};
inline constexpr Statement kKeysAfter{
    "SELECT id, bucket, version, wrapped FROM data_key WHERE tenant = $1 AND id > $2 ORDER BY id "
    "LIMIT $3"};
// The newest first.
inline constexpr Statement kKeysBefore{
    "SELECT id, bucket, version, wrapped FROM data_key WHERE tenant = $1 AND id <= $2 ORDER BY id "
    "DESC LIMIT $3"};
inline constexpr Statement kCountKeys{
    "SELECT bucket, version, COUNT(*) AS count FROM data_key WHERE tenant = $1 GROUP BY bucket, "
    "version "
    "ORDER BY bucket, version"};

inline constexpr Statement kInsertHold{
    "INSERT INTO hold (tenant, hold_case, data_key, object, bucket, held_ms) VALUES ($1, $2, $3, "
    "$4, $5, $6) ON CONFLICT DO NOTHING"};
inline constexpr Statement kHoldsOfCase{
    "SELECT data_key, object, bucket FROM hold WHERE tenant = $1 AND hold_case = $2 ORDER BY "
    "data_key"};
inline constexpr Statement kHoldOfKey{
    "SELECT hold_case, bucket FROM hold WHERE tenant = $1 AND data_key = $2"};
inline constexpr Statement kDeleteHold{"DELETE FROM hold WHERE tenant = $1 AND data_key = $2"};
inline constexpr Statement kCountHolds{
    "SELECT hold_case, COUNT(*) AS count, MIN(held_ms) AS first_held_ms FROM hold WHERE tenant = "
    "$1 GROUP BY hold_case"};

inline constexpr Statement kPutTask{
    "INSERT INTO key_task (tenant, cursor, forget, actor, reason, started_ms, rewrapped) VALUES "
    "($1, $2, $3, $4, $5, $6, 0) ON CONFLICT (tenant) DO UPDATE SET cursor = excluded.cursor, "
    "forget = CASE WHEN excluded.forget = 1 THEN 1 ELSE key_task.forget END, actor = "
    "excluded.actor, reason = excluded.reason, started_ms = "
    "excluded.started_ms, rewrapped = 0"};
inline constexpr Statement kReadTask{
    "SELECT cursor, forget, actor, reason, started_ms, rewrapped FROM key_task WHERE tenant = $1"};
inline constexpr Statement kAdvanceTask{
    "UPDATE key_task SET cursor = $2, rewrapped = rewrapped + $3 WHERE tenant = $1 AND cursor = "
    "$4"};
inline constexpr Statement kEndTask{"DELETE FROM key_task WHERE tenant = $1 AND cursor = $2"};
inline constexpr Statement kDeleteTask{"DELETE FROM key_task WHERE tenant = $1"};

}  // namespace rabt::keys::sql
