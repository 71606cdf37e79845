#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "hub/store/store.hpp"

// Files NNNN_name.sql of a migrations folder, beside the migrations that a database has applied.
// Used by both engines.
namespace rabt::store {

struct Migration {
  // The file's name.
  std::string name;
  std::string sql;
  // 64-bit FNV-1a: it notices an edited file, it does not protect against an attacker.
  std::string checksum;
};
using Migrations = std::map<std::int64_t, Migration>;

inline constexpr const char* kMigrationTable =
    "CREATE TABLE IF NOT EXISTS schema_migration (number BIGINT PRIMARY KEY, name TEXT NOT NULL, "
    "checksum TEXT NOT NULL, applied_at BIGINT NOT NULL)";
inline constexpr Statement kNoteMigration{
    "INSERT INTO schema_migration (number, name, checksum, applied_at) VALUES ($1, $2, $3, $4)"};

// Reads a folder. Errors: store.migration_failed (a file cannot be read, or is not named and
// numbered as it should be), store.open.
[[nodiscard]] Result<Migrations> read_migrations(const std::string& folder);

// The files that the database has not seen. Errors: store.migration_changed (an applied file was
// edited, removed, or a new one was put before applied ones), store.migration_newer (the database
// was written by a newer hub); those of read_migrations.
[[nodiscard]] Result<Migrations> missing_migrations(Connection& connection,
                                                    const std::string& folder);

// The error of a file that could not be applied and was undone.
[[nodiscard]] Error migration_failed(const Migration& migration, const std::string& folder,
                                     const Error& cause);

}  // namespace rabt::store
