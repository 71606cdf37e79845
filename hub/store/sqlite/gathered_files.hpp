#pragma once

#include <functional>
#include <string>

#include "hub/base/result.hpp"

struct sqlite3_file;

namespace rabt::store::sqlite {

// Registers files for SQLite (a VFS) that lie over those of the VFS `real`, "" for SQLite's own,
// and gives their name. SQLite writes each page of a commit by two calls; here what it writes to
// successive places of its write-ahead log goes to the file in one call, before anything else is
// asked of the file: at the latest when it is synced, and an error of writing is then the sync's.
// For connections with synchronous=FULL: others could publish a commit that only this process has.
// The database itself is written as SQLite says: where a checkpoint copies a part of the log,
// SQLite asks for nothing after the last page whose error it would see (walCheckpoint of wal.c).
// Error unavailable store.open: there is no such VFS.
[[nodiscard]] Result<std::string> gathered_files(const std::string& real);

// For a COMMIT: until it is called with null, held runs in place of each sync of the write-ahead
// log, a file of the VFS above, and SQLite publishes the commit. A sync is passed on when the log's
// start was written before it, because SQLite relies on that order, and always on a file system
// where nothing is gathered.
void hold_sync(sqlite3_file* log, const std::function<void()>* held);
// Syncs what has gone to a file of the VFS above: the sync that was held, or the database after a
// checkpoint. Any thread, also beside other use of the file. False when it failed.
[[nodiscard]] bool sync_file(sqlite3_file* file);

}  // namespace rabt::store::sqlite
