#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "hub/base/bytes.hpp"
#include "hub/base/clock.hpp"
#include "hub/base/random.hpp"
#include "hub/base/result.hpp"
#include "hub/crypto/root.hpp"
#include "hub/crypto/seal.hpp"

// The keyring file: tenants' keys and the keys of retention buckets. It lies outside the database
// and its backups. Format: docs/formats/keyring.md.
namespace rabt::crypto {

// "consultation/2036-11": what was sealed under it may be destroyed when November 2036 is over.
// "hold/<case>": what a legal hold keeps.
struct BucketVersion {
  std::string bucket;
  std::uint32_t version = 0;
};

// The opened keys of one tenant, as the keyring file was at one moment. Whoever holds it needs no
// root and no disk: take it once for an act, let it go at the end of the act. Immutable, safe from
// any thread; wiped when the last holder lets go.
class TenantKeys {
 public:
  ~TenantKeys();
  // 16 bytes of HMAC-SHA-256 under the tenant's index key for this field. No rotation changes it.
  [[nodiscard]] std::string blind_index(std::string_view field, std::string_view value) const;
  // The key of a named purpose, 32 bytes, derived, never stored: "audit-signing/1", ... No rotation
  // changes it.
  [[nodiscard]] SecretBytes purpose_key(std::string_view purpose) const;

  // The newest version of a bucket's key. Nothing when there is no such bucket or it was destroyed.
  [[nodiscard]] std::optional<std::uint32_t> bucket(std::string_view name) const;
  [[nodiscard]] bool destroyed(std::string_view name) const;
  // A data key of 32 bytes, bound to tenant, bucket, version and id. The bucket's key is opened for
  // the call only. Errors: not_found keys.shredded (says when it was destroyed), corrupt
  // crypto.unwrap.
  [[nodiscard]] Result<std::string> wrap(const BucketVersion& bucket, std::string_view id,
                                         ByteView key) const;
  [[nodiscard]] Result<SecretBytes> unwrap(const BucketVersion& bucket, std::string_view id,
                                           std::string_view wrapped) const;

 private:
  friend class Keyring;
  struct State;
  explicit TenantKeys(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

// Content of the file, without any key.
struct BucketInfo {
  std::string name;
  // The newest version, and the oldest that still opens.
  std::uint32_t version = 0;
  std::uint32_t oldest_version = 0;
  Timestamp created;
  // The case of a legal hold on the whole bucket, or an empty text.
  std::string hold;
  bool destroyed = false;
  Timestamp destroyed_at;
  // Reason for its destruction.
  std::string reason;
};
struct TenantInfo {
  std::string name;
  std::uint32_t key_version = 0;
  // The root's version that wraps the tenant's key.
  std::uint32_t root_version = 0;
  // Sorted by name.
  std::vector<BucketInfo> buckets;
};
struct KeyringInfo {
  std::uint64_t generation = 0;  // rises by one with each change of the file
  std::string root_kind;
  std::string root_id;
  bool development = false;
  std::vector<TenantInfo> tenants;
};

// Internally synchronised; several processes may use one file: each change is made under a lock, on
// the file as it then is. Every function that changes it is durable when ok and has changed nothing
// when not; only after crypto.keyring_io the file may be the new one, and not be durable (info()
// tells).
class Keyring {
 public:
  struct Options {
    std::string path;
    std::unique_ptr<RootProvider> root;
    // Opened keys are forgotten after this time, by the monotonic clock, and the root is asked for
    // them again: a root that was taken away ends the work within this time.
    std::int64_t ttl_ms = 5LL * 60 * 1000;
  };
  // Opens the file or makes it (temporary file, fsync, rename, fsync of the folder). Errors:
  // crypto.keyring_mode (readable by others: says the chmod command), crypto.keyring_corrupt,
  // crypto.keyring_newer, crypto.keyring_root (another root has wrapped it), crypto.keyring_io.
  // clock and random outlive the keyring.
  [[nodiscard]] static Result<std::unique_ptr<Keyring>> open_or_create(Options options,
                                                                       const Clock& clock,
                                                                       Random& random);
  ~Keyring();

  // Makes the tenant's keys if it has none yet. For every configured tenant on start.
  [[nodiscard]] Status ensure_tenant(std::string_view tenant) const;

  // Errors: unavailable keys.root (the root does not answer), not_found crypto.tenant, corrupt
  // crypto.unwrap, and those of the file. Asks the root at most once in ttl_ms; after an error for
  // kRetryMs the same error comes at once.
  [[nodiscard]] Result<std::shared_ptr<const TenantKeys>> tenant(std::string_view name) const;
  static constexpr std::int64_t kRetryMs = 1000;
  // Code of the error with which the file was last changed; "" when it could be.
  [[nodiscard]] std::string trouble() const;

  // tenant(...)->purpose_key and ->blind_index, for single uses.
  [[nodiscard]] Result<SecretBytes> purpose_key(std::string_view tenant,
                                                std::string_view purpose) const;
  [[nodiscard]] Result<std::string> blind_index(std::string_view tenant, std::string_view field,
                                                std::string_view value) const;

  // Makes the keys of buckets that are missing. Error conflict keys.shredded: one was destroyed;
  // its name is never used again.
  [[nodiscard]] Status ensure_buckets(std::string_view tenant,
                                      const std::vector<std::string>& names) const;

  // ---- administration (hub/keys/admin.hpp audits it)
  // A new version of the root wraps every tenant's keys.
  [[nodiscard]] Result<std::uint32_t> rotate_root();
  // Destroys all versions of the root but the one that wraps the file: older copies of the file
  // open nothing any more.
  [[nodiscard]] Result<std::uint32_t> destroy_old_roots();
  // A new key of the tenant wraps its buckets' keys; the old one is gone.
  [[nodiscard]] Result<std::uint32_t> rotate_tenant(std::string_view tenant);
  // A new version of the bucket's key for what is wrapped from now on; the old ones still open.
  [[nodiscard]] Result<std::uint32_t> rotate_bucket(std::string_view tenant,
                                                    std::string_view bucket);
  // All but the newest version go.
  [[nodiscard]] Status forget_old_versions(std::string_view tenant, std::string_view bucket);
  // The bucket's key goes, a tombstone stays; the tenant's key is rotated and what the file was
  // before is overwritten on the disk as far as the file system lets it. Error conflict keys.held.
  [[nodiscard]] Status destroy_bucket(std::string_view tenant, std::string_view bucket,
                                      std::string_view reason);
  // A legal hold on a whole bucket. An empty case ends it.
  [[nodiscard]] Status hold_bucket(std::string_view tenant, std::string_view bucket,
                                   std::string_view hold_case);
  // From the file, without the root.
  [[nodiscard]] Result<KeyringInfo> info() const;
  // Versions of the root that still open older copies of the file.
  struct RootVersions {
    std::uint32_t oldest = 0;
    std::uint32_t newest = 0;
  };
  [[nodiscard]] Result<RootVersions> root_versions() const;

  [[nodiscard]] const RootProvider& root() const;

  // Forgets keys whose time has passed. Call it every few seconds: nothing else wipes the keys of a
  // hub that does nothing.
  void sweep() const;
  // Forgets all opened keys at once.
  void forget() const;

 private:
  struct State;
  explicit Keyring(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace rabt::crypto
