#include "hub/store/sqlite/file_lock.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace rabt::store::sqlite {

Result<std::unique_ptr<FileLock>> FileLock::take(const std::string& path) {
  const std::string lock_path = path + ".lock";
  const int fd = ::open(lock_path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0) {
    return unavailable("store.open", "cannot open the database " + path +
                                         ": its folder must exist and be writable (" + lock_path +
                                         ": " + std::strerror(errno) + ")");
  }
  std::unique_ptr<FileLock> lock(new FileLock(fd));
  int locked = 0;
  do {
    locked = ::flock(fd, LOCK_EX | LOCK_NB);
  } while (locked != 0 && errno == EINTR);
  if (locked != 0 && errno == EWOULDBLOCK) {
    std::array<char, 24> text{};
    const ssize_t size = ::pread(fd, text.data(), text.size() - 1, 0);
    std::string holder(text.data(), size > 0 ? static_cast<std::size_t>(size) : 0);
    if (holder.empty() || holder.find_first_not_of("0123456789\n") != std::string::npos)
      holder = "unknown";
    while (!holder.empty() && holder.back() == '\n') holder.pop_back();
    return conflict("store.locked",
                    "another hub uses the database " + path + " (process " + holder +
                        "); stop it first, or give this one a data folder of its own");
  }
  if (locked != 0)
    return unavailable("store.open", "cannot lock " + lock_path + ": " + std::strerror(errno));
  // The number is for people only; the lock is what counts.
  const std::string pid = std::to_string(::getpid()) + "\n";
  if (::ftruncate(fd, 0) != 0 || ::pwrite(fd, pid.data(), pid.size(), 0) < 0) {
    return unavailable("store.open", "cannot write " + lock_path + ": " + std::strerror(errno));
  }
  return lock;
}

FileLock::~FileLock() {
  ::close(fd_);
}

}  // namespace rabt::store::sqlite
