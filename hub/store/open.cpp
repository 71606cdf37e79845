#include "hub/store/open.hpp"

#include "hub/store/postgres/postgres_store.hpp"
#include "hub/store/sqlite/sqlite_store.hpp"

namespace rabt::store {

Result<std::unique_ptr<Store>> open(const Options& options, Logger& log) {
  if (const auto* const file = std::get_if<SqliteOptions>(&options)) return open_sqlite(*file, log);
  return open_postgres(std::get<PostgresOptions>(options), log);
}

Result<std::unique_ptr<Connection>> open_reader(const Options& options) {
  if (const auto* const file = std::get_if<SqliteOptions>(&options))
    return open_sqlite_reader(file->path);
  return open_postgres_reader(std::get<PostgresOptions>(options));
}

Result<bool> is_used(const Options& options) {
  if (const auto* const file = std::get_if<SqliteOptions>(&options))
    return sqlite_is_used(file->path);
  return postgres_is_used(std::get<PostgresOptions>(options));
}

bool on_this_host(const std::string& host) {
  return host.empty() || host.front() == '/' || host == "localhost" || host == "127.0.0.1" ||
         host == "::1";
}

}  // namespace rabt::store
