#pragma once

#include "hub/store/store.hpp"

// SQL of the table plugin_kv.
namespace rabt::plugin::sql::services {

using store::Statement;

inline constexpr Statement kKvUsed{
    "SELECT COALESCE(SUM(LENGTH(value)), 0) AS bytes FROM plugin_kv WHERE tenant = $1 AND plugin = "
    "$2"};
inline constexpr Statement kKvExpiredOf{
    "SELECT tenant, plugin, key, version, LENGTH(value) AS bytes FROM plugin_kv WHERE expires_ms > "
    "0 AND "
    "expires_ms <= $1 AND tenant = $2 AND plugin = $3 AND key <> $4 ORDER BY expires_ms LIMIT $5"};
inline constexpr Statement kKvExpired{
    "SELECT tenant, plugin, key, version, LENGTH(value) AS bytes FROM plugin_kv WHERE expires_ms > "
    "0 AND "
    "expires_ms <= $1 ORDER BY expires_ms LIMIT $2"};
inline constexpr Statement kKvExpiredBytes{
    "SELECT tenant, plugin, SUM(LENGTH(value)) AS bytes FROM plugin_kv WHERE expires_ms > 0 AND "
    "expires_ms "
    "<= $1 GROUP BY tenant, plugin"};
inline constexpr Statement kKvGet{
    "SELECT value, version, expires_ms, data_key FROM plugin_kv WHERE tenant = $1 AND plugin = $2 "
    "AND key = $3"};
inline constexpr Statement kKvHead{
    "SELECT version, expires_ms, LENGTH(value) AS bytes FROM plugin_kv WHERE tenant = $1 AND "
    "plugin = $2 "
    "AND key = $3"};
inline constexpr Statement kKvPut{
    "INSERT INTO plugin_kv (tenant, plugin, key, value, version, expires_ms, data_key) VALUES ($1, "
    "$2, $3, $4, $5, $6, $7) ON CONFLICT (tenant, plugin, key) DO UPDATE SET value = "
    "excluded.value, version = excluded.version, expires_ms = excluded.expires_ms, data_key = "
    "excluded.data_key WHERE plugin_kv.version = $8"};
inline constexpr Statement kKvDelete{
    "DELETE FROM plugin_kv WHERE tenant = $1 AND plugin = $2 AND key = $3 AND version = $4"};

}  // namespace rabt::plugin::sql::services
