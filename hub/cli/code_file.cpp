#include "hub/cli/code_file.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <string_view>

namespace rabt::cli {

Result<CodeFile> CodeFile::open(const std::string& path, bool go_on) {
  CodeFile out;
  const int how =
      O_CREAT | O_CLOEXEC | (go_on ? O_RDWR | O_APPEND | O_NOFOLLOW : O_WRONLY | O_EXCL);
  out.file_ = Descriptor(::open(path.c_str(), how, 0600));
  if (!out.file_.open() && errno == EEXIST)
    return invalid("cli.file", path +
                                   ": is there already; name a new file, or add --new-codes, which "
                                   "continues it");
  if (!out.file_.open()) return invalid("cli.file", path + ": cannot be made");
  if (go_on) RABT_TRY_STATUS(out.read(path));
  return out;
}

Status CodeFile::read(const std::string& path) {
  struct stat status {};
  if (::fstat(file_.get(), &status) != 0 || !S_ISREG(status.st_mode) ||
      status.st_uid != ::geteuid() || (status.st_mode & 077U) != 0)
    return invalid("cli.file", path + ": is no file that you own and nobody else may read");
  std::string text;
  std::array<char, 4096> piece{};
  for (;;) {
    const ssize_t got = ::read(file_.get(), piece.data(), piece.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return invalid("cli.file", path + ": cannot be read");
    if (got == 0) break;
    text.append(piece.data(), static_cast<std::size_t>(got));
  }
  std::string_view rest = text;
  for (auto end = rest.find('\n'); end != std::string_view::npos; end = rest.find('\n')) {
    const std::string_view line = rest.substr(0, end);
    if (const auto comma = line.find(','); comma != std::string_view::npos)
      before_.emplace(line.substr(0, comma));
    rest.remove_prefix(end + 1);
  }
  // A line that was cut holds no whole code.
  if (!rest.empty() && !write_all(file_.get(), "\n"))
    return unavailable("cli.file", path + ": cannot be written");
  return ok_status();
}

Status CodeFile::add(const std::string& username, const std::string& code) const {
  if (write_all(file_.get(), username + "," + code + "\n")) return ok_status();
  return unavailable("cli.file", "the file of codes cannot be written");
}

}  // namespace rabt::cli
