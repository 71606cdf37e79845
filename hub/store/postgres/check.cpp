#include "hub/store/postgres/check.hpp"

#include "hub/base/number.hpp"
#include "hub/store/migration_files.hpp"
#include "hub/store/postgres/schema.hpp"
#include "hub/store/postgres/session.hpp"
#include "hub/store/postgres/writer.hpp"

namespace rabt::store {

namespace {

using postgres::Session;
using Level = PostgresFinding::Level;
using Findings = std::vector<PostgresFinding>;

// The writer, eight readers, and one that applies migrations at the start.
constexpr std::int64_t kConnections = 10;
// Rows that a transaction may still see are kept, and the busiest tables of the hub grow meanwhile.
constexpr std::int64_t kLongTransactionSeconds = 60;

struct Look {
  const char* name;
  const char* sql;
  // The only good answer. Null if any is good.
  const char* wanted;
  const char* advice;
};

// Session::open refuses settings with which no hub runs. These are the others.
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
     "the server would not notice pages that the disk has changed; switch them on with "
     "pg_checksums while the server is stopped"},
    {"tables without rights",
     "SELECT count(*) FROM pg_tables WHERE schemaname = current_schema() AND NOT "
     "(has_table_privilege(format('%I.%I', schemaname, tablename), 'SELECT') AND "
     "has_table_privilege(format('%I.%I', schemaname, tablename), 'INSERT') AND "
     "has_table_privilege(format('%I.%I', schemaname, tablename), 'UPDATE') AND "
     "has_table_privilege(format('%I.%I', schemaname, tablename), 'DELETE'))",
     "0", "give the role SELECT, INSERT, UPDATE and DELETE on all tables of the schema"},
    {"sequences without rights",
     "SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE "
     "n.nspname = current_schema() AND CASE WHEN c.relkind = 'S' THEN NOT "
     "has_sequence_privilege(c.oid, 'UPDATE') ELSE false END",
     "0", "`rabt store copy` needs them: run roles.sql again, which gives them to the role"},
};

// A name, or more: none; the state of the standbys is shown to members of pg_monitor alone.
constexpr const char* kStandby =
    "SELECT CASE WHEN current_setting('synchronous_standby_names') = '' THEN 'none' WHEN EXISTS "
    "(SELECT 1 FROM pg_stat_replication WHERE sync_state IN ('sync', 'quorum')) THEN 'in step' "
    "WHEN pg_has_role('pg_monitor', 'USAGE') THEN 'away' ELSE 'configured' END";
constexpr const char* kMayCreate =
    "SELECT CASE WHEN has_schema_privilege(current_schema(), 'CREATE') THEN 'yes' ELSE 'no' END";
constexpr const char* kConnectionsLeft =
    "SELECT current_setting('max_connections')::int - "
    "current_setting('superuser_reserved_connections')::int - count(*) FROM pg_stat_activity WHERE "
    "backend_type = 'client backend' AND pid <> pg_backend_pid()";
constexpr const char* kOldest =
    "SELECT coalesce(max(extract(epoch FROM now() - xact_start))::bigint, 0) FROM pg_stat_activity "
    "WHERE pid <> pg_backend_pid() AND datname = current_database()";

Status look_at_standby(Session& session, Findings& findings) {
  RABT_TRY(state, session.ask(kStandby));
  PostgresFinding found{Level::good, "synchronous standby", state, {}};
  if (state == "none") {
    found.level = Level::warning;
    found.advice =
        "with the disk of the server, all that the hub has acknowledged since the last backup is "
        "lost; set synchronous_standby_names";
  } else if (state == "away") {
    found.level = Level::warning;
    found.advice = "commits wait until a standby of synchronous_standby_names is connected";
  }
  findings.push_back(std::move(found));
  return ok_status();
}

