#pragma once

#include <memory>
#include <string>

#include "hub/base/result.hpp"

namespace rabt::assembly {

// Keeps a second process away from a data folder, whatever its database is, by flock(2) on the file
// rabt.db.lock there: the kernel lets go of it when the process dies. Immutable.
class FolderLock {
 public:
  // Errors: conflict store.locked (names the process that holds it, if that is known), store.open.
  [[nodiscard]] static Result<std::unique_ptr<FolderLock>> take(const std::string& folder);
  FolderLock(const FolderLock&) = delete;
  FolderLock& operator=(const FolderLock&) = delete;
  ~FolderLock();

 private:
  explicit FolderLock(int fd) : fd_(fd) {}
  int fd_;
};

}  // namespace rabt::assembly
