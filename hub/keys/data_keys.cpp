#include "hub/keys/data_keys.hpp"

#include <algorithm>
#include <list>
#include <map>
#include <unordered_map>

#include "hub/base/clock.hpp"
#include "hub/base/mutex.hpp"
#include "hub/crypto/key_wrap.hpp"
#include "hub/keys/sealing_clock.hpp"
#include "hub/keys/statements.hpp"

namespace rabt::keys {

namespace {

// Buckets are made some months before they are needed, so that a copy of the keyring stays good
// for what is sealed in the months after it was taken.
constexpr int kMonthsAhead = 2;
// Months that are passed over because their buckets were destroyed early. More in a row are no
// accident.
constexpr int kMaxPassedOver = 120;

Error unknown_key() {
  return not_found("keys.unknown", "the database has no data key of this id for this tenant");
}

Error rotated_meanwhile() {
  return unavailable("keys.changed", "the key of a bucket was rotated meanwhile; try again");
}

Status insert_row(store::Transaction& transaction, const NewDataKey& key, std::int64_t shared) {
  RABT_TRY(rows,
           transaction.execute(
               sql::kInsertKey,
               {store::Blob{key.id}, std::string_view(key.tenant), std::string_view(key.bucket),
                static_cast<std::int64_t>(key.version), store::Blob{key.wrapped}, shared}));
  if (rows != 1) return rotated_meanwhile();
  return ok_status();
}

// Stores the shared key of its bucket, unless the bucket has one. Returns the id of the one it has.
Result<std::string> insert_shared(store::Transaction& transaction, const NewDataKey& key) {
  const Status inserted = insert_row(transaction, key, 1);
  if (inserted.ok()) return key.id;
  std::string id;
  RABT_TRY_STATUS(transaction.query(sql::kFindShared,
                                    {std::string_view(key.tenant), std::string_view(key.bucket)},
                                    [&](const store::Row& row) {
                                      id = std::string(row.blob(sql::kFindShared["id"]));
                                      return false;
                                    }));
  if (id.empty()) return inserted.error();
  return id;
}

}  // namespace

struct DataKeys::State {
  State(Parts p, RetentionPolicy retention) : parts(p), policy(std::move(retention)) {}
  Parts parts;
  RetentionPolicy policy;

  struct Cached {
    std::shared_ptr<const crypto::DataKey> key;
    std::string tenant;
    std::int64_t until_ms = 0;
    std::list<std::string>::iterator age;
  };
  // The bucket in which each class is put on one day, for one state of the keyring.
  struct Current {
    std::weak_ptr<const crypto::TenantKeys> keys;
    std::int64_t day = 0;
    // By class.
    std::map<std::string, crypto::BucketVersion, std::less<>> buckets;
  };

  // Held while buckets and shared keys are made: once, not by all at the same time. Taken before
  // `mutex`.
  Mutex making;

  mutable SharedMutex mutex;
  // By id; and the ids, the oldest first.
  std::unordered_map<std::string, Cached> cache RABT_GUARDED_BY(mutex);
  std::list<std::string> ages RABT_GUARDED_BY(mutex);
  // One more with each forget: what an earlier lease opens may belong to a bucket that was
  // destroyed.
  std::uint64_t epoch RABT_GUARDED_BY(mutex) = 0;
  // By tenant.
  std::map<std::string, std::shared_ptr<const Current>, std::less<>> current RABT_GUARDED_BY(mutex);
  // The ids of shared keys, by tenant, a zero byte and the bucket.
  std::map<std::string, std::string, std::less<>> shared RABT_GUARDED_BY(mutex);

  std::uint64_t present_epoch() {
    const ReadLock hold(mutex);
    return epoch;
  }
  void drop(const std::string& id);
  // opened_in: the epoch of the lease that opened the key.
  void put(std::string_view tenant, std::uint64_t opened_in,
           const std::shared_ptr<const crypto::DataKey>& key);
  std::shared_ptr<const crypto::DataKey> look(std::string_view tenant, const std::string& id);
  std::shared_ptr<const Current> known(std::string_view tenant,
                                       const std::shared_ptr<const crypto::TenantKeys>& keys,
                                       std::int64_t day);

