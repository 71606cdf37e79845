#pragma once

#include <sqlite3.h>

#include <map>
#include <mutex>

namespace rabt::store::test {

// SQLite's own files as a VFS of another name, with methods that a test changes. SQLite keeps a
// pointer to it: it lives as long as the process.
class ChangedFiles {
 public:
  // Changes a copy of a table of methods. SQLite has one for each kind of locking; all write and
  // sync by the same functions, those of real().
  using Change = void (*)(sqlite3_io_methods& methods);
  // Sees each file that was opened. The name is null for a temporary file.
  using Opened = void (*)(sqlite3_file* file, const char* name);

  ChangedFiles(const char* name, Change change, Opened opened = nullptr)
      : below_(sqlite3_vfs_find("unix")), vfs_(*below_), change_(change), opened_(opened) {
    vfs_.pNext = nullptr;
    vfs_.zName = name;
    vfs_.pAppData = this;
    vfs_.xOpen = [](sqlite3_vfs* vfs, const char* path, sqlite3_file* file, int flags,
                    int* out_flags) {
      return static_cast<ChangedFiles*>(vfs->pAppData)->open(path, file, flags, out_flags);
    };
    sqlite3_vfs_register(&vfs_, 0);
  }
  ChangedFiles(const ChangedFiles&) = delete;
  ChangedFiles& operator=(const ChangedFiles&) = delete;

  [[nodiscard]] const char* name() const { return vfs_.zName; }
  // Once a file was opened.
  [[nodiscard]] const sqlite3_io_methods& real() const { return *real_; }

 private:
  int open(const char* path, sqlite3_file* file, int flags, int* out_flags) {
    const int code = below_->xOpen(below_, path, file, flags, out_flags);
    if (code != SQLITE_OK) return code;
    const std::scoped_lock lock(mutex_);
    const auto [at, fresh] = tables_.emplace(file->pMethods, *file->pMethods);
    if (fresh) {
      if (real_ == nullptr) real_ = file->pMethods;
      change_(at->second);
    }
    file->pMethods = &at->second;
    if (opened_ != nullptr) opened_(file, path);
    return code;
  }

  sqlite3_vfs* const below_;
  sqlite3_vfs vfs_;
  const Change change_;
  const Opened opened_;
  std::mutex mutex_;
  std::map<const sqlite3_io_methods*, sqlite3_io_methods> tables_;
  const sqlite3_io_methods* real_ = nullptr;
};

}  // namespace rabt::store::test
