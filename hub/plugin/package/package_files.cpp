#include "hub/plugin/package/package_files.hpp"

#include <archive.h>
#include <archive_entry.h>
#include <dirent.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <vector>

#include "hub/base/ascii.hpp"
#include "hub/base/bytes.hpp"
#include "hub/base/printable.hpp"
#include "hub/crypto/crypto.hpp"
#include "hub/plugin/package/durable_files.hpp"

namespace rabt::plugin {

namespace {

constexpr std::string_view kBinaries = "bin/";
constexpr std::string_view kFolderEnd = ".rabtplugin/";
constexpr std::size_t kPieceBytes = 1U << 20U;
constexpr std::uint64_t kZipFreeBytes = 1U << 20U;  // below this the ratio says nothing

Error unreadable(const std::string& where, const std::string& what) {
  return unavailable("plugin.package", where + ": " + what + ": " + std::strerror(errno));
}
Error bad_path(const std::string& origin, std::string_view path, const std::string& what) {
  return invalid("plugin.path", origin + ": \"" + printable(path.substr(0, kMaxPathBytes)) + "\" " +
                                    what +
                                    "; a package holds regular files under plain relative paths");
}
Error too_large(const std::string& where, const std::string& what) {
  return invalid("plugin.too_large", where + ": " + what);
}

bool name_character(char c) {
  return is_alnum(c) || c == '.' || c == '_' || c == '-' || c == '+';
}

}  // namespace

// Takes the files of a package piece by piece.
class PackageBuilder {
 public:
  explicit PackageBuilder(std::string origin) { files_.origin_ = std::move(origin); }

  [[nodiscard]] const std::string& origin() const { return files_.origin_; }

  Status begin(const std::string& path) {
    if (const std::string fault = path_fault(path); !fault.empty())
      return bad_path(origin(), path, fault);
    if (files_.files_.contains(path)) return bad_path(origin(), path, "is there twice");
    const auto below = files_.files_.lower_bound(path + "/");
    bool clash = below != files_.files_.end() && below->first.starts_with(path + "/");
    for (std::size_t slash = path.find('/'); slash != std::string::npos && !clash;
         slash = path.find('/', slash + 1)) {
      clash = files_.files_.contains(path.substr(0, slash));
    }
    if (clash) return bad_path(origin(), path, "is there as a file and as a folder");
    if (files_.files_.size() >= kMaxPackageFiles)
      return too_large(origin(), "has more than " + std::to_string(kMaxPackageFiles) + " files");
    path_ = path;
    file_ = {};
    hash_ = crypto::Sha256();
    memory_ = Descriptor();
    if (path.starts_with(kBinaries)) {
      memory_ = Descriptor(::memfd_create("rabt-plugin", MFD_CLOEXEC | MFD_ALLOW_SEALING));
      if (!memory_.open()) return unreadable(where(), "no memory file");
    }
    return ok_status();
  }

  Status take(std::string_view piece) {
    file_.size += piece.size();
    hash_.update(piece);
    if (!memory_.open()) {
      all_text_ += piece.size();
      if (file_.size > kMaxTextBytes)
        return too_large(where(), "is larger than " + std::to_string(kMaxTextBytes) + " bytes");
      if (all_text_ > kMaxAllTextBytes)
        return too_large(origin(), "its files outside bin/ have more than " +
                                       std::to_string(kMaxAllTextBytes) + " bytes");
      file_.text += piece;
      return ok_status();
    }
    binaries_ += piece.size();
    if (binaries_ > kMaxLibraryBytes)
      return too_large(where(), "is too large to be a plugin; strip it");
    if (!write_all(memory_.get(), piece)) return unreadable(where(), "cannot be copied");
    return ok_status();
  }

  Status end() {
    file_.sha256 = to_hex(hash_.finish());
    if (memory_.open()) {
      if (!seal_memory(memory_.get())) return unreadable(where(), "cannot be sealed");
      file_.sealed = std::make_shared<const Descriptor>(std::move(memory_));
    }
    files_.files_.emplace(path_, std::move(file_));
    return ok_status();
  }

  [[nodiscard]] std::uint64_t bytes() const { return all_text_ + binaries_; }
  PackageFiles finish() { return std::move(files_); }

 private:
  [[nodiscard]] std::string where() const { return origin() + "/" + path_; }

