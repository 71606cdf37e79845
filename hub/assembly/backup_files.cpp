#include "hub/assembly/backup_files.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>
#include <string_view>

#include "hub/audit/files.hpp"
#include "hub/base/bytes.hpp"
#include "hub/base/descriptor.hpp"
#include "hub/base/file_there.hpp"
#include "hub/base/printable.hpp"
#include "hub/base/utf8.hpp"
#include "hub/crypto/crypto.hpp"
#include "hub/mapping/mapping.hpp"
#include "hub/plugin/package/plugin_store.hpp"

namespace rabt::assembly {

namespace {

namespace fs = std::filesystem;

constexpr std::size_t kPiece = 1U << 20U;
constexpr const char* kPlugins = "plugins";
constexpr const char* kConfig = "config";

// PEM of each kind ends its first line so: RSA, EC, ENCRYPTED.
constexpr std::string_view kPrivateKey = "PRIVATE KEY-----";

// True for a JWK with members of the private or the secret key (RFC 7518; `priv`: AKP), and for
// whatever holds one.
bool holds_private_jwk(const Json& value) {
  constexpr std::array<std::string_view, 9> kPrivate{"d",  "p",   "q", "dp",  "dq",
                                                     "qi", "oth", "k", "priv"};
  if (value.is_array()) {
    const auto& all = value.as_array();
    return std::any_of(all.begin(), all.end(), holds_private_jwk);
  }
  if (!value.is_object()) return false;
  const auto& members = value.as_object();
  const bool is_key = value.find("kty") != nullptr;
  return std::any_of(members.begin(), members.end(), [&](const auto& member) {
    return holds_private_jwk(member.second) ||
           (is_key && std::find(kPrivate.begin(), kPrivate.end(), member.first) != kPrivate.end());
  });
}

bool holds_private_key(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  const std::string text(std::istreambuf_iterator<char>(in), {});
  if (text.find(kPrivateKey) != std::string::npos) return true;
  if (text.find("\"kty\"") == std::string::npos) return false;
  const auto json = Json::parse(text);
  return json.ok() && holds_private_jwk(*json);
}

// Empty if the file can be copied.
std::string why_not(const fs::path& path) {
  std::error_code failure;
  const fs::file_status status = fs::status(path, failure);
  if (fs::exists(status) && !fs::is_regular_file(status)) return "it is no file";
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  return file.open() ? std::string() : std::strerror(errno);
}

// A package of the store, which has no links.
Status copy_package(const fs::path& from, const fs::path& place, FileCopies& copies) {
  std::error_code failure;
  const auto is_folder = [&failure](const fs::path& path) {
    return fs::is_directory(fs::symlink_status(path, failure));
  };
  if (!is_folder(from.parent_path()) || !is_folder(from)) {
    copies.miss(from.string(), "plugins.lock names it, and it is no folder");
    return ok_status();
  }
  const auto take = [&](const fs::directory_entry& at) -> Status {
    std::error_code gone;
    const fs::file_status status = at.symlink_status(gone);
    if (gone) {
      copies.miss(at.path().string(), gone.message());
      return ok_status();
    }
    if (fs::is_directory(status)) return ok_status();
    if (!fs::is_symlink(status))
      return copies.add(at.path(), place / at.path().lexically_relative(from));
    copies.miss(at.path().string(), "it is a link, and a package has none");
    return ok_status();
  };
  RABT_TRY(unread, each_entry(from, Depth::all, take));
  if (unread) copies.miss(from.string(), unread.message());
  return ok_status();
}

// Does each_entry by a kind of iterator.
template <typename Iterator>
Result<std::error_code> walk(const fs::path& folder, const EachEntry& each) {
  std::error_code failure;
  for (auto at = Iterator(folder, failure); !failure && at != Iterator(); at.increment(failure))
    RABT_TRY_STATUS(each(*at));
  return failure;
}

// The place of a file of the configuration: a restore finds where it stood.
fs::path place_of(const fs::path& path) {
  return fs::path(kConfig) / path.relative_path();
}

// The code maps, NAME.csv.
Status copy_maps(const fs::path& folder, FileCopies& copies) {
  const auto take = [&](const fs::directory_entry& at) -> Status {
    return at.path().extension() == ".csv" ? copies.add_public(at.path(), place_of(at.path()))
                                           : ok_status();
  };
  RABT_TRY(unread, each_entry(folder, Depth::one, take));
  if (unread) copies.miss(folder.string(), unread.message());
  return ok_status();
}

}  // namespace

Error backup_error(const std::string& doing) {
  const bool full = errno == ENOSPC || errno == EDQUOT;
  return unavailable("backup.io", "cannot " + doing + ": " + std::strerror(errno) +
                                      (full ? "; make room for the backup" : ""));
}

Error read_error(const fs::path& path, const std::error_code& why) {
  errno = why.value();
  return backup_error("read " + path.string());
}

Result<std::error_code> each_entry(const fs::path& folder, Depth depth, const EachEntry& each) {
  return depth == Depth::one ? walk<fs::directory_iterator>(folder, each)
                             : walk<fs::recursive_directory_iterator>(folder, each);
}

Result<std::string> sha256_of(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) return backup_error("read " + path);
  crypto::Sha256 hash;
  std::string piece(kPiece, '\0');
  while (in.read(piece.data(), static_cast<std::streamsize>(piece.size())) || in.gcount() > 0)
    hash.update(std::string_view(piece).substr(0, static_cast<std::size_t>(in.gcount())));
  if (in.bad()) return backup_error("read " + path);
  return to_hex(hash.finish());
}

