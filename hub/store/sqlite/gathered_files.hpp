#pragma once

#include <string>

#include "hub/base/result.hpp"

namespace rabt::store::sqlite {

// Registers files for SQLite (a VFS) that lie over those of the VFS `real`, "" for SQLite's own,
// and gives their name. SQLite writes each page of a commit, and of a checkpoint, by calls of its
// own; here what it writes to successive places of the database or its log goes to the file in one
// call, before anything else is asked of the file: at the latest when it is synced, and an error of
// writing is then the sync's. For connections with synchronous=FULL: others could publish a commit
// that only this process has. Error unavailable store.open: there is no such VFS.
[[nodiscard]] Result<std::string> gathered_files(const std::string& real);

}  // namespace rabt::store::sqlite
