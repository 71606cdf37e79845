#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "hub/store/open.hpp"

namespace rabt::store {

// Opens or creates the database (mode 0600), sets and reads back journal_mode=WAL,
// synchronous=FULL, foreign_keys, secure_delete, and applies missing migrations, each in a
// transaction of its own with its checksum recorded. The caller holds a lock, so that no second hub
// opens the same file. Errors: store.open (says which file and why), store.durability,
// store.earlier_build, store.migration_changed, store.migration_newer.
[[nodiscard]] Result<std::unique_ptr<Store>> open_sqlite(const SqliteOptions& options, Logger& log);
// Opens a database for looking only, beside a running hub or without one; takes no lock and applies
// no migrations. The newest commit of a running hub may be one that a power loss would undo. For
// one thread. Errors: store.open, store.earlier_build.
[[nodiscard]] Result<std::unique_ptr<Connection>> open_sqlite_reader(const std::string& path);
// True if a hub has written to the database. Errors: those of is_there.
[[nodiscard]] Result<bool> sqlite_is_used(const std::string& path);

}  // namespace rabt::store

namespace rabt::store::sqlite {

// Exit code after an I/O error: sysexits.h EX_IOERR. The content of the disk is not known then;
// only a start reads it afresh.
inline constexpr int kExitIo = 74;

// For tests: a small database, a file system that fails.
struct Tuning {
  // PRAGMA max_page_count; 0 sets no limit.
  std::int64_t max_pages = 0;
  // The name of a registered SQLite VFS.
  std::string vfs;
  // 0 stands for limits::kMaxQueuedJobs.
  std::size_t max_queued = 0;
  // Pages that are added to the write-ahead log between two checkpoints. 16 MiB: seldom enough to
  // cost little, small enough to start quickly.
  int checkpoint_pages = 4000;
};

// True if the disk of a file is nearly full.
[[nodiscard]] bool has_no_room(const std::string& path);

// open_sqlite with tuning.
[[nodiscard]] Result<std::unique_ptr<Store>> open_tuned(const SqliteOptions& options,
                                                        const Tuning& tuning, Logger& log);

}  // namespace rabt::store::sqlite
