#pragma once

#include <memory>
#include <string>

#include "hub/base/result.hpp"

namespace rabt::store::sqlite {

// Keeps a second hub away from the same database, by flock(2) on <path>.lock: the kernel lets go of
// it when the process dies. Immutable.
class FileLock {
 public:
  // Error codes store.locked (says which process holds it), store.open.
  [[nodiscard]] static Result<std::unique_ptr<FileLock>> take(const std::string& path);
  FileLock(const FileLock&) = delete;
  FileLock& operator=(const FileLock&) = delete;
  ~FileLock();

 private:
  explicit FileLock(int fd) : fd_(fd) {}
  int fd_;
};

}  // namespace rabt::store::sqlite