  // The name of the bucket that class and expiry lead to: the first month that was not destroyed.
  static Result<std::string> choose(const crypto::TenantKeys& keys, std::string_view class_name,
                                    Timestamp expiry);

  // Makes sure that every class has its bucket, and says which. keys may be replaced by newer ones.
  Result<std::shared_ptr<const Current>> prepare(std::string_view tenant,
                                                 std::shared_ptr<const crypto::TenantKeys>& keys);
  Result<NewDataKey> make(std::string_view tenant, std::uint64_t taken,
                          const crypto::TenantKeys& keys, crypto::BucketVersion bucket);
  Result<std::shared_ptr<const crypto::DataKey>> open(store::Connection& connection,
                                                      std::string_view tenant, std::uint64_t taken,
                                                      const crypto::TenantKeys& keys,
                                                      const std::string& id);

  // The shared key of a bucket: made once, committed before it is used.
  Result<std::shared_ptr<const crypto::DataKey>> shared_key(std::string_view tenant,
                                                            std::uint64_t taken,
                                                            const crypto::TenantKeys& keys,
                                                            const crypto::BucketVersion& bucket);
};

void DataKeys::State::drop(const std::string& id) {
  const WriteLock hold(mutex);
  const auto old = cache.find(id);
  if (old == cache.end()) return;
  ages.erase(old->second.age);
  cache.erase(old);
}

void DataKeys::State::put(std::string_view tenant, std::uint64_t opened_in,
                          const std::shared_ptr<const crypto::DataKey>& key) {
  const WriteLock hold(mutex);
  if (opened_in != epoch) return;
  if (const auto old = cache.find(key->id()); old != cache.end()) {
    ages.erase(old->second.age);
    cache.erase(old);
  }
  while (cache.size() >= kMaxCached) {
    cache.erase(ages.front());
    ages.pop_front();
  }
  ages.push_back(key->id());
  cache.emplace(key->id(), Cached{key, std::string(tenant), parts.clock.monotonic_ms() + kTtlMs,
                                  std::prev(ages.end())});
}

std::shared_ptr<const crypto::DataKey> DataKeys::State::look(std::string_view tenant,
                                                             const std::string& id) {
  const ReadLock hold(mutex);
  const auto found = cache.find(id);
  if (found == cache.end() || found->second.tenant != tenant ||
      parts.clock.monotonic_ms() >= found->second.until_ms) {
    return nullptr;
  }
  return found->second.key;
}

std::shared_ptr<const DataKeys::State::Current> DataKeys::State::known(
    std::string_view tenant, const std::shared_ptr<const crypto::TenantKeys>& keys,
    std::int64_t day) {
  const ReadLock hold(mutex);
  const auto found = current.find(tenant);
  if (found == current.end() || found->second->day != day) return nullptr;
  return found->second->keys.lock() == keys ? found->second : nullptr;
}

Result<std::string> DataKeys::State::choose(const crypto::TenantKeys& keys,
                                            std::string_view class_name, Timestamp expiry) {
  std::string name = bucket_name(class_name, expiry);
  for (int passed = 0; keys.destroyed(name); ++passed) {
    if (passed == kMaxPassedOver)
      return conflict("keys.shredded", "every bucket of the class " + std::string(class_name) +
                                           " for the next ten years was destroyed");
    name = bucket_after(name);
  }
  return name;
}

Result<std::shared_ptr<const DataKeys::State::Current>> DataKeys::State::prepare(
    std::string_view tenant, std::shared_ptr<const crypto::TenantKeys>& keys) {
  const Timestamp now = parts.clock.now();
  const std::int64_t day = now.ms / kDayMs;
  if (auto ready = known(tenant, keys, day)) return ready;
  const Lock one(making);
  if (auto ready = known(tenant, keys, day)) return ready;
  std::vector<std::string> wanted;
  std::map<std::string, std::string, std::less<>> names;
  for (const auto& [class_name, period] : policy.classes) {
    if (now < kEarliest) break;  // what is there can be opened all the same
    RABT_TRY(name, choose(*keys, class_name, after(now, period)));
    names.emplace(class_name, name);
    std::string ahead = name;
    for (int i = 0; i <= kMonthsAhead; ++i) {
      if (!keys->destroyed(ahead)) wanted.push_back(ahead);
      ahead = bucket_after(ahead);
    }
  }
  // Only the present month has to be there; the others are made along with it.
  const bool missing = std::any_of(names.begin(), names.end(), [&](const auto& entry) {
    return !keys->bucket(entry.second).has_value();
  });
  if (missing) {
    RABT_TRY_STATUS(parts.keyring.ensure_buckets(tenant, wanted));
    RABT_TRY(newer, parts.keyring.tenant(tenant));
    keys = std::move(newer);
  }
  auto key_set = std::make_shared<Current>();
  key_set->keys = keys;
  key_set->day = day;
  for (const auto& [class_name, name] : names) {
    const auto version = keys->bucket(name);
    if (!version)
      return unavailable("keys.changed", "the keyring was changed meanwhile; try again");
    key_set->buckets.emplace(class_name, crypto::BucketVersion{name, *version});
  }
  const WriteLock hold(mutex);
  current.insert_or_assign(std::string(tenant), key_set);
  return std::shared_ptr<const Current>(key_set);
}

Result<NewDataKey> DataKeys::State::make(std::string_view tenant, std::uint64_t taken,
                                         const crypto::TenantKeys& keys,
                                         crypto::BucketVersion bucket) {
  const Ulid ulid = parts.ids.next();
  NewDataKey key{.id = std::string(ulid.view()), .tenant = std::string(tenant)};
  SecretBytes material = SecretBytes::of_size(crypto::kWrapKeyBytes);
  parts.random.fill(material.fill());
  RABT_TRY(wrapped, keys.wrap(bucket, key.id, material.expose()));
  key.wrapped = std::move(wrapped);
  key.bucket = std::move(bucket.bucket);
  key.version = bucket.version;
  key.key = std::make_shared<const crypto::DataKey>(key.id, std::move(material));
  put(tenant, taken, key.key);
  return key;
}

Result<std::shared_ptr<const crypto::DataKey>> DataKeys::State::open(store::Connection& connection,
                                                                     std::string_view tenant,
                                                                     std::uint64_t taken,
                                                                     const crypto::TenantKeys& keys,
                                                                     const std::string& id) {
  if (auto key = look(tenant, id)) return key;
  crypto::BucketVersion bucket;
  std::string wrapped;
  RABT_TRY_STATUS(
      connection.query(sql::kFindKey, {store::Blob{id}, tenant}, [&](const store::Row& row) {
        bucket.bucket = std::string(row.text(sql::kFindKey["bucket"]));
        bucket.version = static_cast<std::uint32_t>(row.integer(sql::kFindKey["version"]));
        wrapped = std::string(row.blob(sql::kFindKey["wrapped"]));
        return false;
      }));
  if (bucket.bucket.empty()) return unknown_key();
  RABT_TRY(material, keys.unwrap(bucket, id, wrapped));
  auto key = std::make_shared<const crypto::DataKey>(id, std::move(material));
  put(tenant, taken, key);
  return std::shared_ptr<const crypto::DataKey>(std::move(key));
}

Result<std::shared_ptr<const crypto::DataKey>> DataKeys::State::shared_key(
    std::string_view tenant, std::uint64_t taken, const crypto::TenantKeys& keys,
    const crypto::BucketVersion& bucket) {
  const std::string name = std::string(tenant) + '\0' + bucket.bucket;
  const auto known_id = [&]() -> std::string {
    const ReadLock hold(mutex);
    const auto found = shared.find(name);
    return found == shared.end() ? std::string() : found->second;
  };
  std::string id = known_id();
  if (id.empty()) {
    const Lock one(making);
    id = known_id();
    if (id.empty()) {
      const auto find = [&](store::Connection& connection) {
        return connection.query(sql::kFindShared, {tenant, std::string_view(bucket.bucket)},
                                [&](const store::Row& row) {
                                  id = std::string(row.blob(sql::kFindShared["id"]));
                                  return false;
                                });
      };
      RABT_TRY_STATUS(parts.store.read(find));
      if (id.empty()) {
        RABT_TRY(key, make(tenant, taken, keys, bucket));
        RABT_TRY_STATUS(parts.store.write([&](store::Transaction& transaction) -> Status {
          RABT_TRY(present, insert_shared(transaction, key));
          id = std::move(present);
          return ok_status();
        }));
      }
      const WriteLock hold(mutex);
      shared.insert_or_assign(name, id);
    }
  }
  if (auto key = look(tenant, id)) return key;
  std::optional<Result<std::shared_ptr<const crypto::DataKey>>> opened;
  RABT_TRY_STATUS(parts.store.read([&](store::Connection& connection) {
    opened = open(connection, tenant, taken, keys, id);
    return ok_status();
  }));
  return std::move(*opened);
}

Status insert(store::Transaction& transaction, const NewDataKey& key) {
  return insert_row(transaction, key, 0);
}

// ---- a lease

Result<crypto::BucketVersion> Lease::place(std::string_view class_name) const {
  if (current_->empty()) return wrong_clock();
  const auto found = current_->find(class_name);
  if (found != current_->end()) return found->second;
  return invalid("keys.class", "there is no class `" + std::string(class_name) + "`");
}

Result<std::string> Lease::bucket(std::string_view class_name) const {
  RABT_TRY(found, place(class_name));
  return std::move(found.bucket);
}

Result<NewDataKey> Lease::make(std::string_view class_name) const {
  RABT_TRY(found, place(class_name));
  return all_->state_->make(tenant_, epoch_, *keys_, std::move(found));
}

Result<std::shared_ptr<const crypto::DataKey>> Lease::shared(std::string_view class_name) const {
  RABT_TRY(found, place(class_name));
  return all_->state_->shared_key(tenant_, epoch_, *keys_, found);
}

Result<std::shared_ptr<const crypto::DataKey>> Lease::open(std::string_view id) const {
  DataKeys::State& state = *all_->state_;
  if (auto key = state.look(tenant_, std::string(id))) return key;
  std::optional<Result<std::shared_ptr<const crypto::DataKey>>> opened;
  RABT_TRY_STATUS(state.parts.store.read([&](store::Connection& connection) {
    opened = open(connection, id);
    return ok_status();
  }));
  return std::move(*opened);
}

Result<std::shared_ptr<const crypto::DataKey>> Lease::open(store::Connection& connection,
                                                           std::string_view id) const {
  return all_->state_->open(connection, tenant_, epoch_, *keys_, std::string(id));
}

// ---- DataKeys

DataKeys::DataKeys(Parts parts, RetentionPolicy policy)
    : state_(std::make_unique<State>(parts, std::move(policy))) {}
DataKeys::~DataKeys() = default;

const RetentionPolicy& DataKeys::policy() const {
  return state_->policy;
}

Result<Lease> DataKeys::lease(std::string_view tenant) {
  // Before the keyring is asked: keys of a file that changes meanwhile have the older epoch.
  const std::uint64_t epoch = state_->present_epoch();
  RABT_TRY(keys, state_->parts.keyring.tenant(tenant));
  RABT_TRY(current, state_->prepare(tenant, keys));
  return Lease(*this, std::string(tenant), epoch, std::move(keys),
               std::shared_ptr<const Lease::Buckets>(current, &current->buckets));
}

Result<NewDataKey> DataKeys::make(std::string_view tenant, std::string_view class_name) {
  RABT_TRY(held, lease(tenant));
  return held.make(class_name);
}

Result<std::shared_ptr<const crypto::DataKey>> DataKeys::shared(std::string_view tenant,
                                                                std::string_view class_name) {
  RABT_TRY(held, lease(tenant));
  return held.shared(class_name);
}

Result<std::string> DataKeys::ensure_bucket(std::string_view tenant, std::string_view class_name,
                                            Timestamp expiry) {
  RABT_TRY_STATUS(check_clock(state_->parts.clock));
  RABT_TRY(keys, state_->parts.keyring.tenant(tenant));
  RABT_TRY(name, State::choose(*keys, class_name, expiry));
  if (!keys->bucket(name)) RABT_TRY_STATUS(state_->parts.keyring.ensure_buckets(tenant, {name}));
  return name;
}

Result<NewDataKey> DataKeys::make_until(std::string_view tenant, std::string_view class_name,
                                        Timestamp expiry) {
  const std::uint64_t epoch = state_->present_epoch();
  RABT_TRY(name, ensure_bucket(tenant, class_name, expiry));
  RABT_TRY(keys, state_->parts.keyring.tenant(tenant));
  const auto version = keys->bucket(name);
  if (!version) return unavailable("keys.changed", "the keyring was changed meanwhile; try again");
  return state_->make(tenant, epoch, *keys, {name, *version});
}

Result<std::shared_ptr<const crypto::DataKey>> DataKeys::open(std::string_view tenant,
                                                              std::string_view id) {
  if (auto key = state_->look(tenant, std::string(id))) return key;
  RABT_TRY(held, lease(tenant));
  return held.open(id);
}

Status DataKeys::move(store::Transaction& transaction, const Lease& lease, std::string_view id,
                      std::string_view bucket) {
  const auto version = lease.keys_->bucket(bucket);
  if (!version) {
    return not_found("keys.bucket", "the keyring has no key of the bucket " + std::string(bucket));
  }
  crypto::BucketVersion from;
  std::string wrapped;
  RABT_TRY_STATUS(transaction.query(
      sql::kFindKey, {store::Blob{id}, lease.tenant_}, [&](const store::Row& row) {
        from.bucket = std::string(row.text(sql::kFindKey["bucket"]));
        from.version = static_cast<std::uint32_t>(row.integer(sql::kFindKey["version"]));
        wrapped = std::string(row.blob(sql::kFindKey["wrapped"]));
        return false;
      }));
  if (from.bucket.empty()) return unknown_key();
  const crypto::BucketVersion to{std::string(bucket), *version};
  if (from.bucket == to.bucket && from.version == to.version) return ok_status();
  RABT_TRY(material, lease.keys_->unwrap(from, id, wrapped));
  RABT_TRY(fresh, lease.keys_->wrap(to, id, material.expose()));
  RABT_TRY(rows, transaction.execute(sql::kRewrapKey,
                                     {store::Blob{id}, store::Blob{wrapped}, bucket,
                                      static_cast<std::int64_t>(to.version), store::Blob{fresh}}));
  if (rows != 1) return rotated_meanwhile();
  return ok_status();
}

Status DataKeys::remove(store::Transaction& transaction, std::string_view tenant,
                        std::string_view id) {
  RABT_TRY_STATUS(store::run(transaction, sql::kDeleteKey, {store::Blob{id}, tenant}));
  state_->drop(std::string(id));
  return ok_status();
}

void DataKeys::forget() {
  const WriteLock hold(state_->mutex);
  ++state_->epoch;
  state_->cache.clear();
  state_->ages.clear();
  state_->shared.clear();
  state_->current.clear();
}

void DataKeys::sweep() {
  state_->parts.keyring.sweep();
  const std::int64_t now = state_->parts.clock.monotonic_ms();
  const WriteLock hold(state_->mutex);
  while (!state_->ages.empty()) {
    const auto oldest = state_->cache.find(state_->ages.front());
    if (now < oldest->second.until_ms) break;
    state_->cache.erase(oldest);
    state_->ages.pop_front();
  }
}

std::size_t DataKeys::cached() const {
  const ReadLock hold(state_->mutex);
  return state_->cache.size();
}

}  // namespace rabt::keys
