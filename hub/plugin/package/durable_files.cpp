#include "hub/plugin/package/durable_files.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <vector>

#include "hub/base/descriptor.hpp"

namespace rabt::plugin {

namespace {

std::string temporary_name(const std::string& name) {
  return "." + name + ".new";
}

}  // namespace

Error store_error(const std::string& doing) {
  return unavailable("plugin.store_io",
                     "cannot " + doing + ": " + std::string(std::strerror(errno)));
}

Status write_new_file(
    int folder, const std::string& name,
    const std::function<Status(const std::function<Status(std::string_view)>&)>& content) {
  const Descriptor fd(::openat(folder, name.c_str(),
                               O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, kFileMode));
  if (!fd.open()) return store_error("make " + name);
  RABT_TRY_STATUS(content([&](std::string_view piece) {
    return write_all(fd.get(), piece) ? ok_status() : Status(store_error("write " + name));
  }));
  if (::fsync(fd.get()) != 0) return store_error("sync " + name);
  return ok_status();
}

Status replace_file(int folder, const std::string& name, std::string_view content, unsigned mode) {
  const std::string temporary = temporary_name(name);
  RABT_TRY_STATUS(forget_replacement(folder, name));
  {
    const Descriptor fd(::openat(folder, temporary.c_str(),
                                 O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode));
    if (!fd.open()) return store_error("make " + temporary);
    if (!write_all(fd.get(), content)) return store_error("write " + temporary);
    if (::fsync(fd.get()) != 0) return store_error("sync " + temporary);
  }
  if (::renameat(folder, temporary.c_str(), folder, name.c_str()) != 0)
    return store_error("put " + name + " in its place");
  return sync_folder(folder, "the folder of " + name);
}

Status forget_replacement(int folder, const std::string& name) {
  const std::string temporary = temporary_name(name);
  if (::unlinkat(folder, temporary.c_str(), 0) != 0 && errno != ENOENT)
    return store_error("remove " + temporary);
  return ok_status();
}

Status sync_folder(int folder, const std::string& name) {
  if (::fsync(folder) != 0) return store_error("sync " + name);
  return ok_status();
}

Status remove_tree(int folder, const std::string& name) {
  struct stat info {};
  if (::fstatat(folder, name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0)
    return errno == ENOENT ? ok_status() : Status(store_error("look at " + name));
  if (!S_ISDIR(info.st_mode)) {
    if (::unlinkat(folder, name.c_str(), 0) != 0) return store_error("remove " + name);
    return ok_status();
  }
  {
    Descriptor inner(
        ::openat(folder, name.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW));
    if (!inner.open()) return store_error("open " + name);
    const std::unique_ptr<DIR, CloseFolder> list(::fdopendir(inner.get()));
    if (list == nullptr) return store_error("list " + name);
    const int fd = inner.release();  // closed with the list
    std::vector<std::string> names;
    while (const dirent* const entry = ::readdir(list.get())) {
      const std::string child = static_cast<const char*>(entry->d_name);
      if (child != "." && child != "..") names.push_back(child);
    }
    for (const std::string& child : names) RABT_TRY_STATUS(remove_tree(fd, child));
  }
  if (::unlinkat(folder, name.c_str(), AT_REMOVEDIR) != 0) return store_error("remove " + name);
  return ok_status();
}

Result<std::string> read_small_file(int folder, const std::string& name, std::size_t max_bytes) {
  const Descriptor fd(
      ::openat(folder, name.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  if (!fd.open()) {
    if (errno == ENOENT) return std::string();
    return store_error("open " + name + " (a link is not followed)");
  }
  struct stat info {};
  if (::fstat(fd.get(), &info) != 0) return store_error("look at " + name);
  if (!S_ISREG(info.st_mode)) return unavailable("plugin.store_io", name + " is no regular file");
  std::string out;
  std::vector<char> piece(16384);
  while (true) {
    const ssize_t got = ::read(fd.get(), piece.data(), piece.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return store_error("read " + name);
    if (got == 0) return out;
    out.append(piece.data(), static_cast<std::size_t>(got));
    if (out.size() > max_bytes)
      return unavailable("plugin.store_io",
                         name + " is larger than " + std::to_string(max_bytes) + " bytes");
  }
}

}  // namespace rabt::plugin
