#include "hub/assembly/database.hpp"

#include <filesystem>

namespace rabt::assembly {

namespace {

Result<std::shared_ptr<SecretBytes>> password_of(const config::SecretSource& from,
                                                 const char* what) {
  if (from.file.empty() && from.env.empty()) return std::shared_ptr<SecretBytes>();
  auto value = config::read_secret(from);
  if (value.ok()) return value;
  return invalid(value.error().code, std::string(what) + ": " + value.error().message);
}

}  // namespace

std::string database_file(const config::Config& config) {
  return config.data + "/rabt.db";
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

Result<std::unique_ptr<store::Store>> open_database(const config::Config& config, Logger& log,
                                                    Beside beside) {
  if (!config.postgres) {
    return store::open_sqlite({.path = database_file(config),
                               .migrations_folder = config.migrations,
                               .needed = {config.data + "/keyring"}},
                              log);
  }
  if (beside == Beside::nothing && std::filesystem::exists(database_file(config))) {
    return conflict("store.two",
                    "the data folder " + config.data +
                        " has the database rabt.db, and store.postgres names one of a server: "
                        "`rabt store copy` brings it there; or remove the section store, or name "
                        "another data folder");
  }
  RABT_TRY(options, postgres_options(config));
  return store::open_postgres(options, log);
}

Result<std::unique_ptr<store::Connection>> open_database_reader(const config::Config& config) {
  if (!config.postgres) return store::open_sqlite_reader(database_file(config));
  RABT_TRY(options, postgres_options(config));
  return store::open_postgres_reader(options);
}

Result<bool> database_is_used(const config::Config& config) {
  if (!config.postgres) return std::filesystem::exists(database_file(config));
  RABT_TRY(options, postgres_options(config));
  return store::postgres_is_used(options);
}

}  // namespace rabt::assembly
