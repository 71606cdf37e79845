#include "hub/store/sqlite/copy.hpp"

#include <fcntl.h>
#include <sqlite3.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>

#include "hub/store/sqlite/library.hpp"
#include "hub/store/sqlite/sqlite_store.hpp"

namespace rabt::store {

namespace {

constexpr int kAllPages = -1;
// A checkpoint or a recovery holds the database for a moment.
constexpr int kBusyMs = 5000;

struct Close {
  void operator()(sqlite3* handle) const { sqlite3_close(handle); }
};
using Handle = std::unique_ptr<sqlite3, Close>;

Result<Handle> open_handle(const std::string& path, int flags) {
  sqlite::set_up_library();
  sqlite3* handle = nullptr;
  const int code = sqlite3_open_v2(path.c_str(), &handle, flags | SQLITE_OPEN_EXRESCODE, nullptr);
  Handle owned(handle);
  if (code != SQLITE_OK)
    return unavailable("store.open",
                       "cannot open the database " + path + ": " + sqlite3_errstr(code));
  sqlite3_busy_timeout(handle, kBusyMs);
  return owned;
}

Error copy_error(const std::string& copy, int code) {
  if ((code & 0xff) == SQLITE_FULL)
    return unavailable("store.full", "no room for the copy " + copy + "; make room and try again");
  return unavailable("store.copy", "cannot write the copy " + copy + ": " + sqlite3_errstr(code));
}

Status copy_pages(sqlite3* from, sqlite3* to, const std::string& copy) {
  sqlite3_backup* const backup = sqlite3_backup_init(to, "main", from, "main");
  if (backup == nullptr) return copy_error(copy, sqlite3_errcode(to));
  const int stepped = sqlite3_backup_step(backup, kAllPages);
  const int ended = sqlite3_backup_finish(backup);
  if (stepped != SQLITE_DONE) return copy_error(copy, ended == SQLITE_OK ? stepped : ended);
  // Without a log beside it, so that a reader of the copy leaves no files there.
  const int code = sqlite3_exec(to, "PRAGMA journal_mode=DELETE", nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) return copy_error(copy, code);
  return ok_status();
}

Status copy_into(const std::string& path, const std::string& copy) {
  RABT_TRY(from, open_handle(path, SQLITE_OPEN_READONLY));
  RABT_TRY(to, open_handle(copy, SQLITE_OPEN_READWRITE));
  return copy_pages(from.get(), to.get(), copy);
}

}  // namespace

Status copy_sqlite(const std::string& path, const std::string& copy) {
  // SQLite would give it the mode of the umask.
  const int fd = ::open(copy.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0) {
    return unavailable("store.open", "cannot make the copy " + copy + ": " + std::strerror(errno));
  }
  Status copied = copy_into(path, copy);
  if (copied.ok() && ::fsync(fd) != 0)
    copied = unavailable("store.copy", "cannot sync " + copy + ": " + std::strerror(errno));
  ::close(fd);
  if (!copied.ok()) ::unlink(copy.c_str());
  return copied;
}

Result<std::int64_t> level_of_sqlite(const std::string& path) {
  RABT_TRY(reader, open_sqlite_reader(path));
  static constexpr Statement kLevel{"SELECT MAX(number) FROM schema_migration"};
  std::int64_t level = 0;
  RABT_TRY_STATUS(reader->query(kLevel, {}, [&level](const Row& row) {
    level = row.integer(0);
    return false;
  }));
  return level;
}

Status check_sqlite(const std::string& path) {
  RABT_TRY(reader, open_sqlite_reader(path));
  static constexpr Statement kCheck{"PRAGMA quick_check(1)"};
  std::string found;
  RABT_TRY_STATUS(reader->query(kCheck, {}, [&found](const Row& row) {
    found = row.text(0);
    return false;
  }));
  if (found == "ok") return ok_status();
  return corrupt("store.damaged", "the database " + path + " is damaged: " + found);
}

}  // namespace rabt::store
