#pragma once

#include "hub/store/store.hpp"

// SQL of the table plugin_config.
namespace rabt::plugin::sql {

using store::Statement;

inline constexpr Statement kAllConfigs{
    "SELECT version, library, written, from_version, data_key, config FROM plugin_config WHERE "
    "tenant = $1 AND plugin = $2"};
inline constexpr Statement kPutConfig{
    "INSERT INTO plugin_config (tenant, plugin, version, library, written, from_version, data_key, "
    "config) VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (tenant, plugin, version) DO "
    "UPDATE SET library = excluded.library, written = excluded.written, from_version = "
    "excluded.from_version, data_key = excluded.data_key, config = excluded.config"};

}  // namespace rabt::plugin::sql
