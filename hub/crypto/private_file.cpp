#include "hub/crypto/private_file.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "hub/base/descriptor.hpp"

namespace rabt::crypto {

namespace {

std::string folder_of(const std::string& path) {
  const auto slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

// Best effort: a journaling or copying file system, and a flash disk, keep older blocks anyway.
void overwrite(int fd) {
  struct stat info {};
  if (::fstat(fd, &info) != 0) return;
  constexpr std::array<std::uint8_t, 4096> kZeros{};
  for (off_t left = info.st_size; left > 0; left -= static_cast<off_t>(kZeros.size())) {
    const auto size = std::min<std::size_t>(kZeros.size(), static_cast<std::size_t>(left));
    if (!write_all(fd, as_text(ByteView(kZeros).first(size)))) return;
  }
  (void)::fsync(fd);
}

}  // namespace

PrivateFile::Lock::~Lock() {
  ::close(fd_);
}

Error PrivateFile::io_error(const std::string& doing) const {
  if (errno == ENOSPC || errno == EDQUOT) {
    return unavailable(code + "_full", "there is no room on the disk of " + what +
                                           ": nothing was changed; make room and try again");
  }
  return unavailable(code + "_io",
                     what + " " + path + ": cannot " + doing + ": " + std::strerror(errno));
}

Error PrivateFile::damaged(const std::string& how) const {
  return corrupt(code + "_corrupt", what + " " + path + " is damaged (" + how +
                                        "); restore it from its backup: without it no stored data "
                                        "can be opened");
}

Result<std::unique_ptr<PrivateFile::Lock>> PrivateFile::lock(Use use) const {
  const std::string lock_path = path + ".lock";
  const int fd = ::open(lock_path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0) return io_error("open " + lock_path);
  auto held = std::make_unique<Lock>(fd);
  int locked = 0;
  do {
    locked = ::flock(fd, use == Use::shared ? LOCK_SH : LOCK_EX);
  } while (locked != 0 && errno == EINTR);
  if (locked != 0) return io_error("lock " + lock_path);
  return held;
}

Result<std::optional<SecretBytes>> PrivateFile::read() const {
  const Descriptor fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (!fd.open()) {
    if (errno == ENOENT) return std::optional<SecretBytes>{};
    return io_error("open it");
  }
  struct stat info {};
  if (::fstat(fd.get(), &info) != 0) return io_error("look at it");
  if (!S_ISREG(info.st_mode)) return damaged("it is not a regular file");
  if ((info.st_mode & 0077U) != 0) {
    return denied(code + "_mode",
                  what + " " + path + " can be read by other users; run: chmod 600 '" + path + "'");
  }
  if (info.st_size < 0 || static_cast<std::size_t>(info.st_size) > max_bytes)
    return damaged("too large");
  SecretBytes content = SecretBytes::of_size(static_cast<std::size_t>(info.st_size));
  std::size_t done = 0;
  while (done < content.size()) {
    const ssize_t got = ::read(fd.get(), content.fill().data() + done, content.size() - done);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return io_error("read it");
    if (got == 0) return damaged("it ends early");
    done += static_cast<std::size_t>(got);
  }
  return std::optional<SecretBytes>(std::move(content));
}

Status PrivateFile::replace(ByteView bytes, unsigned mode, bool wipe_old) const {
  const std::string temporary = path + ".tmp";
  // A file left by a crash holds old keys.
  (void)::chmod(temporary.c_str(), 0600);
  if (const Descriptor left(::open(temporary.c_str(), O_WRONLY | O_CLOEXEC | O_NOFOLLOW));
      left.open())
    overwrite(left.get());
  ::unlink(temporary.c_str());
  const auto give_up = [&](const std::string& doing) {
    Error error = io_error(doing);
    if (const Descriptor made(::open(temporary.c_str(), O_WRONLY | O_CLOEXEC | O_NOFOLLOW));
        made.open())
      overwrite(made.get());
    ::unlink(temporary.c_str());
    return error;
  };
  {
    const Descriptor fd(
        ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode));
    if (!fd.open()) return io_error("write " + temporary);
    if (!write_all(fd.get(), as_text(bytes))) return give_up("write " + temporary);
    if (::fsync(fd.get()) != 0) return give_up("sync " + temporary);
  }
  // A file with mode 0400 is its owner's to change all the same.
  if (wipe_old) (void)::chmod(path.c_str(), 0600);
  const Descriptor old(wipe_old ? ::open(path.c_str(), O_WRONLY | O_CLOEXEC | O_NOFOLLOW) : -1);
  if (::rename(temporary.c_str(), path.c_str()) != 0)
    return give_up("put " + temporary + " in its place");
  if (!sync_folder(folder_of(path))) return io_error("sync its folder");
  if (old.open()) overwrite(old.get());
  return ok_status();
}

std::optional<std::string_view> Reader::take(std::size_t size) {
  if (size > rest_.size()) return std::nullopt;
  const ByteView out = rest_.first(size);
  rest_ = rest_.subspan(size);
  return as_text(out);
}

std::optional<std::uint64_t> Reader::number(int bytes) {
  const auto digits = take(static_cast<std::size_t>(bytes));
  if (!digits) return std::nullopt;
  std::uint64_t value = 0;
  for (const char byte : *digits) value = value << 8U | static_cast<unsigned char>(byte);
  return value;
}

std::optional<std::string> Reader::text(std::size_t max) {
  const auto size = number(4);
  if (!size || *size > max) return std::nullopt;
  const auto bytes = take(*size);
  if (!bytes) return std::nullopt;
  return std::string(*bytes);
}

void put_number(std::string& out, std::uint64_t value, int bytes) {
  for (int shift = (bytes - 1) * 8; shift >= 0; shift -= 8)
    out.push_back(static_cast<char>(value >> shift & 0xffU));
}

void put_text(std::string& out, std::string_view text) {
  put_number(out, text.size(), 4);
  out.append(text);
}

}  // namespace rabt::crypto
