#pragma once

#include <string>

#include "hub/base/log.hpp"
#include "hub/store/postgres/session.hpp"

namespace rabt::store::postgres {

// Version of the tables and the stored formats, as SQLite's user_version.
inline constexpr int kDataFormat = 1;

// The options for a connection of the role that applies migrations.
[[nodiscard]] PostgresOptions as_owner(const PostgresOptions& options);

// Errors: store.migration_newer, store.earlier_build, store.open (there are no tables).
[[nodiscard]] Status refuse_other_format(Session& session);

// Creates the store's own tables where they are missing, and applies the files of the migrations
// folder that the database has not seen, each in a transaction of its own. Connects as the owner
// only when there is something to do. Two hubs that start at once do it one after the other.
// Errors: store.migration_changed, store.migration_newer, store.migration_failed,
// store.earlier_build, store.open.
[[nodiscard]] Status migrate(const PostgresOptions& options, Session& session, Logger& log);

}  // namespace rabt::store::postgres
