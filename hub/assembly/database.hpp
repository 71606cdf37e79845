#pragma once

#include <memory>
#include <string>

#include "hub/base/log.hpp"
#include "hub/base/result.hpp"
#include "hub/config/config.hpp"
#include "hub/store/open.hpp"
#include "hub/store/store.hpp"

// The database of a configuration: a file of the data folder, or one of a PostgreSQL server.
namespace rabt::assembly {

// Reads the secrets of `store.postgres`, which is set. Error config.missing_secret.
[[nodiscard]] Result<store::PostgresOptions> postgres_options(const config::Config& config);

// Checks that the database that the configuration names is that of the data folder. Errors:
// store.two: a server is named, and the data folder has a database, too. store.copied: the file is
// named, and its database was brought to a server, or is being brought back.
[[nodiscard]] Status check_place(const config::Config& config);
// Opens the database for the hub, which holds the lock of the data folder. Errors: those of
// check_place and store::open.
[[nodiscard]] Result<std::unique_ptr<store::Store>> open_database(const config::Config& config,
                                                                  Logger& log);
// The same for a copy: the database of the server, or else this file, without check_place.
[[nodiscard]] Result<std::unique_ptr<store::Store>> open_database_at(const config::Config& config,
                                                                     const std::string& file,
                                                                     Logger& log);
// Opens the database for looking only, beside a running hub or without one.
[[nodiscard]] Result<std::unique_ptr<store::Connection>> open_database_reader(
    const config::Config& config);

// True if a hub has written to the database. Of a server this asks the server.
[[nodiscard]] Result<bool> database_is_used(const config::Config& config);

// Path of the database's file. With `store.postgres` there is none.
[[nodiscard]] std::string database_file(const config::Config& config);
// The file after a copy has brought it to a server.
[[nodiscard]] std::string copied_file(const config::Config& config);
// The file until a copy from a server is whole.
[[nodiscard]] std::string unfinished_file(const config::Config& config);

}  // namespace rabt::assembly
