#include "hub/store/postgres/check.hpp"

#include "hub/store/migration_files.hpp"
#include "hub/store/postgres/session.hpp"

namespace rabt::store {

namespace {

using postgres::Session;
using Level = PostgresFinding::Level;

struct Look {
  const char* name;
  const char* sql;
  // The answer that is good. Null if any is.
  const char* wanted;
  const char* advice;
};

// Session::open has refused what the hub does not work with; these are told.
constexpr Look kLooks[] = {
    {"server", "SHOW server_version", nullptr, ""},
    {"encrypted connection",
     "SELECT CASE WHEN ssl THEN 'yes, ' || version ELSE 'no' END FROM pg_stat_ssl WHERE pid = "
     "pg_backend_pid()",
     nullptr, ""},
    {"encoding", "SHOW server_encoding", nullptr, ""},
    {"fsync", "SHOW fsync", nullptr, ""},
    {"full_page_writes", "SHOW full_page_writes", nullptr, ""},
    {"synchronous_commit", "SHOW synchronous_commit", nullptr, ""},
    {"data checksums", "SHOW data_checksums", "on",
     "pages that the disk changed are not noticed; switch them on with pg_checksums while the "
     "server "
     "is stopped"},
    {"synchronous standby",
     "SELECT coalesce(nullif(current_setting('synchronous_standby_names'), ''), 'none')", nullptr,
     ""},
    {"primary", "SELECT CASE WHEN pg_is_in_recovery() THEN 'no' ELSE 'yes' END", "yes",
     "this is a standby; name the primary in store.postgres.host"},
    {"connections left",
     "SELECT current_setting('max_connections')::int - count(*) FROM pg_stat_activity", nullptr,
     ""},
    {"oldest transaction, seconds",
     "SELECT coalesce(max(extract(epoch FROM now() - xact_start))::bigint, 0) FROM "
     "pg_stat_activity WHERE pid <> pg_backend_pid() AND datname = current_database()",
     nullptr, ""},
    {"role may create tables",
     "SELECT CASE WHEN has_schema_privilege(current_schema(), 'CREATE') THEN 'yes' ELSE 'no' END",
     nullptr, ""},
};

}  // namespace

Result<std::vector<PostgresFinding>> check_postgres(const PostgresOptions& options) {
  std::vector<PostgresFinding> findings;
  RABT_TRY(session, Session::open(options, Session::Use::writes));
  for (const Look& look : kLooks) {
    RABT_TRY(value, session->ask(look.sql));
    const bool good = look.wanted == nullptr || value == look.wanted;
    findings.push_back({good ? Level::good : Level::warning, look.name, value,
                        good ? std::string() : std::string(look.advice)});
  }
  RABT_TRY(tables, session->ask("SELECT to_regclass('schema_migration') IS NOT NULL"));
  if (tables != "t") {
    findings.push_back({Level::good, "migrations", "none yet", ""});
    return findings;
  }
  RABT_TRY(missing, missing_migrations(*session, options.migrations_folder));
  findings.push_back({Level::good, "migrations to apply", std::to_string(missing.size()), ""});
  return findings;
}

}  // namespace rabt::store
