#pragma once

#include <sqlite3.h>

#include <chrono>
#include <condition_variable>
#include <map>
#include <mutex>
#include <string>

namespace rabt::store::test {

// SQLite's own files as a VFS of another name, with methods that a test changes. SQLite keeps a
// pointer to it: it lives as long as the process.
class ChangedFiles {
 public:
  // Changes a copy of a table of methods. SQLite has one for each kind of locking; all write and
  // sync by the same functions, those of real().
  using Change = void (*)(sqlite3_io_methods& methods);

  ChangedFiles(const char* name, Change change)
      : below_(sqlite3_vfs_find("unix")), vfs_(*below_), change_(change) {
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
  // Of a file that was opened; empty for a temporary one.
  [[nodiscard]] std::string name_of(sqlite3_file* file) {
    const std::scoped_lock lock(mutex_);
    return names_[file];
  }
  [[nodiscard]] bool is_log(sqlite3_file* file) { return name_of(file).ends_with("-wal"); }
  // Databases that were opened for writing, each time.
  [[nodiscard]] int writable_databases() {
    const std::scoped_lock lock(mutex_);
    return writable_databases_;
  }

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
    names_[file] = path == nullptr ? "" : path;
    if ((flags & SQLITE_OPEN_MAIN_DB) != 0 && (flags & SQLITE_OPEN_READWRITE) != 0)
      ++writable_databases_;
    return code;
  }

  sqlite3_vfs* const below_;
  sqlite3_vfs vfs_;
  const Change change_;
  std::mutex mutex_;
  std::map<const sqlite3_io_methods*, sqlite3_io_methods> tables_;
  std::map<sqlite3_file*, std::string> names_;
  const sqlite3_io_methods* real_ = nullptr;
  int writable_databases_ = 0;
};

// Holds calls of SQLite where a test wants it. Internally synchronised.
class Brake {
 public:
  // From now on the calls with this number and after it stand.
  void hold(int from = 1) {
    const std::scoped_lock lock(mutex_);
    from_ = from;
    passed_ = 0;
  }
  void release() {
    const std::scoped_lock lock(mutex_);
    from_ = 0;
    changed_.notify_all();
  }
  // Waits until a call stands. False when none comes.
  [[nodiscard]] bool holds() {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(60), [this] { return stand(); });
  }
  // A call comes.
  void pass() {
    std::unique_lock lock(mutex_);
    ++passed_;
    changed_.notify_all();
    changed_.wait(lock, [this] { return !stand(); });
  }
  [[nodiscard]] int passed() {
    const std::scoped_lock lock(mutex_);
    return passed_;
  }

 private:
  [[nodiscard]] bool stand() const { return from_ != 0 && passed_ >= from_; }

  std::mutex mutex_;
  std::condition_variable changed_;
  int from_ = 0;
  int passed_ = 0;
};

}  // namespace rabt::store::test
