#include "hub/store/migration_files.hpp"

#include <charconv>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <system_error>
#include <utility>

#include "hub/base/fnv1a.hpp"

namespace rabt::store {

namespace {

constexpr std::size_t kMaxMigrationBytes = 1U << 20U;
constexpr std::size_t kMaxMigrations = 9999;  // four digits

constexpr Statement kApplied{"SELECT number, name, checksum FROM schema_migration ORDER BY number"};

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

}  // namespace

Result<Migrations> read_migrations(const std::string& folder) {
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
  if (found.empty())
    return invalid("store.migration_failed", "there is no migration in the folder " + folder +
                                                 ": name its folder sqlite or postgres");
  return found;
}

Result<Migrations> missing_migrations(Connection& connection, const std::string& folder) {
  RABT_TRY(wanted, read_migrations(folder));
  std::int64_t last = 0;
  std::map<std::int64_t, std::pair<std::string, std::string>> applied;
  RABT_TRY_STATUS(connection.query(kApplied, {}, [&](const Row& row) {
    last = row.integer(kApplied["number"]);
    applied[last] = {std::string(row.text(kApplied["name"])),
                     std::string(row.text(kApplied["checksum"]))};
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
    if (number < last && applied.count(number) == 0) {
      return conflict("store.migration_changed",
                      "the migration " + migration.name + " is new but comes before " +
                          applied[last].first +
                          ", which is already applied; give it a higher number");
    }
  }
  for (const auto& [number, noted] : applied) wanted.erase(number);
  return wanted;
}

Error migration_failed(const Migration& migration, const std::string& folder, const Error& cause) {
  return {cause.kind, cause.code == "store.full" ? "store.full" : "store.migration_failed",
          "the migration " + migration.name + " in " + folder +
              " failed and was undone: " + cause.message};
}

}  // namespace rabt::store
