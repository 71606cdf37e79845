#include "hub/store/sqlite/file_lock.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <thread>

namespace rabt::store::sqlite {

namespace {

// A hub that was killed while it started a program leaves a child that has the lock until it runs
// the program or ends.
constexpr std::chrono::seconds kInherited{2};
constexpr std::chrono::milliseconds kAgain{20};

}  // namespace

Result<std::unique_ptr<FileLock>> FileLock::take(const std::string& path) {
  const std::string lock_path = path + ".lock";
  const int fd = ::open(lock_path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0) {
    return unavailable("store.open", "cannot open the database " + path +
                                         ": its folder must exist and be writable (" + lock_path +
                                         ": " + std::strerror(errno) + ")");
  }
  std::unique_ptr<FileLock> lock(new FileLock(fd));
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
