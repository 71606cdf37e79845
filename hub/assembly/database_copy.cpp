#include "hub/assembly/database_copy.hpp"

#include <filesystem>
#include <system_error>

#include "hub/assembly/database.hpp"
#include "hub/assembly/folder_lock.hpp"
#include "hub/base/descriptor.hpp"
#include "hub/base/file_there.hpp"

namespace rabt::assembly {

namespace fs = std::filesystem;

namespace {

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
  if (from.postgres && to.postgres && from.postgres->host == to.postgres->host &&
      from.postgres->port == to.postgres->port && from.postgres->database == to.postgres->database)
    return bad("both configurations name the same database of a server");
  return ok_status();
}

// Gives a file that nobody has open another name, durably.
Status rename_file(const config::Config& config, const std::string& file, const std::string& name) {
  std::error_code failed;
  // Commits that are in the log alone would be lost.
  const std::string log = file + "-wal";
  if (!fs::exists(log, failed) || fs::file_size(log, failed) == 0) {
    if (!failed) fs::rename(file, name, failed);
    if (!failed && sync_folder(config.data)) return ok_status();
  }
  return unavailable("store.open", "everything is copied, but " + file +
                                       " cannot be renamed: look at the rights and the room of "
                                       "its folder, and give the same command again");
}

// Removes the rest of a copy to a file that has not ended.
Status remove_unfinished(const config::Config& config) {
  std::error_code failed;
  for (const char* end : {"", "-wal", "-shm"}) {
    fs::remove(unfinished_file(config) + end, failed);
    if (failed) return unavailable("store.open", "cannot remove " + unfinished_file(config) + end);
  }
  return ok_status();
}

Status check_target(const config::Config& from, const config::Config& to) {
  std::vector<std::string> names;
  if (!from.postgres) names.push_back(copied_file(from));
  if (!to.postgres) names.push_back(database_file(to));
  for (const std::string& file : names) {
    RABT_TRY(taken, is_there(file));
    if (taken) return conflict("store.used", file + " is there already; move it away");
  }
  return ok_status();
}

Result<std::vector<store::TransferredTable>> copied_rows(const config::Config& from,
                                                         const config::Config& to, Logger& log) {
  RABT_TRY(source, open_database_at(from, database_file(from), log));
  RABT_TRY(target, open_database_at(to, unfinished_file(to), log));
  return store::transfer(*source, *target);
}

}  // namespace

Result<std::vector<store::TransferredTable>> copy_database(const config::Config& from,
                                                           const config::Config& to, Logger& log) {
  RABT_TRY_STATUS(check_fit(from, to));
  RABT_TRY(lock, FolderLock::take(from.data));
  if (!from.postgres) RABT_TRY_STATUS(check_place(from));
  RABT_TRY(is_there, database_is_used(from));
  if (!is_there) return not_found("store.open", "the database to copy holds nothing");
  RABT_TRY_STATUS(check_target(from, to));
  if (!to.postgres) RABT_TRY_STATUS(remove_unfinished(to));
  RABT_TRY(copied, copied_rows(from, to, log));
  if (!to.postgres) RABT_TRY_STATUS(rename_file(to, unfinished_file(to), database_file(to)));
  if (!from.postgres) RABT_TRY_STATUS(rename_file(from, database_file(from), copied_file(from)));
  return copied;
}

}  // namespace rabt::assembly
