#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "hub/base/log.hpp"
#include "hub/base/result.hpp"
#include "hub/config/config.hpp"
#include "hub/store/store.hpp"

// The database of a configuration: a file of the data folder, or one of a PostgreSQL server.
namespace rabt::assembly {

// Reads the secrets of `store.postgres`, which is set. Error config.missing_secret.
[[nodiscard]] Result<store::PostgresOptions> postgres_options(const config::Config& config);

// Databases beside the one that is opened: a hub has none, a copy has another.
enum class Beside : std::uint8_t { nothing, other };
// Opens the database for the hub. Errors: those of open_sqlite and open_postgres; store.two: there
// are a database of the data folder and one of a server.
[[nodiscard]] Result<std::unique_ptr<store::Store>> open_database(const config::Config& config,
                                                                  Logger& log,
                                                                  Beside beside = Beside::nothing);
// Opens the database for looking only, beside a running hub or without one.
[[nodiscard]] Result<std::unique_ptr<store::Connection>> open_database_reader(
    const config::Config& config);

// True if a hub has written to the database. Of a server this asks the server.
[[nodiscard]] Result<bool> database_is_used(const config::Config& config);

// Path of the database's file. With `store.postgres` there is none.
[[nodiscard]] std::string database_file(const config::Config& config);

}  // namespace rabt::assembly
