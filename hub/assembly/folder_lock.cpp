#include "hub/assembly/folder_lock.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <thread>

#include "hub/base/full_disk.hpp"

namespace rabt::assembly {

namespace {

// A hub that was killed while it started a program leaves a child that has the lock until it runs
// the program or ends.
constexpr std::chrono::seconds kInherited{2};
constexpr std::chrono::milliseconds kAgain{20};

}  // namespace

Result<std::unique_ptr<FolderLock>> FolderLock::take(const std::string& folder) {
  // The name keeps hubs of earlier builds away, which lock this file for SQLite alone.
  const std::string path = folder + "/rabt.db.lock";
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0) {
    if (is_full_disk(errno)) return full_disk(path);
    return unavailable("store.open", "cannot lock the data folder " + folder +
                                         ": it must exist and be writable (" + path + ": " +
                                         std::strerror(errno) + ")");
  }
  std::unique_ptr<FolderLock> lock(new FolderLock(fd));
  int locked = ::flock(fd, LOCK_EX | LOCK_NB);
  const auto until = std::chrono::steady_clock::now() + kInherited;
  while (locked != 0 && (errno == EINTR || errno == EWOULDBLOCK) &&
         std::chrono::steady_clock::now() < until) {
    std::this_thread::sleep_for(kAgain);
    locked = ::flock(fd, LOCK_EX | LOCK_NB);
  }
  if (locked != 0 && errno == EWOULDBLOCK) {
    std::array<char, 24> text{};
    const ssize_t size = ::pread(fd, text.data(), text.size() - 1, 0);
    std::string holder(text.data(), size > 0 ? static_cast<std::size_t>(size) : 0);
    while (!holder.empty() && holder.back() == '\n') holder.pop_back();
    const bool numeric =
        !holder.empty() && holder.find_first_not_of("0123456789") == std::string::npos;
    return conflict("store.locked",
                    (numeric ? "process " + holder : std::string("another process")) +
                        " uses the data folder " + folder +
                        "; stop that hub first, or give this one a data folder of its own");
  }
  if (locked != 0)
    return unavailable("store.open", "cannot lock " + path + ": " + std::strerror(errno));
  // The number is for people only; the lock is what counts.
  const std::string pid = std::to_string(::getpid()) + "\n";
  if (::ftruncate(fd, 0) != 0 || ::pwrite(fd, pid.data(), pid.size(), 0) < 0) {
    if (is_full_disk(errno)) return full_disk(path);
    return unavailable("store.open", "cannot write " + path + ": " + std::strerror(errno));
  }
  return lock;
}

FolderLock::~FolderLock() {
  ::close(fd_);
}

}  // namespace rabt::assembly