  PackageFiles files_;
  std::string path_;
  PackageFiles::File file_;
  crypto::Sha256 hash_;
  Descriptor memory_;
  std::uint64_t all_text_ = 0;
  std::uint64_t binaries_ = 0;
};

namespace {

// ---- folders

Status take_file(PackageBuilder& builder, int folder, const char* name, const std::string& path) {
  RABT_TRY_STATUS(builder.begin(path));
  // O_NONBLOCK: a pipe that somebody put here must not stop the hub.
  const Descriptor file(::openat(folder, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  if (!file.open()) return unreadable(builder.origin() + "/" + path, "cannot be opened");
  struct stat info {};
  if (::fstat(file.get(), &info) != 0)
    return unreadable(builder.origin() + "/" + path, "cannot be looked at");
  if (!S_ISREG(info.st_mode)) return bad_path(builder.origin(), path, "is no regular file");
  std::vector<char> piece(kPieceBytes);
  while (true) {
    const ssize_t got = ::read(file.get(), piece.data(), piece.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return unreadable(builder.origin() + "/" + path, "cannot be read");
    if (got == 0) break;
    RABT_TRY_STATUS(builder.take(std::string_view(piece.data(), static_cast<std::size_t>(got))));
  }
  return builder.end();
}

Status take_folder(PackageBuilder& builder, int fd, const std::string& prefix) {
  Descriptor copy(::fcntl(fd, F_DUPFD_CLOEXEC, 0));
  const std::unique_ptr<DIR, CloseFolder> folder(copy.open() ? ::fdopendir(copy.get()) : nullptr);
  if (folder == nullptr) return unreadable(builder.origin() + "/" + prefix, "cannot be listed");
  static_cast<void>(copy.release());  // closed with the stream
  ::rewinddir(folder.get());
  std::size_t names = 0;
  while (true) {
    errno = 0;
    const dirent* const entry = ::readdir(folder.get());
    if (entry == nullptr) {
      if (errno != 0) return unreadable(builder.origin() + "/" + prefix, "cannot be listed");
      return ok_status();
    }
    const std::string name = static_cast<const char*>(entry->d_name);
    if (name == "." || name == "..") continue;
    if (++names > kMaxPackageFiles)
      return too_large(builder.origin(),
                       "has more than " + std::to_string(kMaxPackageFiles) + " files");
    const std::string path = prefix + name;
    if (const std::string fault = path_fault(path); !fault.empty())
      return bad_path(builder.origin(), path, fault);
    struct stat info {};
    if (::fstatat(fd, name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0)
      return unreadable(builder.origin() + "/" + path, "cannot be looked at");
    if (S_ISLNK(info.st_mode)) return bad_path(builder.origin(), path, "is a link");
    if (S_ISDIR(info.st_mode)) {
      const Descriptor inner(
          ::openat(fd, name.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW));
      if (!inner.open()) return unreadable(builder.origin() + "/" + path, "cannot be opened");
      RABT_TRY_STATUS(take_folder(builder, inner.get(), path + "/"));
      continue;
    }
    RABT_TRY_STATUS(take_file(builder, fd, name.c_str(), path));
  }
}

// ---- .zip

struct CloseArchive {
  void operator()(archive* zip) const { ::archive_read_free(zip); }
};

Error damaged(const std::string& path, archive* zip) {
  const char* const said = ::archive_error_string(zip);
  return invalid("plugin.package", path + ": is no .zip, or a damaged one: " +
                                       (said == nullptr ? "it ends early" : printable(said)));
}

// libarchive would also unpack lzma, xz, zstd and others: large decoders, fed before any signature
// is checked. It tells an entry's method in the name of the format alone ("ZIP 2.0 (deflation)").
bool plainly_packed(archive* zip) {
  const char* const said = ::archive_format_name(zip);
  const std::string_view name = said == nullptr ? "" : said;
  return name.ends_with("(uncompressed)") || name.ends_with("(deflation)");
}

Result<PackageFiles> read_zip(int fd, const std::string& path, std::uint64_t size) {
  const std::unique_ptr<archive, CloseArchive> zip(::archive_read_new());
  // Only this one format, read through its directory; nothing that libarchive would run or unpack
  // before it.
  if (zip == nullptr || ::archive_read_support_format_zip_seekable(zip.get()) != ARCHIVE_OK ||
      ::archive_read_open_fd(zip.get(), fd, kPieceBytes) != ARCHIVE_OK) {
    return damaged(path, zip.get());
  }
  PackageBuilder builder(path);
  std::string top;
  std::vector<char> piece(kPieceBytes);
  for (std::size_t entries = 0;; ++entries) {
    archive_entry* entry = nullptr;
    const int got = ::archive_read_next_header(zip.get(), &entry);
    if (got == ARCHIVE_EOF) break;
    if (got == ARCHIVE_WARN && ::archive_entry_pathname(entry) == nullptr)
      return bad_path(path, "?", "has characters other than letters, digits and ._+-");
    if (got != ARCHIVE_OK) return damaged(path, zip.get());
    if (entries > 2 * kMaxPackageFiles) return too_large(path, "has too many entries");
    const char* const raw = ::archive_entry_pathname(entry);
    std::string name = raw == nullptr ? "?" : raw;
    const auto type = ::archive_entry_filetype(entry);
    if (::archive_entry_symlink(entry) != nullptr || ::archive_entry_hardlink(entry) != nullptr)
      return bad_path(path, name, "is a link");
    if (type != AE_IFREG && type != AE_IFDIR) return bad_path(path, name, "is no regular file");
    if (::archive_entry_is_encrypted(entry) != 0) return bad_path(path, name, "is encrypted");
    if (type == AE_IFREG && !plainly_packed(zip.get()))
      return invalid("plugin.package", path + ": \"" + printable(name) +
                                           "\" is packed in another way than stored or deflated; "
                                           "make the .zip again with `zip -r`");
    if (type == AE_IFDIR && !name.ends_with('/')) name += '/';
    if (top.empty()) {
      const std::size_t slash = name.find('/');
      top = slash == std::string::npos ? name : name.substr(0, slash + 1);
      if (!top.ends_with(kFolderEnd) || !path_fault(top.substr(0, top.size() - 1)).empty())
        return bad_path(path, name, "does not lie in one folder <id>-<version>.rabtplugin");
    }
    if (!name.starts_with(top)) return bad_path(path, name, "does not lie in the folder " + top);
    std::string inner = name.substr(top.size());
    if (type == AE_IFDIR) {
      if (inner.ends_with('/')) inner.pop_back();
      if (const std::string fault = inner.empty() ? "" : path_fault(inner); !fault.empty())
        return bad_path(path, name, fault);
      continue;
    }
    RABT_TRY_STATUS(builder.begin(inner));
    while (true) {
      const la_ssize_t read = ::archive_read_data(zip.get(), piece.data(), piece.size());
      if (read < 0) return damaged(path, zip.get());
      if (read == 0) break;
      RABT_TRY_STATUS(builder.take(std::string_view(piece.data(), static_cast<std::size_t>(read))));
      if (builder.bytes() > kZipFreeBytes && builder.bytes() / kMaxZipRatio > size)
        return too_large(
            path, "unpacks to more than " + std::to_string(kMaxZipRatio) + " times its size");
    }
    RABT_TRY_STATUS(builder.end());
  }
  if (top.empty()) return invalid("plugin.package", path + ": is an empty .zip");
  return builder.finish();
}

}  // namespace

std::string library_path() {
  return std::string(kBinaries) + std::string(kPlatform) + "/plugin.so";
}

std::string path_fault(std::string_view path) {
  if (path.empty()) return "is empty";
  if (path.size() > kMaxPathBytes) return "is too long";
  std::size_t parts = 0;
  while (true) {
    const std::size_t slash = path.find('/');
    const std::string_view part = path.substr(0, slash);
    if (part.empty() || part.front() == '.')
      return "has an empty part, or one that begins with a dot";
    if (!std::all_of(part.begin(), part.end(), name_character))
      return "has characters other than letters, digits and ._+-";
    if (++parts > kMaxPathParts) return "lies too deep";
    if (slash == std::string_view::npos) return {};
    path.remove_prefix(slash + 1);
  }
}

Result<PackageFiles> PackageFiles::read_folder(int folder, std::string origin) {
  PackageBuilder builder(std::move(origin));
  RABT_TRY_STATUS(take_folder(builder, folder, ""));
  return builder.finish();
}

Result<PackageFiles> PackageFiles::read(const std::string& path) {
  const Descriptor fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!fd.open()) {
    if (errno == ENOENT)
      return not_found("plugin.package", path + ": there is no such package; is the path right?");
    return unreadable(path, "cannot be opened");
  }
  struct stat info {};
  if (::fstat(fd.get(), &info) != 0) return unreadable(path, "cannot be looked at");
  if (S_ISDIR(info.st_mode)) {
    std::string origin = path;
    while (origin.size() > 1 && origin.ends_with('/')) origin.pop_back();
    return read_folder(fd.get(), std::move(origin));
  }
  if (!S_ISREG(info.st_mode))
    return invalid("plugin.package", path + ": is neither a folder nor a .zip");
  return read_zip(fd.get(), path, static_cast<std::uint64_t>(info.st_size));
}

const PackageFiles::File* PackageFiles::find(std::string_view path) const {
  const auto found = files_.find(path);
  return found == files_.end() ? nullptr : &found->second;
}

const std::string* PackageFiles::text(std::string_view path) const {
  const File* const file = find(path);
  return file == nullptr || file->sealed != nullptr ? nullptr : &file->text;
}

std::string digest_of(const PackageFiles& files) {
  constexpr std::array kMadeLater{kSumsFile, kSignatureFile, kSbomFile, kReportFile};
  crypto::Sha256 all;
  for (const auto& [path, file] : files.all()) {
    if (std::find(kMadeLater.begin(), kMadeLater.end(), path) == kMadeLater.end())
      all.update(file.sha256 + "  " + path + "\n");
  }
  return to_hex(all.finish());
}

Status each_piece(const PackageFiles::File& file,
                  const std::function<Status(std::string_view)>& take) {
  if (file.sealed == nullptr) return take(file.text);
  std::vector<char> piece(kPieceBytes);
  for (std::uint64_t at = 0; at < file.size;) {
    const ssize_t got =
        ::pread(file.sealed->get(), piece.data(), piece.size(), static_cast<off_t>(at));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return unreadable("a sealed file", "cannot be read");
    RABT_TRY_STATUS(take(std::string_view(piece.data(), static_cast<std::size_t>(got))));
    at += static_cast<std::uint64_t>(got);
  }
  return ok_status();
}

}  // namespace rabt::plugin
