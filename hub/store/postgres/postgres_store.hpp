#pragma once

#include <memory>

#include "hub/store/open.hpp"

namespace rabt::store {

// Opens a database of a PostgreSQL server, version 15 or later, checks its settings, applies
// missing migrations and takes the database for this hub. Messages never hold the password.
// Errors: store.open (says where and why), store.locked (another hub uses it), store.durability
// (the server may lose what it has acknowledged), store.settings (version, encoding),
// store.pooler, store.earlier_build, store.migration_changed, store.migration_newer,
// store.migration_failed.
[[nodiscard]] Result<std::unique_ptr<Store>> open_postgres(const PostgresOptions& options,
                                                           Logger& log);
// The same for looking only, beside a running hub or without one. For one thread.
[[nodiscard]] Result<std::unique_ptr<Connection>> open_postgres_reader(
    const PostgresOptions& options);
// True if a hub has written to the database. Errors: those of connecting.
[[nodiscard]] Result<bool> postgres_is_used(const PostgresOptions& options);

}  // namespace rabt::store
