#pragma once

#include <chrono>
#include <string>

#include "hub/store/store.hpp"

namespace rabt::store::sqlite {

// Exit code after an I/O error: sysexits.h EX_IOERR. What is on disk is not known then; only a
// start reads it afresh.
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
