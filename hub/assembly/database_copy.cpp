#include "hub/assembly/database_copy.hpp"

#include <filesystem>
#include <system_error>

#include "hub/assembly/database.hpp"
#include "hub/base/descriptor.hpp"

namespace rabt::assembly {

namespace fs = std::filesystem;

namespace {

store::Engine engine_of(const config::Config& config) {
  return config.postgres ? store::Engine::postgres : store::Engine::sqlite;
}

Status check_fit(const config::Config& from, const config::Config& to) {
  const auto bad = [](std::string why) { return invalid("config.copy", std::move(why)); };
  if (from.tenant != to.tenant)
    return bad("the configurations are of two tenants; a copy stays with its tenant");
  std::error_code ignored;
  if (fs::weakly_canonical(from.data, ignored) != fs::weakly_canonical(to.data, ignored))
    return bad(
        "the configurations name two data folders; recordings and keys lie there: name one folder "
        "in both");
  if (!from.postgres && !to.postgres)
    return bad("both configurations name the file of the data folder; one must name a server");
  return ok_status();
}

// Takes the file out of the way of hubs, durably.
Status set_aside(const config::Config& config) {
  const std::string file = database_file(config);
  std::error_code failed;
  fs::rename(file, file + ".copied", failed);
  if (!failed && sync_folder(config.data)) return ok_status();
  return unavailable("store.open",
                     "everything is copied; rename " + file + " by hand, so that no hub takes it");
}

// Removes the rest of a copy that failed.
void remove_file(const config::Config& config) {
  std::error_code ignored;
  for (const char* end : {"", "-wal", "-shm"}) fs::remove(database_file(config) + end, ignored);
}

Result<std::vector<store::TransferredTable>> copied_rows(const config::Config& from,
                                                         const config::Config& to, Logger& log) {
  RABT_TRY(source, open_database(from, log, Beside::other));
  RABT_TRY(target, open_database(to, log, Beside::other));
  return store::transfer(*source, engine_of(from), *target, engine_of(to));
}

}  // namespace

Result<std::vector<store::TransferredTable>> copy_database(const config::Config& from,
                                                           const config::Config& to, Logger& log) {
  RABT_TRY_STATUS(check_fit(from, to));
  RABT_TRY(is_there, database_is_used(from));
  if (!is_there) return not_found("store.open", "the database to copy holds nothing");
  if (!to.postgres && fs::exists(database_file(to)))
    return conflict("store.used", database_file(to) + " is there already; move it away");
  auto copied = copied_rows(from, to, log);
  if (!copied.ok() && !to.postgres) remove_file(to);
  if (copied.ok() && !from.postgres) RABT_TRY_STATUS(set_aside(from));
  return copied;
}

}  // namespace rabt::assembly
