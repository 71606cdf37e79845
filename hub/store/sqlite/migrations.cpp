#include "hub/store/sqlite/migrations.hpp"

#include <charconv>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <system_error>

#include "hub/base/clock.hpp"
#include "hub/base/fnv1a.hpp"

namespace rabt::store::sqlite {

namespace {

constexpr std::size_t kMaxMigrationBytes = 1U << 20U;
constexpr std::size_t kMaxMigrations = 9999;  // four digits

constexpr Statement kInsert{
    "INSERT INTO schema_migration (number, name, checksum, applied_at) VALUES ($1, $2, $3, $4)"};
constexpr Statement kAnyTable{"SELECT 1 FROM sqlite_master LIMIT 1"};
constexpr Statement kApplied{"SELECT number, name, checksum FROM schema_migration ORDER BY number"};

struct Migration {
  std::string name;  // the file's
  std::string sql;
  std::string checksum;
};
using Migrations = std::map<std::int64_t, Migration>;

std::string checksum_of(std::string_view text) {
  const std::uint64_t hash = fnv1a(text);
  std::string out;
  for (int shift = 60; shift >= 0; shift -= 4)
    out.push_back("0123456789abcdef"[hash >> shift & 0xfU]);
  return out;
}

// The number of "0007_name.sql", or 0.
std::int64_t number_of(const std::string& name) {
  std::int64_t number = 0;
  if (name.size() < 10 || name[4] != '_' || name.substr(name.size() - 4) != ".sql") return 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + 4, number);
  return error == std::errc{} && end == name.data() + 4 ? number : 0;
}

Result<Migrations> read_folder(const std::string& folder) {
  Migrations found;
  std::error_code error;
  for (std::filesystem::directory_iterator at(folder, error), end; !error && at != end;
       at.increment(error)) {
    const std::string name = at->path().filename().string();
    if (at->path().extension() != ".sql") continue;
    const std::int64_t number = number_of(name);
    if (number < 1)
      return invalid("store.migration_failed",
                     "the migration " + name + " in " + folder + " is not named NNNN_name.sql");
    std::ifstream in(at->path(), std::ios::binary);
    std::string sql{std::istreambuf_iterator<char>(in), {}};
    if (!in || sql.empty() || sql.size() > kMaxMigrationBytes) {
      return unavailable("store.migration_failed",
                         "the migration " + at->path().string() +
                             " cannot be read, is empty or larger than 1 MiB");
    }
    std::string checksum = checksum_of(sql);
    const auto [place, fresh] =
        found.emplace(number, Migration{name, std::move(sql), std::move(checksum)});
    if (!fresh) {
      return invalid("store.migration_failed",
                     "two migrations have one number: " + place->second.name + " and " + name +
                         " in " + folder);
    }
    if (found.size() > kMaxMigrations) break;
  }
  if (error)
    return unavailable("store.open",
                       "cannot read the migrations folder " + folder + ": " + error.message());
  return found;
}

// What SQLite's planner is told of every index, instead of ANALYZE: the same on every machine, and
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
  const auto noted =
      database.execute(kInsert, {number, std::string_view(migration.name),
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
                      " was written by an earlier build of the hub, and formats are kept only from "
                      "release 1.0 on: start with an empty data folder");
}

Status check_migrations(const std::string& folder) {
  RABT_TRY(found, read_folder(folder));
  (void)found;
  return ok_status();
}

Status migrate(Database& database, const std::string& folder, Logger& log) {
  RABT_TRY(wanted, read_folder(folder));
  // Only when it is not there yet: it costs a disk sync.
  RABT_TRY(format, database.pragma("user_version"));
  if (format != std::to_string(kDataFormat))
    RABT_TRY_STATUS(database.script("PRAGMA user_version=" + std::to_string(kDataFormat)));
  RABT_TRY_STATUS(
      database.script("CREATE TABLE IF NOT EXISTS schema_migration (number INTEGER PRIMARY KEY, "
                      "name TEXT NOT NULL, checksum TEXT NOT NULL, "
                      "applied_at INTEGER NOT NULL)"));
  std::int64_t last = 0;
  std::map<std::int64_t, std::pair<std::string, std::string>> applied;
  RABT_TRY_STATUS(database.query(kApplied, {}, [&](const Row& row) {
    last = row.integer(0);
    applied[last] = {std::string(row.text(1)), std::string(row.text(2))};
    return true;
  }));
  const std::int64_t newest = wanted.empty() ? 0 : wanted.rbegin()->first;
  if (last > newest) {
    return conflict("store.migration_newer", "the database has migration " + applied[last].first +
                                                 ", which this hub does not know: it was written "
                                                 "by a newer hub; run that one, or restore the "
                                                 "backup made before the upgrade");
  }
  for (const auto& [number, noted] : applied) {
    const auto file = wanted.find(number);
    if (file == wanted.end()) {
      return conflict("store.migration_changed",
                      "the migration " + noted.first +
                          " was applied to the database but is missing in " + folder);
    }
    if (file->second.checksum != noted.second) {
      return conflict("store.migration_changed", "the migration " + file->second.name + " in " +
                                                     folder +
                                                     " was changed after it was applied; restore "
                                                     "the file and put the change into a new one");
    }
  }
  for (const auto& [number, migration] : wanted) {
    if (applied.count(number) != 0) continue;
    if (number < last) {
      return conflict("store.migration_changed",
                      "the migration " + migration.name + " is new but comes before " +
                          applied[last].first +
                          ", which is already applied; give it a higher number");
    }
    const Status done = apply(database, number, migration, number == newest);
    if (!done.ok()) {
      if (database.in_transaction()) static_cast<void>(database.script("ROLLBACK"));
      return Error{done.error().kind,
                   done.error().code == "store.full" ? "store.full" : "store.migration_failed",
                   "the migration " + migration.name + " in " + folder +
                       " failed and was undone: " + done.error().message};
    }
    log.info("store.migrated", {{"migration", std::string_view(migration.name)}});
  }
  return ok_status();
}

}  // namespace rabt::store::sqlite