Result<bool> copy_durably(const fs::path& from, const fs::path& to) {
  std::error_code failure;
  fs::copy_file(from, to, failure);
  if (failure == std::errc::no_such_file_or_directory) return false;
  errno = failure.value();
  if (failure || ::chmod(to.c_str(), 0600) != 0) return backup_error("copy " + from.string());
  const Descriptor file(::open(to.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.open() || ::fsync(file.get()) != 0) return backup_error("sync " + to.string());
  return true;
}

Status FileCopies::make_folder(const fs::path& place) {
  fs::path folder = folder_;
  for (const fs::path& part : place) {
    folder /= part;
    if (!folders_.insert(folder).second) continue;
    if (::mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST)
      return backup_error("make " + folder.string());
  }
  return ok_status();
}

Status FileCopies::add(const fs::path& from, const fs::path& place) {
  if (!places_.insert(place).second) return ok_status();
  if (!is_utf8(place.string())) {
    miss(from.string(), "its name is no UTF-8");
    return ok_status();
  }
  if (const std::string why = why_not(from); !why.empty()) {
    miss(from.string(), why);
    return ok_status();
  }
  RABT_TRY_STATUS(make_folder(place.parent_path()));
  const fs::path to = folder_ / place;
  RABT_TRY(copied, copy_durably(from, to));
  if (!copied) {
    miss(from.string(), std::strerror(ENOENT));
    return ok_status();
  }
  RABT_TRY(sum, sha256_of(to.string()));
  done_.sums.emplace_back(place.string(), sum);
  return ok_status();
}

Status FileCopies::add_public(const fs::path& from, const fs::path& place) {
  if (!why_not(from).empty() || !holds_private_key(from)) return add(from, place);
  done_.secret.push_back(from.string() + ": it holds a private key");
  return ok_status();
}

void FileCopies::miss(const std::string& what, const std::string& why) {
  done_.missing.push_back(printable(what) + ": " + why);
}

Status FileCopies::sync() const {
  for (const fs::path& folder : folders_) RABT_TRY_STATUS(audit::sync_folder(folder.string()));
  return ok_status();
}

Result<std::vector<std::string>> files_without_sum(const fs::path& folder, const Json& sums) {
  std::vector<std::string> out;
  for (const char* const part : {kConfig, kPlugins}) {
    RABT_TRY(there, is_there((folder / part).string()));
    if (!there) continue;
    const auto take = [&](const fs::directory_entry& at) -> Status {
      std::error_code failure;
      const bool is_folder = fs::is_directory(at.symlink_status(failure));
      if (failure) return read_error(at.path(), failure);
      const std::string place = at.path().lexically_relative(folder).string();
      if (!is_folder && sums.find(place) == nullptr) out.push_back(printable(place));
      return ok_status();
    };
    RABT_TRY(unread, each_entry(folder / part, Depth::all, take));
    if (unread) return read_error(folder / part, unread);
  }
  std::sort(out.begin(), out.end());
  return out;
}

Status copy_plugins(const std::string& store, FileCopies& copies) {
  const fs::path from = store;
  const fs::path to = kPlugins;
  RABT_TRY(locked, is_there((from / plugin::kLockFile).string()));
  if (!locked) return ok_status();
  // While it is open no package comes or goes.
  const auto opened = plugin::PluginStore::open(store, plugin::PluginStore::Use::read);
  if (!opened.ok()) {
    copies.miss("plugins of " + store, opened.error().message);
    return ok_status();
  }
  RABT_TRY_STATUS(copies.add(from / plugin::kLockFile, to / plugin::kLockFile));
  for (const plugin::TrustedKey& key : opened->keys()) {
    const fs::path name = fs::path("keys") / (key.id() + ".json");
    RABT_TRY_STATUS(copies.add(from / name, to / name));
  }
  for (const plugin::LockEntry& entry : opened->entries()) {
    const fs::path name = fs::path(entry.id) / entry.version;
    RABT_TRY_STATUS(copy_package(from / name, to / name, copies));
  }
  return ok_status();
}

Status copy_config(const config::Config& config, FileCopies& copies) {
  for (const std::string& path : config::files_of(config))
    RABT_TRY_STATUS(copies.add_public(path, place_of(path)));
  if (!config.maps.empty()) RABT_TRY_STATUS(copy_maps(config.maps, copies));
  std::set<fs::path> parts;
  for (const auto& [name, plugin] : config.plugin) {
    if (plugin.source.empty()) continue;
    const auto files = mapping::read_files(plugin.source);
    if (!files.ok()) {
      copies.miss("files that " + plugin.source + " names", files.error().message);
      continue;
    }
    for (const auto& [part, text] : files->parts)
      parts.insert((fs::path(plugin.source).parent_path() / part).lexically_normal());
  }
  for (const fs::path& part : parts) RABT_TRY_STATUS(copies.add_public(part, place_of(part)));
  return ok_status();
}

}  // namespace rabt::assembly
