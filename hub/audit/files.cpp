#include "hub/audit/files.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "hub/base/descriptor.hpp"
#include "hub/base/full_disk.hpp"

namespace rabt::audit {

namespace {

Error io_error(const char* what, const std::string& path) {
  if (is_full_disk(errno)) return full_disk(path);
  return unavailable("audit.io", std::string("cannot ") + what + " " + path +
                                     " of the audit log: " + std::strerror(errno));
}

}  // namespace

Result<std::optional<std::string>> read_file(const std::string& path, std::size_t max_bytes) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.open() && errno == ENOENT) return std::optional<std::string>{};
  if (!file.open()) return io_error("open", path);
  std::string content;
  char buffer[4096];
  for (;;) {
    const ssize_t size = ::read(file.get(), buffer, sizeof buffer);
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) return io_error("read", path);
    if (size == 0) return std::optional<std::string>(std::move(content));
    content.append(buffer, static_cast<std::size_t>(size));
    if (content.size() > max_bytes) {
      errno = EFBIG;
      return io_error("read", path);
    }
  }
}

Status put_file(const std::string& path, std::string_view content, unsigned mode) {
  const std::string temporary = path + ".tmp";
  {
    const Descriptor file(
        ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, mode));
    if (!file.open()) return io_error("write", path);
    if (!write_all(file.get(), content) || ::fsync(file.get()) != 0) {
      const Error error = io_error("write", path);
      ::unlink(temporary.c_str());
      return error;
    }
  }
  if (::rename(temporary.c_str(), path.c_str()) != 0) return io_error("replace", path);
  return ok_status();
}

Status sync_folder(const std::string& folder) {
  if (!rabt::sync_folder(folder)) return io_error("sync the folder", folder);
  return ok_status();
}

Status replace_file(const std::string& path, std::string_view content, unsigned mode) {
  RABT_TRY_STATUS(put_file(path, content, mode));
  const auto slash = path.rfind('/');
  return sync_folder(slash == std::string::npos ? "." : path.substr(0, slash + 1));
}

}  // namespace rabt::audit
