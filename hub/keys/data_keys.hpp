#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "hub/base/clock.hpp"
#include "hub/base/ids.hpp"
#include "hub/base/random.hpp"
#include "hub/base/result.hpp"
#include "hub/crypto/keyring.hpp"
#include "hub/crypto/seal.hpp"
#include "hub/keys/retention.hpp"
#include "hub/store/store.hpp"

// Data keys: what records are sealed with. Each stands in table data_key, wrapped by the key of a
// retention bucket; rows of records name theirs by id (16 bytes). Destroying a bucket makes all of
// them useless at once, also in older backups of the database.
namespace rabt::keys {

// A data key that was made, and the row to insert in the transaction of what it seals.
struct NewDataKey {
  std::shared_ptr<const crypto::DataKey> key;
  // 16 bytes
  std::string id;
  std::string tenant;
  std::string bucket;
  // The bucket's version.
  std::uint32_t version = 0;
  std::string wrapped;
};
// Inside a job. Until it is committed nothing may be stored that the key has sealed. Error
// unavailable keys.changed: the bucket's key was rotated since, and its older versions are gone;
// make the key anew.
[[nodiscard]] Status insert(store::Transaction& transaction, const NewDataKey& key);

class DataKeys;

// The keys that one act needs, held together: after it was taken, the act cannot fail for want of
// the root. For the length of an act, not longer. Immutable, safe from any thread.
class Lease {
 public:
  [[nodiscard]] std::string blind_index(std::string_view field, std::string_view value) const {
    return keys_->blind_index(field, value);
  }
  [[nodiscard]] const crypto::TenantKeys& keys() const { return *keys_; }
  // The bucket in which the class is put now. Error, here and where a key is made: unavailable
  // keys.clock, when the wall clock stands before 2026 and cannot be right.
  [[nodiscard]] Result<std::string> bucket(std::string_view class_name) const;
  // A fresh key of its own for one record, in the bucket in which class and time of making put it.
  [[nodiscard]] Result<NewDataKey> make(std::string_view class_name) const;
  // The key that many small rows share. Each bucket has one, whose row is committed already.
  [[nodiscard]] Result<std::shared_ptr<const crypto::DataKey>> shared(
      std::string_view class_name) const;
  // Opens the data key like DataKeys::open. `connection` is the transaction inside a job, and the
  // read's connection inside a read.
  [[nodiscard]] Result<std::shared_ptr<const crypto::DataKey>> open(std::string_view id) const;
  [[nodiscard]] Result<std::shared_ptr<const crypto::DataKey>> open(store::Connection& connection,
                                                                    std::string_view id) const;

 private:
  friend class DataKeys;
  [[nodiscard]] Result<crypto::BucketVersion> place(std::string_view class_name) const;
  // By class.
  using Buckets = std::map<std::string, crypto::BucketVersion, std::less<>>;
  Lease(DataKeys& all, std::string tenant, std::uint64_t epoch,
        std::shared_ptr<const crypto::TenantKeys> keys, std::shared_ptr<const Buckets> current)
      : all_(&all),
        tenant_(std::move(tenant)),
        epoch_(epoch),
        keys_(std::move(keys)),
        current_(std::move(current)) {}
  DataKeys* all_;
  std::string tenant_;
  // The cache's epoch when the lease was taken.
  std::uint64_t epoch_;
  std::shared_ptr<const crypto::TenantKeys> keys_;
  std::shared_ptr<const Buckets> current_;
};

// Internally synchronised. Opened keys are cached in locked memory for kTtlMs by the monotonic
// clock, at most kMaxCached of them, and wiped when they leave. Callers do not keep a key longer
// than an act: they ask again, which costs a look-up.
class DataKeys {
 public:
  static constexpr std::int64_t kTtlMs = 5LL * 60 * 1000;
  // 32 bytes each: half a megabyte of locked memory.
  static constexpr std::size_t kMaxCached = 16'384;
  struct Parts {
    crypto::Keyring& keyring;
    store::Store& store;
    const Clock& clock;
    Random& random;
    UlidSource& ids;
  };
  DataKeys(Parts parts, RetentionPolicy policy);
  ~DataKeys();

  // Error unavailable keys.root when the tenant's keys cannot be opened now.
  [[nodiscard]] Result<Lease> lease(std::string_view tenant);
  // lease(tenant)->make.
  [[nodiscard]] Result<NewDataKey> make(std::string_view tenant, std::string_view class_name);
  // A key whose retention ends at `expiry`, whatever the policy says.
  [[nodiscard]] Result<NewDataKey> make_until(std::string_view tenant, std::string_view class_name,
                                              Timestamp expiry);
  // lease(tenant)->shared.
  [[nodiscard]] Result<std::shared_ptr<const crypto::DataKey>> shared(std::string_view tenant,
                                                                      std::string_view class_name);
  // Errors: not_found keys.unknown (no such row in this tenant), not_found keys.shredded (its
  // bucket was destroyed), corrupt crypto.unwrap, unavailable keys.root.
  [[nodiscard]] Result<std::shared_ptr<const crypto::DataKey>> open(std::string_view tenant,
                                                                    std::string_view id);
  // Inside a job: the key is wrapped by another bucket's key from now on. The bucket must be there
  // (ensure_bucket). Older backups of the database still have it under the bucket before.
  [[nodiscard]] Status move(store::Transaction& transaction, const Lease& lease,
                            std::string_view id, std::string_view bucket);
  // Makes the bucket for this class and end of retention, and gives its name. Not inside a job.
  [[nodiscard]] Result<std::string> ensure_bucket(std::string_view tenant,
                                                  std::string_view class_name, Timestamp expiry);

  [[nodiscard]] const RetentionPolicy& policy() const;
  // Inside a job: the row of a key whose record goes. Backups of the database have it until its
  // bucket is destroyed. A shared key, and one that a legal hold keeps, stay.
  [[nodiscard]] Status remove(store::Transaction& transaction, std::string_view tenant,
                              std::string_view id);
  // Forgets all opened keys; what leases of before still open is not cached any more. After a
  // bucket was destroyed.
  void forget();
  // Wipes what has expired, here and in the keyring. The hub calls it every few seconds.
  void sweep();
  // Opened keys in the cache now.
  [[nodiscard]] std::size_t cached() const;

 private:
  friend class Lease;
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace rabt::keys
