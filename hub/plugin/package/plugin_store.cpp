#include "hub/plugin/package/plugin_store.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <set>

#include "hub/base/ascii.hpp"
#include "hub/base/semver.hpp"
#include "hub/base/utf8.hpp"
#include "hub/plugin/package/durable_files.hpp"

namespace rabt::plugin {

namespace {

namespace fs = std::filesystem;
namespace minisign = crypto::minisign;

constexpr std::string_view kKeysFolder = "keys";
constexpr std::string_view kKeyFileEnd = ".json";
constexpr std::string_view kIncoming = ".incoming";  // a package on its way in
constexpr std::string_view kOutgoing = ".outgoing";  // on its way out
constexpr std::int64_t kFormat = 1;
constexpr std::size_t kMaxWordBytes = 256;  // names and times in the files

bool older(const LockEntry& a, const LockEntry& b) {
  if (a.id != b.id) return a.id < b.id;
  const int order = compare_semver(a.version, b.version);
  return order != 0 ? order < 0 : a.version < b.version;  // build metadata
}

bool is_id(std::string_view text) {
  return !text.empty() && text.size() <= 64 && text.front() >= 'a' && text.front() <= 'z' &&
         std::all_of(text.begin(), text.end(),
                     [](char c) { return is_lower(c) || is_digit(c) || c == '-'; });
}
bool is_version(std::string_view text) {
  return is_semver(text) && path_fault(text).empty();
}
bool is_hex(std::string_view text, std::size_t digits, std::string_view alphabet) {
  return text.size() == digits && text.find_first_not_of(alphabet) == std::string_view::npos;
}

// Exactly these members, all of them texts.
bool has_only(const Json& object, std::initializer_list<std::string_view> texts,
              std::initializer_list<std::string_view> others = {}) {
  if (!object.is_object() || object.size() != texts.size() + others.size()) return false;
  for (const std::string_view name : texts) {
    const Json* const value = object.find(name);
    if (value == nullptr || !value->is_string() || value->as_string().size() > kMaxWordBytes)
      return false;
  }
  return std::all_of(others.begin(), others.end(),
                     [&](std::string_view name) { return object.find(name) != nullptr; });
}

Error bad_lock(const std::string& folder, const std::string& what) {
  return corrupt("plugin.lock", folder + "/" + std::string(kLockFile) + ": " + what +
                                    "; restore it from its backup, or remove it and add the "
                                    "plugins again");
}
Error bad_key(const std::string& folder, const std::string& name, const std::string& what) {
  return corrupt("plugin.key", folder + "/" + std::string(kKeysFolder) + "/" + name + ": " + what +
                                   "; remove it and add the key again with `rabt plugin keys add`");
}

std::string spelled(const LockEntry& entry) {
  return entry.id + " " + entry.version;
}

// Checks the mode: a user who can write here decides which code the hub runs.
Status check_mode(int folder, const std::string& name, const std::string& shown) {
  struct stat info {};
  if (::fstatat(folder, name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0)
    return errno == ENOENT ? ok_status() : Status(store_error("look at " + shown));
  if (S_ISLNK(info.st_mode))
    return denied("plugin.path", shown + " is a link; put the file itself there");
  if ((info.st_mode & S_IWOTH) != 0)
    return denied("plugin.store_mode",
                  shown + " can be written by everybody; run: chmod o-w '" + shown + "'");
  return ok_status();
}

Result<Descriptor> open_folder(int at, const std::string& name, bool make) {
  if (make && ::mkdirat(at, name.c_str(), 0755) != 0 && errno != EEXIST)
    return store_error("make the folder " + name);
  Descriptor fd(::openat(at, name.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW));
  if (!fd.open()) return store_error("open the folder " + name + " (a link is not followed)");
  return fd;
}

// Every file of the package below a folder that is new. Durable when ok.
Status write_files(int folder, const PackageFiles& files) {
  std::set<std::string> folders;  // with their parents, parents first
  for (const auto& [path, file] : files.all()) {
    for (std::size_t slash = path.find('/'); slash != std::string::npos;
         slash = path.find('/', slash + 1)) {
      folders.insert(path.substr(0, slash));
    }
  }
  const auto with_folder = [folder](const std::string& path, auto&& act) -> Status {
    // The folder is ours and new: its names are those that were just made.
    const Descriptor fd(::openat(folder, path.empty() ? "." : path.c_str(),
                                 O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW));
    if (!fd.open()) return store_error("open " + path);
    return act(fd.get());
  };
  for (const std::string& path : folders) {
    if (::mkdirat(folder, path.c_str(), 0755) != 0) return store_error("make " + path);
  }
  for (const auto& [path, bytes] : files.all()) {
    const PackageFiles::File& file = bytes;
    const std::size_t slash = path.rfind('/');
    const std::string parent = slash == std::string::npos ? "" : path.substr(0, slash);
    const std::string name = slash == std::string::npos ? path : path.substr(slash + 1);
    RABT_TRY_STATUS(with_folder(parent, [&](int fd) {
      return write_new_file(fd, name, [&file](const auto& take) { return each_piece(file, take); });
    }));
  }
  folders.insert("");
  for (const std::string& path : folders)
    RABT_TRY_STATUS(with_folder(path, [&](int fd) { return sync_folder(fd, path); }));
  return ok_status();
}

}  // namespace

Json to_json(const LockEntry& entry) {
  return Json::object({{"id", entry.id},
                       {"version", entry.version},
                       {"sums", entry.sums_sha256},
                       {"key", entry.key_id},
                       {"addedAt", entry.added_at},
                       {"addedBy", entry.added_by}});
}

Result<PluginStore> PluginStore::open(const std::string& folder, Use use) {
  PluginStore store;
  store.folder_ = folder;
  if (use == Use::change) {
    std::error_code failure;
    fs::create_directories(folder, failure);
    if (failure)
      return unavailable("plugin.store_io",
                         "the folder " + folder + " cannot be made: " + failure.message());
    const std::string parent = fs::absolute(folder, failure).lexically_normal().parent_path();
    const Descriptor fd(::open(parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (fd.open()) RABT_TRY_STATUS(sync_folder(fd.get(), parent));
  }
  Descriptor root(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!root.open()) {
    if (errno == ENOENT && use == Use::read) return store;
    return store_error("open the folder of plugins " + folder);
  }
  int locked = 0;
  do {
    locked = ::flock(root.get(), use == Use::read ? LOCK_SH : LOCK_EX);
  } while (locked != 0 && errno == EINTR);
  if (locked != 0) return store_error("lock the folder " + folder);
  store.root_ = std::make_shared<const Descriptor>(std::move(root));
  RABT_TRY_STATUS(check_mode(store.root_->get(), ".", folder));
  RABT_TRY_STATUS(store.read_lock());
  RABT_TRY_STATUS(store.read_keys());
  if (use == Use::change) RABT_TRY_STATUS(store.sweep());
  return store;
}

Status PluginStore::read_lock() {
  const std::string name(kLockFile);
  RABT_TRY_STATUS(check_mode(root_->get(), name, folder_ + "/" + name));
  RABT_TRY(text, read_small_file(root_->get(), name, kMaxLockBytes));
  if (text.empty()) {
    struct stat info {};
    if (::fstatat(root_->get(), name.c_str(), &info, 0) == 0) return bad_lock(folder_, "is empty");
    return ok_status();
  }
  const auto json = Json::parse(text);
  if (!json.ok()) return bad_lock(folder_, "is no JSON: " + json.error().message);
  if (const auto format = (*json)["format"].as_int64(); format && *format > kFormat)
    return bad_lock(folder_, "is of a later hub (format " + std::to_string(*format) + ")");
  if (!has_only(*json, {}, {"format", "plugins"}) || (*json)["format"].as_int64() != kFormat ||
      !(*json)["plugins"].is_array()) {
    return bad_lock(folder_, "does not have the members format 1 and plugins");
  }
  std::vector<LockEntry> entries;
  for (const Json& item : (*json)["plugins"].as_array()) {
    const auto wrong = [&](const std::string& what) {
      return bad_lock(folder_, "entry " + std::to_string(entries.size() + 1) + " " + what);
    };
    if (!has_only(item, {"id", "version", "sums", "key", "addedAt", "addedBy"}))
      return wrong("does not have the members id, version, sums, key, addedAt, addedBy");
    LockEntry entry{.id = item["id"].as_string(),
                    .version = item["version"].as_string(),
                    .sums_sha256 = item["sums"].as_string(),
                    .key_id = item["key"].as_string(),
                    .added_at = item["addedAt"].as_string(),
                    .added_by = item["addedBy"].as_string()};
    if (!is_id(entry.id) || entry.id == kKeysFolder) return wrong("has no id of a plugin");
    if (!is_version(entry.version)) return wrong("has no semantic version");
    if (!is_hex(entry.sums_sha256, 64, "0123456789abcdef")) return wrong("has no SHA-256 in sums");
    if (!is_hex(entry.key_id, 16, "0123456789ABCDEF")) return wrong("has no key id in key");
    if (!entries.empty() && !older(entries.back(), entry))
      return wrong("is not after the one before it, by id and version");
    entries.push_back(std::move(entry));
  }
  entries_ = std::move(entries);
  return ok_status();
}

Status PluginStore::read_keys() {
  const std::string keys(kKeysFolder);
  const std::string shown = folder_ + "/" + keys;
  RABT_TRY_STATUS(check_mode(root_->get(), keys, shown));
  const Descriptor fd(
      ::openat(root_->get(), keys.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW));
  if (!fd.open()) {
    if (errno == ENOENT) return ok_status();
    return store_error("open the folder " + shown);
  }
  Descriptor copy(::fcntl(fd.get(), F_DUPFD_CLOEXEC, 0));
  const std::unique_ptr<DIR, CloseFolder> list(copy.open() ? ::fdopendir(copy.get()) : nullptr);
  if (list == nullptr) return store_error("list the folder " + shown);
  static_cast<void>(copy.release());  // closed with the list
  std::set<std::string> names;
  while (const dirent* const entry = ::readdir(list.get())) {
    const std::string name = static_cast<const char*>(entry->d_name);
    if (name.starts_with('.')) continue;
    names.insert(name);
    if (names.size() > kMaxKeys) return store_error("take more than a thousand keys");
  }
  for (const std::string& name : names) {
    RABT_TRY_STATUS(check_mode(fd.get(), name, shown + "/" + name));
    RABT_TRY(text, read_small_file(fd.get(), name, kMaxKeyFileBytes));
    const auto json = Json::parse(text);
    if (!json.ok()) return bad_key(folder_, name, "is no JSON");
    if (!has_only(*json, {"publicKey", "name", "addedAt", "addedBy"}, {"format", "scopes"}) ||
        (*json)["format"].as_int64() != kFormat || !(*json)["scopes"].is_array()) {
      return bad_key(folder_, name,
                     "does not have the members format 1, publicKey, name, scopes, addedAt, "
                     "addedBy");
    }
    TrustedKey key;
    const auto parsed = minisign::parse_public_key((*json)["publicKey"].as_string());
    if (!parsed.ok()) return bad_key(folder_, name, parsed.error().message);
    key.key = *parsed;
    if (name != key.id() + std::string(kKeyFileEnd))
      return bad_key(folder_, name, "holds the key " + key.id() + ", which its name must be");
    key.name = (*json)["name"].as_string();
    key.added_at = (*json)["addedAt"].as_string();
    key.added_by = (*json)["addedBy"].as_string();
    for (const Json& scope : (*json)["scopes"].as_array()) {
      if (!scope.is_string() || !is_scope(scope.as_string()))
        return bad_key(folder_, name, "has a scope that is none");
      key.scopes.push_back(scope.as_string());
    }
    keys_.push_back(std::move(key));
  }
  return ok_status();
}

Status PluginStore::sweep() const {
  for (const std::string_view name : {kIncoming, kOutgoing})
    RABT_TRY_STATUS(remove_tree(root_->get(), std::string(name)));
  return ok_status();
}

std::vector<LockEntry> PluginStore::versions(std::string_view id) const {
  std::vector<LockEntry> out;
  for (const LockEntry& entry : entries_) {
    if (entry.id == id) out.push_back(entry);
  }
  return out;
}

Result<TrustedPackage> PluginStore::load(const LockEntry& entry) const {
  const std::string origin = folder_ + "/" + entry.id + "/" + entry.version;
  const auto open_at = [&](int at, const std::string& name) -> Result<Descriptor> {
    Descriptor fd(::openat(at, name.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW));
    if (fd.open()) return fd;
    if (errno == ENOENT)
      return denied("plugin.lock", origin + ": the lock names " + spelled(entry) +
                                       ", and the folder is gone; remove it with `rabt plugin "
                                       "remove` and add the package again");
    if (errno == ENOTDIR || errno == ELOOP)
      return denied("plugin.path", origin +
                                       ": there is a link or a file where a folder of the "
                                       "store belongs; remove it and add the package again");
    return store_error("open " + origin);
  };
  if (root_ == nullptr) return store_error("open " + origin);
  RABT_TRY(of_id, open_at(root_->get(), entry.id));
  RABT_TRY(of_version, open_at(of_id.get(), entry.version));
  RABT_TRY(files, PackageFiles::read_folder(of_version.get(), origin));
  RABT_TRY(package, verify_package(std::move(files), keys_));
  if (package.sums_sha256 != entry.sums_sha256 || package.key_id != entry.key_id)
    return denied("plugin.lock", origin +
                                     ": is a package that somebody signed and not the one that was "
                                     "added: SHA256SUMS or its key differ from plugins.lock; "
                                     "remove it and add the right one");
  const Manifest& manifest = package.package.manifest;
  if (manifest.id != entry.id || manifest.version != entry.version)
    return denied("plugin.id_mismatch", origin + ": the lock says " + spelled(entry) +
                                            ", the manifest " + manifest.id + " " +
                                            manifest.version + "; remove it and add it again");
  return package;
}

Status PluginStore::write_lock(std::vector<LockEntry> entries) {
  std::sort(entries.begin(), entries.end(), older);
  Json list = Json::array();
  for (const LockEntry& entry : entries) list.push_back(to_json(entry));
  const std::string text =
      Json::object({{"format", kFormat}, {"plugins", std::move(list)}}).dump_pretty() + "\n";
  // A lock that read_lock refuses would close the store.
  if (text.size() > kMaxLockBytes)
    return invalid("plugin.lock", "the lock would be larger than " + std::to_string(kMaxLockBytes) +
                                      " bytes; remove versions that are not used any more");
  RABT_TRY_STATUS(replace_file(root_->get(), std::string(kLockFile), text));
  entries_ = std::move(entries);
  return ok_status();
}

Result<bool> PluginStore::add(const TrustedPackage& package, const Add& how) {
  const Manifest& manifest = package.package.manifest;
  LockEntry entry{.id = manifest.id,
                  .version = manifest.version,
                  .sums_sha256 = package.sums_sha256,
                  .key_id = package.key_id,
                  .added_at = how.at,
                  .added_by = how.by};
  if (!is_id(entry.id) || entry.id == kKeysFolder || !is_version(entry.version))
    return invalid("plugin.package", package.files.origin() + ": the store cannot keep a plugin " +
                                         "of the name " + spelled(entry));
  if (std::none_of(keys_.begin(), keys_.end(),
                   [&](const TrustedKey& key) { return key.id() == entry.key_id; })) {
    return denied("plugin.untrusted_key", package.files.origin() + ": the key " + entry.key_id +
                                              " is not trusted any more");
  }
  for (const LockEntry& other : versions(entry.id)) {
    const int order = compare_semver(entry.version, other.version);
    if (order == 0 && other.sums_sha256 == entry.sums_sha256 && other.key_id == entry.key_id &&
        other.version == entry.version) {
      return false;
    }
    if (order == 0)
      return conflict("plugin.exists", spelled(other) +
                                           " is there already, with other content; a version is "
                                           "released once: ask the vendor for a new one, or "
                                           "remove the old one first");
    if (order < 0 && !how.allow_downgrade)
      return conflict("plugin.downgrade", spelled(other) + " is newer than " + spelled(entry) +
                                              "; add it all the same with --allow-downgrade");
  }
  const auto there = versions(entry.id);
  if (!there.empty() && there.back().key_id != entry.key_id && !how.allow_other_key)
    return conflict("plugin.other_key",
                    spelled(there.back()) + " was signed by the key " + there.back().key_id +
                        ", and " + spelled(entry) + " by the key " + entry.key_id + " (" +
                        package.key_name +
                        "); if the vendor told you so by a way that you trust, add it with "
                        "--allow-other-key");
  // A folder that the lock does not name is what a crash left.
  const std::string incoming(kIncoming);
  RABT_TRY_STATUS(sweep());
  {
    RABT_TRY(folder, open_folder(root_->get(), incoming, true));
    RABT_TRY_STATUS(write_files(folder.get(), package.files));
  }
  RABT_TRY(of_id, open_folder(root_->get(), entry.id, true));
  RABT_TRY_STATUS(remove_tree(of_id.get(), entry.version));
  if (::renameat(root_->get(), incoming.c_str(), of_id.get(), entry.version.c_str()) != 0)
    return store_error("put " + spelled(entry) + " in its place");
  RABT_TRY_STATUS(sync_folder(of_id.get(), entry.id));
  RABT_TRY_STATUS(sync_folder(root_->get(), folder_));
  std::vector<LockEntry> entries = entries_;
  entries.push_back(std::move(entry));
  RABT_TRY_STATUS(write_lock(std::move(entries)));
  return true;
}

Result<LockEntry> PluginStore::remove(std::string_view id, std::string_view version) {
  const std::vector<LockEntry> there = versions(id);
  std::string names;
  for (const LockEntry& entry : there) names += (names.empty() ? "" : ", ") + entry.version;
  if (there.empty())
    return not_found("plugin.unknown", "there is no plugin " + std::string(id.substr(0, 64)) +
                                           "; `rabt plugin list` says what there is");
  if (version.empty() && there.size() > 1)
    return invalid("plugin.version", "there are several versions of " + there.front().id + " (" +
                                         names + "); name one: " + there.front().id + "@VERSION");
  const auto found = std::find_if(there.begin(), there.end(), [&](const LockEntry& entry) {
    return version.empty() || entry.version == version;
  });
  if (found == there.end())
    return not_found("plugin.unknown", "there is no version " + std::string(version.substr(0, 64)) +
                                           " of " + there.front().id + "; there are: " + names);
  std::vector<LockEntry> rest = entries_;
  std::erase(rest, *found);
  RABT_TRY_STATUS(write_lock(std::move(rest)));
  // From here on the lock does not name it, and nothing loads it.
  const std::string outgoing(kOutgoing);
  const Descriptor of_id(
      ::openat(root_->get(), found->id.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW));
  if (!of_id.open()) return *found;
  RABT_TRY_STATUS(sweep());
  if (::renameat(of_id.get(), found->version.c_str(), root_->get(), outgoing.c_str()) != 0 &&
      errno != ENOENT) {
    return store_error("remove the files of " + spelled(*found));
  }
  RABT_TRY_STATUS(sweep());
  if (there.size() == 1) (void)::unlinkat(root_->get(), found->id.c_str(), AT_REMOVEDIR);
  return *found;
}

Status PluginStore::add_key(TrustedKey key) {
  if (key.scopes.empty())
    return invalid("plugin.key", "say which plugins the key may sign, such as --scope 'acme-*'");
  for (const std::string& scope : key.scopes) {
    if (!is_scope(scope))
      return invalid("plugin.key",
                     "a scope is a pattern of lower-case letters, digits, '-' and "
                     "'*', such as acme-*");
  }
  const auto there = std::find_if(keys_.begin(), keys_.end(), [&](const TrustedKey& other) {
    return other.key.id == key.key.id;
  });
  // The id of a key is what its maker wrote into it: another key with it is another vendor's, or
  // somebody's who wants to take that vendor's place.
  if (there != keys_.end() && there->key.key != key.key.key)
    return conflict("plugin.key", "there is another key with the id " + key.id() + " already (" +
                                      there->name +
                                      "), and it stays; ask the vendor whose the new one is, and "
                                      "remove the old one first if it is not used any more");
  if (there == keys_.end() && keys_.size() >= kMaxKeys)
    return invalid("plugin.key", "there are " + std::to_string(kMaxKeys) +
                                     " keys already; remove those that are not used any more");
  // An entry that read_keys refuses would close the store.
  for (const std::string* const word : {&key.name, &key.added_at, &key.added_by}) {
    if (word->size() > kMaxWordBytes || !is_utf8(*word))
      return invalid("plugin.key", "the name of a key has at most " +
                                       std::to_string(kMaxWordBytes) + " bytes, in UTF-8");
  }
  Json scopes = Json::array();
  for (const std::string& scope : key.scopes) scopes.push_back(scope);
  const Json json = Json::object({{"format", kFormat},
                                  {"publicKey", minisign::public_key_line(key.key)},
                                  {"name", key.name},
                                  {"scopes", std::move(scopes)},
                                  {"addedAt", key.added_at},
                                  {"addedBy", key.added_by}});
  const std::string text = json.dump_pretty() + "\n";
  if (text.size() > kMaxKeyFileBytes)
    return invalid("plugin.key",
                   "there are more scopes than a key can have (its file would be "
                   "larger than " +
                       std::to_string(kMaxKeyFileBytes) + " bytes); use patterns such as acme-*");
  RABT_TRY(folder, open_folder(root_->get(), std::string(kKeysFolder), true));
  RABT_TRY_STATUS(replace_file(folder.get(), key.id() + std::string(kKeyFileEnd), text));
  RABT_TRY_STATUS(sync_folder(root_->get(), folder_));
  std::erase_if(keys_, [&](const TrustedKey& other) { return other.key.id == key.key.id; });
  keys_.push_back(std::move(key));
  return ok_status();
}

Result<std::vector<LockEntry>> PluginStore::remove_key(std::string_view id) {
  const auto found = std::find_if(keys_.begin(), keys_.end(),
                                  [&](const TrustedKey& key) { return key.id() == id; });
  if (found == keys_.end())
    return not_found("plugin.key", "there is no key " + std::string(id.substr(0, 64)) +
                                       "; `rabt plugin keys list` says which there are");
  RABT_TRY(folder, open_folder(root_->get(), std::string(kKeysFolder), false));
  const std::string name = found->id() + std::string(kKeyFileEnd);
  if (::unlinkat(folder.get(), name.c_str(), 0) != 0) return store_error("remove " + name);
  RABT_TRY_STATUS(sync_folder(folder.get(), std::string(kKeysFolder)));
  keys_.erase(found);
  std::vector<LockEntry> signed_by;
  for (const LockEntry& entry : entries_) {
    if (entry.key_id == id) signed_by.push_back(entry);
  }
  return signed_by;
}

Result<std::string> unsigned_folder(const std::string& plugins, std::string_view id) {
  constexpr std::string_view kEnd = ".rabtplugin";
  const std::string begin = std::string(id) + "-";
  std::vector<std::string> found;
  std::error_code failure;
  for (fs::directory_iterator at(plugins, failure), end; !failure && at != end;
       at.increment(failure)) {
    const std::string name = at->path().filename().string();
    const bool versioned = name.starts_with(begin) && name.ends_with(kEnd) &&
                           name.size() > begin.size() + kEnd.size() &&
                           is_semver(std::string_view(name).substr(
                               begin.size(), name.size() - begin.size() - kEnd.size()));
    std::error_code unread;
    if ((name == id || versioned) && fs::exists(at->path() / kManifestFile, unread))
      found.push_back(at->path().string());
  }
  if (found.empty())
    return not_found("plugin.not_added", "no plugin " + std::string(id) + " was added to " +
                                             plugins + "; add its package with `rabt plugin add`");
  if (found.size() > 1)
    return invalid("plugin.package", "there are several unsigned builds of " + std::string(id) +
                                         " in " + plugins + "; remove all but one");
  return found.front();
}

}  // namespace rabt::plugin
