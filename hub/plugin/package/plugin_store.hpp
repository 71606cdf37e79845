#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "hub/base/json.hpp"
#include "hub/base/result.hpp"
#include "hub/plugin/package/package_trust.hpp"

// The hub's folder of plugins:
//   plugins.lock               what may be loaded; replaced whole
//   <id>/<version>/            the files of a package, as they were signed
//   keys/<KEY ID>.json         a trusted key with its scopes
// A name that begins with a dot is work that was not finished, and is removed by the next change.
namespace rabt::plugin {

inline constexpr std::string_view kLockFile = "plugins.lock";
inline constexpr std::size_t kMaxLockBytes = 4U << 20U;  // of thousands of entries
inline constexpr std::size_t kMaxKeyFileBytes = 64U << 10U;
inline constexpr std::size_t kMaxKeys = 1000;

struct LockEntry {
  std::string id;
  std::string version;
  std::string sums_sha256;  // hex, of SHA256SUMS
  std::string key_id;
  std::string added_at;  // RFC 3339
  std::string added_by;
  friend bool operator==(const LockEntry&, const LockEntry&) = default;
};

// As it stands in the lock file and in what `rabt plugin list --json` prints.
[[nodiscard]] Json to_json(const LockEntry& entry);

// While it lives, no other process changes the store (or, opened for changes, reads it): flock(2)
// on the folder. Not thread-safe.
class PluginStore {
 public:
  enum class Use { read, change };
  // An absent folder is an empty store; for changes it is made. Errors: plugin.store_io,
  // plugin.lock (not readable, not of this format), plugin.key (a key file that is not),
  // plugin.store_mode (others may write to lock or keys).
  [[nodiscard]] static Result<PluginStore> open(const std::string& folder, Use use);

  [[nodiscard]] const std::string& folder() const { return folder_; }
  // By id, then version, oldest first.
  [[nodiscard]] const std::vector<LockEntry>& entries() const { return entries_; }
  [[nodiscard]] std::vector<LockEntry> versions(std::string_view id) const;
  [[nodiscard]] const std::vector<TrustedKey>& keys() const { return keys_; }

  // Reads and verifies the files that the lock names. Error codes: those of verify_package and
  // PackageFiles::read; plugin.lock (the folder is gone, or sums or key are not those that were
  // added); plugin.id_mismatch (the manifest names another id or version).
  [[nodiscard]] Result<TrustedPackage> load(const LockEntry& entry) const;

  // The changes. Durable when ok; before that, and after a crash at any point, the lock is the old
  // one or the new one, and all files that it names are whole.

  struct Add {
    bool allow_downgrade = false;
    bool allow_other_key = false;
    std::string at;
    std::string by;
  };
  // Returns whether the package was added: false if this very package was there already. Errors:
  // plugin.exists (the version is there with other content: a version is released once),
  // plugin.downgrade (older than the newest one), plugin.other_key (the newest one was signed by
  // another key, which may be somebody who takes the plugin over), plugin.untrusted_key (removed
  // meanwhile), plugin.package (an id that the store keeps for itself), plugin.store_io.
  [[nodiscard]] Result<bool> add(const TrustedPackage& package, const Add& how);
  // An empty version: the only one there is. Gives what was removed. Errors: plugin.unknown,
  // plugin.version (several: name one), plugin.store_io.
  [[nodiscard]] Result<LockEntry> remove(std::string_view id, std::string_view version);
  // A key that is there gets the new name and scopes. Error: plugin.key (a scope that is none;
  // another public key with its id, which stays as it is; what open() would not read again: a name
  // of more than 256 bytes, more scopes or keys than fit).
  [[nodiscard]] Status add_key(TrustedKey key);
  // Gives what it signed, which will not load any more. Error: plugin.key (unknown).
  [[nodiscard]] Result<std::vector<LockEntry>> remove_key(std::string_view id);

 private:
  PluginStore() = default;
  [[nodiscard]] Status read_lock();
  [[nodiscard]] Status read_keys();
  [[nodiscard]] Status write_lock(std::vector<LockEntry> entries);
  [[nodiscard]] Status sweep() const;

  std::string folder_;
  std::shared_ptr<const Descriptor> root_;  // null if there is no folder
  std::vector<LockEntry> entries_;
  std::vector<TrustedKey> keys_;
};

// A folder that was built and never signed, for --dev: <plugins>/<id>, or the one
// <plugins>/<id>-*.rabtplugin. Errors: plugin.not_added (there is none; the message says how to add
// one), plugin.package (there are several).
[[nodiscard]] Result<std::string> unsigned_folder(const std::string& plugins, std::string_view id);

}  // namespace rabt::plugin
