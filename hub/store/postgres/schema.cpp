#include "hub/store/postgres/schema.hpp"

#include "hub/base/clock.hpp"
#include "hub/store/migration_files.hpp"
#include "hub/store/sequences.hpp"

namespace rabt::store::postgres {

namespace {

// One row for each stream of commits. batch: the number of the last batch of the incarnation that
// was committed; every batch raises it in its own transaction. So a hub whose place another one has
// taken commits nothing more, and a hub that lost its connection during a commit learns from the
// row whether the commit happened.
constexpr const char* kWriterTable =
    "CREATE TABLE IF NOT EXISTS store_writer (stream BIGINT PRIMARY KEY, incarnation BIGINT NOT "
    "NULL, batch BIGINT NOT NULL) WITH (fillfactor = 10)";
constexpr const char* kFormatTable =
    "CREATE TABLE IF NOT EXISTS store_format (format BIGINT PRIMARY KEY)";
// Held to the end of the transaction, so that only one hub migrates at a time.
constexpr const char* kAlone = "SELECT pg_advisory_xact_lock(7236942)";

constexpr const char* kHasTables = "SELECT to_regclass('store_format') IS NOT NULL";

Result<std::int64_t> format_of(Session& session) {
  static constexpr Statement kFormat{"SELECT format FROM store_format"};
  std::int64_t format = 0;
  RABT_TRY_STATUS(session.query(kFormat, {}, [&](const Row& row) {
    format = row.integer(kFormat["format"]);
    return false;
  }));
  return format;
}

Status create_own_tables(Session& owner) {
  RABT_TRY_STATUS(owner.script("BEGIN"));
  for (const char* sql : {kAlone, kWriterTable, Sequences::kTable, kMigrationTable, kFormatTable})
    RABT_TRY_STATUS(owner.script(sql));
  RABT_TRY_STATUS(owner.script("INSERT INTO store_format (format) SELECT " +
                               std::to_string(kDataFormat) +
                               " WHERE NOT EXISTS (SELECT 1 FROM store_format)"));
  return owner.script("COMMIT");
}

Status apply(Session& owner, const std::string& folder, std::int64_t number,
             const Migration& migration, bool& other_did) {
  RABT_TRY_STATUS(owner.script("BEGIN"));
  RABT_TRY_STATUS(owner.script(kAlone));
  RABT_TRY(missing, missing_migrations(owner, folder));
  if (!missing.contains(number)) {
    other_did = true;
    return owner.script("COMMIT");
  }
  RABT_TRY_STATUS(owner.script(migration.sql));
  if (!owner.in_transaction())
    return internal("store.sql", "it ends its transaction itself; remove its COMMIT or ROLLBACK");
  auto noted =
      owner.execute(kNoteMigration, {number, std::string_view(migration.name),
                                     std::string_view(migration.checksum), SystemClock().now().ms});
  if (!noted.ok()) return std::move(noted).error();
  return owner.script("COMMIT");
}

// Says which role is needed where the one that tried may not create tables.
Error with_owner(Error error, const PostgresOptions& options) {
  if (error.code != "store.denied") return error;
  const std::string role = options.owner.empty() ? options.user : options.owner;
  error.message = "the role " + role +
                  " may not create or change tables; name the role that owns " +
                  "them under store.postgres.owner, with the rights of postgres/roles.sql";
  return error;
}

}  // namespace

PostgresOptions as_owner(const PostgresOptions& options) {
  PostgresOptions owner = options;
  if (!options.owner.empty()) {
    owner.user = options.owner;
    owner.password = options.owner_password;
  }
  return owner;
}

Status refuse_other_format(Session& session) {
  RABT_TRY(there, session.ask(kHasTables));
  if (there != "t")
    return unavailable("store.open", "no hub has made its tables in the database yet");
  RABT_TRY(format, format_of(session));
  if (format > kDataFormat) {
    return conflict("store.migration_newer",
                    "the database was written by a newer hub: run that one, or restore the backup "
                    "made before the upgrade");
  }
  if (format < kDataFormat) {
    return conflict(
        "store.earlier_build",
        "the database was written by a build of the hub before 0.2.0, which no later one "
        "reads: start with an empty database");
  }
  return ok_status();
}

Status migrate(const PostgresOptions& options, Session& session, Logger& log) {
  RABT_TRY(wanted, read_migrations(options.migrations_folder));
  (void)wanted;
  RABT_TRY(has_tables, session.ask(kHasTables));
  std::unique_ptr<Session> owner;
  const auto connect = [&]() -> Status {
    if (owner != nullptr) return ok_status();
    RABT_TRY(opened, Session::open(as_owner(options), Session::Use::migrates));
    owner = std::move(opened);
    return ok_status();
  };
  if (has_tables != "t") {
    RABT_TRY_STATUS(connect());
    const Status created = create_own_tables(*owner);
    if (!created.ok()) {
      return Error{created.error().kind, "store.migration_failed",
                   "the store's own tables could not be created: " +
                       with_owner(created.error(), options).message};
    }
  }
  RABT_TRY_STATUS(refuse_other_format(session));
  RABT_TRY(missing, missing_migrations(session, options.migrations_folder));
  for (const auto& [number, migration] : missing) {
    RABT_TRY_STATUS(connect());
    bool other_did = false;
    const Status done = apply(*owner, options.migrations_folder, number, migration, other_did);
    if (!done.ok()) {
      owner->clear_failure();
      if (owner->in_transaction()) static_cast<void>(owner->script("ROLLBACK"));
      return migration_failed(migration, options.migrations_folder,
                              with_owner(done.error(), options));
    }
    if (!other_did) log.info("store.migrated", {{"migration", std::string_view(migration.name)}});
  }
  return ok_status();
}

}  // namespace rabt::store::postgres
