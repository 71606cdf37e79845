#include "hub/store/sqlite/migrations.hpp"

#include "hub/base/clock.hpp"
#include "hub/store/migration_files.hpp"

namespace rabt::store::sqlite {

namespace {

constexpr Statement kAnyTable{"SELECT 1 FROM sqlite_master LIMIT 1"};

// Statistics of every index for SQLite's planner, instead of ANALYZE: the same everywhere, and
// true from the first row on. Without it the planner takes ten rows for what the first column of
// any index finds, and so reads all rows of a tenant by their primary key where an index of two
// columns finds a few. A database has few tenants, and each many rows. Numbers:
// sqlite.org/fileformat2 section 2.6.1. A partial index holds less than its table. The primary key
// of a table WITHOUT ROWID goes by the table's name.
constexpr const char* kTellPlanner = R"sql(
ANALYZE sqlite_schema;
DELETE FROM sqlite_stat1;
INSERT INTO sqlite_stat1 (tbl, idx, stat)
SELECT one.tbl, one.idx, one.rows || (
  SELECT group_concat(' ' || CASE
    WHEN part.name = 'tenant' THEN one.rows
    WHEN one.is_unique AND part.seqno = one.parts - 1 THEN 1
    ELSE max(2, 12 - part.seqno) END, '')
  FROM (SELECT seqno, name FROM pragma_index_info(one.name) ORDER BY seqno) part)
FROM (
  SELECT t.name AS tbl, i.name AS name, i."unique" AS is_unique,
    CASE WHEN i.origin = 'pk' AND t.wr THEN t.name ELSE i.name END AS idx,
    CASE WHEN i.partial THEN 10000 ELSE 1000000 END AS rows,
    (SELECT count(*) FROM pragma_index_info(i.name)) AS parts
  FROM pragma_table_list t, pragma_index_list(t.name) i
  WHERE t.schema = 'main' AND t.type = 'table' AND t.name NOT LIKE 'sqlite%') one;
ANALYZE sqlite_schema;
)sql";

Status apply(Database& database, std::int64_t number, const Migration& migration, bool last) {
  RABT_TRY_STATUS(database.script("BEGIN IMMEDIATE"));
  RABT_TRY_STATUS(database.script(migration.sql));
  if (!database.in_transaction())
    return internal("store.sql", "it ends its transaction itself; remove its COMMIT or ROLLBACK");
  const auto noted = database.execute(
      kNoteMigration, {number, std::string_view(migration.name),
                       std::string_view(migration.checksum), SystemClock().now().ms});
  if (!noted.ok()) return noted.error();
  if (last) RABT_TRY_STATUS(database.script(kTellPlanner));
  return database.script("COMMIT");
}

}  // namespace

Status refuse_earlier_build(Database& database, const std::string& path) {
  RABT_TRY(format, database.pragma("user_version"));
  if (format == std::to_string(kDataFormat)) return ok_status();
  bool tables = false;
  RABT_TRY_STATUS(database.query(kAnyTable, {}, [&](const Row&) {
    tables = true;
    return false;
  }));
  if (!tables) return ok_status();
  if (format.size() > 1 || format > std::to_string(kDataFormat)) {
    return conflict("store.migration_newer",
                    path +
                        " was written by a newer hub: run that one, or restore the backup made "
                        "before the upgrade");
  }
  return conflict("store.earlier_build",
                  path +
                      " was written by a build of the hub before 0.2.0, which no later one reads: "
                      "start with an empty data folder");
}

Status migrate(Database& database, const std::string& folder, Logger& log) {
  RABT_TRY(read, read_migrations(folder));
  (void)read;
  // Only when it is not there yet: it costs a disk sync.
  RABT_TRY(format, database.pragma("user_version"));
  if (format != std::to_string(kDataFormat))
    RABT_TRY_STATUS(database.script("PRAGMA user_version=" + std::to_string(kDataFormat)));
  RABT_TRY_STATUS(database.script(kMigrationTable));
  RABT_TRY(missing, missing_migrations(database, folder));
  for (const auto& [number, migration] : missing) {
    const Status done = apply(database, number, migration, number == missing.rbegin()->first);
    if (!done.ok()) {
      if (database.in_transaction()) static_cast<void>(database.script("ROLLBACK"));
      return migration_failed(migration, folder, done.error());
    }
    log.info("store.migrated", {{"migration", std::string_view(migration.name)}});
  }
  return ok_status();
}

}  // namespace rabt::store::sqlite