Status look_at_load(Session& session, Findings& findings) {
  RABT_TRY(left, session.ask(kConnectionsLeft));
  PostgresFinding room{Level::good, "connections left", left, {}};
  if (read_number<std::int64_t>(left).value_or(0) < kConnections) {
    room.level = Level::warning;
    room.advice = "the hub uses up to " + std::to_string(kConnections) + "; raise max_connections";
  }
  findings.push_back(std::move(room));
  RABT_TRY(age, session.ask(kOldest));
  PostgresFinding oldest{Level::good, "oldest transaction, seconds", age, {}};
  if (read_number<std::int64_t>(age).value_or(0) > kLongTransactionSeconds) {
    oldest.level = Level::warning;
    oldest.advice =
        "while it lasts, no old rows are removed; run long queries and dumps on a standby";
  }
  findings.push_back(std::move(oldest));
  return ok_status();
}

Status look_at_roles(const PostgresOptions& options, Session& session, Findings& findings) {
  RABT_TRY(creates, session.ask(kMayCreate));
  PostgresFinding run{Level::good, "role " + options.user + " may create tables", creates, {}};
  if (!options.owner.empty() && creates == "yes") {
    run.level = Level::warning;
    run.advice = "it needs to read and write rows alone: REVOKE CREATE ON SCHEMA public";
  }
  findings.push_back(std::move(run));
  if (options.owner.empty()) return ok_status();
  const PostgresOptions as = postgres::as_owner(options);
  RABT_TRY(owner, Session::open(as, Session::Use::migrates));
  RABT_TRY(may, owner->ask(kMayCreate));
  PostgresFinding found{Level::good, "role " + as.user + " may create tables", may, {}};
  if (may != "yes") {
    found.level = Level::refused;
    found.advice = "GRANT CREATE ON SCHEMA public, as postgres/roles.sql does";
  }
  findings.push_back(std::move(found));
  return ok_status();
}

// Nothing is missing, or a role that may create tables applies what is missing.
Status look_at_tables(const PostgresOptions& options, Session& session, Findings& findings) {
  RABT_TRY(tables, session.ask("SELECT to_regclass('schema_migration') IS NOT NULL"));
  std::size_t missing = 0;
  if (tables == "t") {
    const Status format = postgres::refuse_other_format(session);
    auto open = format.ok() ? missing_migrations(session, options.migrations_folder)
                            : Result<Migrations>(format.error());
    if (!open.ok()) {
      findings.push_back({Level::refused, "migrations", open.error().code, open.error().message});
      return ok_status();
    }
    missing = open->size();
  } else {
    RABT_TRY(files, read_migrations(options.migrations_folder));
    missing = files.size();
  }
  PostgresFinding found{Level::good, "migrations to apply", std::to_string(missing), {}};
  RABT_TRY(creates, session.ask(kMayCreate));
  if (missing > 0 && options.owner.empty() && creates != "yes") {
    found.level = Level::refused;
    found.advice = "name the role that owns the tables under store.postgres.owner";
  }
  findings.push_back(std::move(found));
  RABT_TRY(name, postgres::holder(session));
  findings.push_back({Level::good, "in use by", name.empty() ? "no hub" : name, {}});
  return ok_status();
}

}  // namespace

Result<Findings> check_postgres(const PostgresOptions& options) {
  Findings findings;
  RABT_TRY(session, Session::open(options, Session::Use::reads));
  for (const Look& look : kLooks) {
    RABT_TRY(value, session->ask(look.sql));
    const bool good = look.wanted == nullptr || value == look.wanted;
    findings.push_back({good ? Level::good : Level::warning, look.name, value,
                        good ? std::string() : std::string(look.advice)});
  }
  RABT_TRY_STATUS(look_at_standby(*session, findings));
  RABT_TRY_STATUS(look_at_load(*session, findings));
  RABT_TRY_STATUS(look_at_roles(options, *session, findings));
  RABT_TRY_STATUS(look_at_tables(options, *session, findings));
  return findings;
}

}  // namespace rabt::store
