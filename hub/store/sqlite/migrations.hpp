#pragma once

#include <string>

#include "hub/base/log.hpp"
#include "hub/store/sqlite/connection.hpp"

namespace rabt::store::sqlite {

// Version of the tables and the stored formats, in the database's user_version. It is raised when
// this build cannot read older data any more. Since 0.2.0 it never was: a change is a migration.
inline constexpr int kDataFormat = 1;

// Error code store.earlier_build: the database holds something else than kDataFormat. A database
// without tables is none of an earlier build.
[[nodiscard]] Status refuse_earlier_build(Database& database, const std::string& path);

// Applies the files NNNN_name.sql of folder that the database has not seen, in order, each in a
// transaction of its own, noted in the table schema_migration with a checksum (64-bit FNV-1a: it
// notices an edited file, it does not protect against an attacker). Errors: store.migration_changed
// (an applied file was edited, removed, or a new one was put before applied ones),
// store.migration_newer (the database was written by a newer hub), store.migration_failed,
// store.open. After an error the database has every migration before the one named. When one was
// applied, the planner is told what the indexes find (sqlite_stat1).
[[nodiscard]] Status migrate(Database& database, const std::string& folder, Logger& log);

}  // namespace rabt::store::sqlite
