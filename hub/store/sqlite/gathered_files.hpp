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
//
// Relies on:
// - A VFS may lie over another, as a shim (sqlite.org/vfs.html, section 3.4).
// - Writes have no order among themselves but for syncs: "The xSync operations serve as write
//   barriers - all writes launched before the xSync must complete before any write that launches
//   after the xSync begins" (sqlite.org/fileformat2.html, section 4.3). Here they even keep theirs.
// - A commit of which the disk has a part is none: a frame of the log counts if its salts and its
//   checksum over all frames before it are right (section 4.1). Pages that were gathered and lost
//   with the process are a commit that nobody was told of.
// - Not written down: readers learn of a commit after its sync (walFrames of wal.c). The tests
//   GatheredFiles, LogSync and PowerLoss would see another order.
[[nodiscard]] Result<std::string> gathered_files(const std::string& real);

// For a COMMIT: until it is called with null, held runs in place of each sync of the write-ahead
// log, a file of the VFS above, and SQLite publishes the commit. A sync is passed on when the log's
// start was written before it, because SQLite relies on that order, and always on a file system
// where nothing is gathered.
//
// Relies on: the sync of a COMMIT makes it durable, and is needed for nothing else. "In WAL mode
// when synchronous is NORMAL (1), the WAL file is synchronized before each checkpoint and the
// database file is synchronized after each completed checkpoint and the WAL file header is
// synchronized when a WAL file begins to be reused after a checkpoint [...]. With synchronous=FULL
// in WAL mode, an additional sync operation of the WAL file happens after each transaction commit.
// [...] Transactions are consistent with or without the extra syncs" (sqlite.org/pragma.html,
// synchronous). Only this extra sync is held.
void hold_sync(sqlite3_file* log, const std::function<void()>* held);
// Makes up for a sync that was held. Any thread, also beside other use of the file: it touches
// nothing that was gathered, and SQLite's sync of a file is "the normal fsync()"
// (sqlite.org/c3ref/io_methods.html). False when it failed.
[[nodiscard]] bool sync_file(sqlite3_file* file);

}  // namespace rabt::store::sqlite
