#include "hub/assembly/database.hpp"

#include <utility>

#include "hub/base/file_there.hpp"

namespace rabt::assembly {

namespace {

Result<std::shared_ptr<SecretBytes>> password_of(const config::SecretSource& from,
                                                 const char* what) {
  if (from.file.empty() && from.env.empty()) return std::shared_ptr<SecretBytes>();
  auto value = config::read_secret(from);
  if (value.ok()) return value;
  return invalid(value.error().code, std::string(what) + ": " + value.error().message);
}

// The database of the server, or else this file.
Result<store::Options> options_of(const config::Config& config, const std::string& file) {
  if (config.postgres) {
    RABT_TRY(server, postgres_options(config));
    return store::Options(std::move(server));
  }
  return store::Options(store::SqliteOptions{
      .path = file, .migrations_folder = config.migrations, .needed = {config.data + "/keyring"}});
}

}  // namespace

std::string database_file(const config::Config& config) {
  return config.data + "/rabt.db";
}

std::string copied_file(const config::Config& config) {
  return database_file(config) + ".copied";
}

std::string unfinished_file(const config::Config& config) {
  return database_file(config) + ".copying";
}

Result<store::PostgresOptions> postgres_options(const config::Config& config) {
  const config::PostgresEntry& entry = *config.postgres;
  store::PostgresOptions options;
  options.host = entry.host;
  options.port = entry.port;
  options.database = entry.database;
  options.user = entry.user;
  RABT_TRY(password, password_of(entry.password, "store.postgres.password"));
  options.password = std::move(password);
  options.sslmode = entry.sslmode;
  options.ca = entry.ca;
  options.owner = entry.owner;
  RABT_TRY(owner_password, password_of(entry.owner_password, "store.postgres.owner.password"));
  options.owner_password = std::move(owner_password);
  options.migrations_folder = config.migrations;
  options.needed = {config.data + "/keyring"};
  return options;
}

Status check_place(const config::Config& config) {
  RABT_TRY(has_file, is_there(database_file(config)));
  if (config.postgres && has_file) {
    return conflict("store.two",
                    "the data folder " + config.data +
                        " has the database rabt.db, and store.postgres names one of a server: "
                        "`rabt store copy` brings it there; or remove the section store, or name "
                        "another data folder");
  }
  if (config.postgres || has_file) return ok_status();
  RABT_TRY(unfinished, is_there(unfinished_file(config)));
  if (unfinished) {
    return conflict("store.copied",
                    "a copy from a server to the data folder " + config.data +
                        " has not ended (rabt.db.copying): give the same `rabt store copy` again, "
                        "or start the hub with the configuration that names the server");
  }
  RABT_TRY(copied, is_there(copied_file(config)));
  if (copied) {
    return conflict("store.copied",
                    "the database of the data folder " + config.data +
                        " was brought to a server (rabt.db.copied): start the hub with the "
                        "configuration that names the server; `rabt store copy` brings it back");
  }
  return ok_status();
}

Result<std::unique_ptr<store::Store>> open_database(const config::Config& config, Logger& log) {
  RABT_TRY_STATUS(check_place(config));
  return open_database_at(config, database_file(config), log);
}

Result<std::unique_ptr<store::Store>> open_database_at(const config::Config& config,
                                                       const std::string& file, Logger& log) {
  RABT_TRY(options, options_of(config, file));
  return store::open(options, log);
}

Result<std::unique_ptr<store::Connection>> open_database_reader(const config::Config& config) {
  RABT_TRY(options, options_of(config, database_file(config)));
  return store::open_reader(options);
}

Result<bool> database_is_used(const config::Config& config) {
  RABT_TRY(options, options_of(config, database_file(config)));
  return store::is_used(options);
}

}  // namespace rabt::assembly
