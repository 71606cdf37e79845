#include "hub/crypto/keyring.hpp"

#include <algorithm>
#include <map>

#include "hub/base/check.hpp"
#include "hub/base/mutex.hpp"
#include "hub/crypto/crypto.hpp"
#include "hub/crypto/key_wrap.hpp"
#include "hub/crypto/keyring_file.hpp"
#include "hub/crypto/primitives.hpp"
#include "hub/crypto/private_file.hpp"

namespace rabt::crypto {

namespace {

SecretBytes derive(ByteView key, std::initializer_list<std::string_view> info) {
  return hkdf_sha256(key, {}, primitives::tuple(info), primitives::kKeyBytes);
}

// Contexts that the wrapped keys are bound to.
std::string key_context(std::string_view tenant, std::uint32_t version) {
  return wrap_context({"rabt/v1/tenant-key", tenant, std::to_string(version)});
}
std::string derivation_context(std::string_view tenant) {
  return wrap_context({"rabt/v1/derivation-key", tenant});
}
std::string bucket_context(std::string_view tenant, std::string_view bucket,
                           std::uint32_t version) {
  return wrap_context({"rabt/v1/bucket-key", tenant, bucket, std::to_string(version)});
}
std::string data_context(std::string_view tenant, const BucketVersion& bucket,
                         std::string_view id) {
  return wrap_context(
      {"rabt/v1/data-key", tenant, bucket.bucket, std::to_string(bucket.version), id});
}

// A tenant's two keys, opened.
struct Opened {
  SecretBytes key;
  SecretBytes derivation;
};

std::string mac_of(std::string_view name, const FileTenant& tenant, const SecretBytes& derivation) {
  const SecretBytes key = derive(derivation.expose(), {"rabt/v1/keyring-mac"});
  return std::string(as_text(hmac_sha256(key.expose(), mac_input(name, tenant))));
}

Error shredded(std::string_view bucket, const FileBucket& entry) {
  return not_found("keys.shredded", "the key of " + std::string(bucket) + " was destroyed at " +
                                        to_iso8601(Timestamp{entry.destroyed_ms}) +
                                        "; what was sealed under it cannot be opened again");
}

Error no_bucket(std::string_view bucket) {
  return corrupt("crypto.unwrap",
                 "the keyring has no bucket " + std::string(bucket) +
                     ": it is older than the database; restore the newest copy of the keyring");
}

Error changed_tenant(const std::string& path, std::string_view tenant) {
  return corrupt("crypto.keyring_corrupt",
                 "the keyring " + path + " was changed by something else than a hub (tenant " +
                     std::string(tenant) + "); restore it from its backup");
}

}  // namespace

// ---- the opened keys of a tenant

struct TenantKeys::State {
  std::string name;
  SecretBytes key;
  SecretBytes derivation;
  SecretBytes index;
  FileTenant file;

  // Bucket and the key of its version, opened for one use.
  [[nodiscard]] Result<SecretBytes> open_bucket(const BucketVersion& wanted) const;
};

Result<SecretBytes> TenantKeys::State::open_bucket(const BucketVersion& wanted) const {
  const auto found = file.buckets.find(wanted.bucket);
  if (found == file.buckets.end()) return no_bucket(wanted.bucket);
  if (found->second.destroyed()) return shredded(wanted.bucket, found->second);
  for (const auto& version : found->second.versions) {
    if (version.number != wanted.version) continue;
    auto opened = unwrap_key(key.expose(), version.wrapped,
                             bucket_context(name, wanted.bucket, version.number));
    if (opened) return std::move(*opened);
    return corrupt("crypto.unwrap", "the key of bucket " + wanted.bucket +
                                        " does not unwrap; restore the keyring from its backup");
  }
  return not_found("keys.shredded", "version " + std::to_string(wanted.version) +
                                        " of the key of " + wanted.bucket +
                                        " was destroyed after its data keys were rewrapped");
}

TenantKeys::TenantKeys(std::unique_ptr<State> state) : state_(std::move(state)) {}
TenantKeys::~TenantKeys() = default;

std::string TenantKeys::blind_index(std::string_view field, std::string_view value) const {
  constexpr std::size_t kIndexBytes = 16;
  // One key for each field: equal values in two fields must not show.
  const SecretBytes key(
      hmac_sha256(state_->index.expose(), primitives::tuple({"rabt/v1/field", field})));
  const Bytes mac = hmac_sha256(key.expose(), value);
  return std::string(as_text(ByteView(mac).first(kIndexBytes)));
}

SecretBytes TenantKeys::purpose_key(std::string_view purpose) const {
  return derive(state_->derivation.expose(), {"rabt/v1/purpose", purpose});
}

std::optional<std::uint32_t> TenantKeys::bucket(std::string_view name) const {
  const auto found = state_->file.buckets.find(name);
  if (found == state_->file.buckets.end() || found->second.destroyed()) return std::nullopt;
  return found->second.versions.back().number;
}

bool TenantKeys::destroyed(std::string_view name) const {
  const auto found = state_->file.buckets.find(name);
  return found != state_->file.buckets.end() && found->second.destroyed();
}

Result<std::string> TenantKeys::wrap(const BucketVersion& bucket, std::string_view id,
                                     ByteView key) const {
  RABT_TRY(wrapping, state_->open_bucket(bucket));
  return wrap_key(wrapping.expose(), key, data_context(state_->name, bucket, id));
}

Result<SecretBytes> TenantKeys::unwrap(const BucketVersion& bucket, std::string_view id,
                                       std::string_view wrapped) const {
  RABT_TRY(wrapping, state_->open_bucket(bucket));
  auto key = unwrap_key(wrapping.expose(), wrapped, data_context(state_->name, bucket, id));
  if (key) return std::move(*key);
  return corrupt("crypto.unwrap",
                 "a data key does not unwrap: changed bytes, or moved from another row");
}

// ---- the file

struct Keyring::State {
  State(Options given, const Clock& time, Random& source)
      : file{given.path, "crypto.keyring", "the keyring", kMaxKeyringFile},
        root(std::move(given.root)),
        ttl_ms(given.ttl_ms),
        clock(time),
        random(source) {}

  const PrivateFile file;
  const std::unique_ptr<RootProvider> root;
  const std::int64_t ttl_ms;
  const Clock& clock;
  Random& random;

  struct Cached {
    // Null after a try that failed.
    std::shared_ptr<const TenantKeys> keys;
    std::optional<Error> error;
    std::int64_t until_ms = 0;
  };
  // Held by the one who asks the root or changes the file. Taken before `mutex`.
  Mutex asking;

  SharedMutex mutex;
  std::map<std::string, Cached, std::less<>> cached RABT_GUARDED_BY(mutex);
  // Why the file could not be written the last time.
  std::string trouble RABT_GUARDED_BY(mutex);
  [[nodiscard]] Result<KeyringFile> load_locked() const;
  [[nodiscard]] Result<KeyringFile> load() const {
    RABT_TRY(lock, file.lock(PrivateFile::Use::shared));
    return load_locked();
  }
  [[nodiscard]] Status store(const KeyringFile& content, bool wipe_old) const {
    return file.replace(as_bytes(to_bytes(content)), 0600, wipe_old);
  }

  [[nodiscard]] Result<Opened> open(std::string_view name, const FileTenant& tenant) const;

  [[nodiscard]] static FileTenant* find(KeyringFile& content, std::string_view name) {
    const auto found = content.tenants.find(name);
    return found == content.tenants.end() ? nullptr : &found->second;
  }
  [[nodiscard]] static Error no_tenant(std::string_view name) {
    return not_found("crypto.tenant",
                     "the keyring has no keys of a tenant `" + std::string(name) + "`");
  }

  // Changes the file as it now is. Durable when ok.
  [[nodiscard]] Status change(bool wipe_old, const std::function<Status(KeyringFile&)>& edit);

  // The same for one tenant, whose keys are opened; its MAC is made again.
  [[nodiscard]] Status change_tenant(std::string_view name, bool wipe_old,
                                     const std::function<Status(FileTenant&, Opened&)>& edit);
  [[nodiscard]] Status make_tenant(KeyringFile& content, std::string_view name) const;

  // A new key of the tenant; every bucket's key is wrapped by it.
  [[nodiscard]] Status rotate_key(std::string_view name, FileTenant& tenant, Opened& opened) const;

  // Everything that the root wraps, wrapped by its newest version.
  [[nodiscard]] Status rewrap_roots(KeyringFile& content) const;
  [[nodiscard]] static Result<FileBucket*> live_bucket(FileTenant& tenant, std::string_view bucket);

  void forget() {
    const WriteLock hold(mutex);
    cached.clear();
  }
};

Result<KeyringFile> Keyring::State::load_locked() const {
  RABT_TRY(content, file.read());
  if (!content) return file.damaged("it was removed while the hub runs");
  RABT_TRY(parsed, parse_keyring(file, content->expose()));
  if (parsed.root_kind != root->kind() || parsed.root_id != root->id()) {
    return invalid("crypto.keyring_root",
                   "the keyring " + file.path + " is wrapped by the root " + parsed.root_kind +
                       " " + parsed.root_id + ", but the configuration names " + root->kind() +
                       " " + root->id() + "; set keys.root to the one that wrapped it");
  }
  return parsed;
}

Result<Opened> Keyring::State::open(std::string_view name, const FileTenant& tenant) const {
  RABT_TRY(derivation, root->unwrap(tenant.derivation, derivation_context(name)));
  RABT_TRY(key, root->unwrap(tenant.key, key_context(name, tenant.key_version)));
  if (!constant_time_equal(as_bytes(mac_of(name, tenant, derivation)), as_bytes(tenant.mac)))
    return changed_tenant(file.path, name);
  return Opened{std::move(key), std::move(derivation)};
}

Status Keyring::State::change(bool wipe_old, const std::function<Status(KeyringFile&)>& edit) {
  const Lock one(asking);
  const Status changed = [&]() -> Status {
    RABT_TRY(lock, file.lock(PrivateFile::Use::alone));
    RABT_TRY(content, load_locked());
    RABT_TRY_STATUS(edit(content));
    ++content.generation;
    Status stored = store(content, wipe_old);
    forget();  // also after an error: the new file may stand in its place all the same
    return stored;
  }();
  const WriteLock hold(mutex);
  if (changed.ok()) {
    trouble.clear();
  } else if (changed.error().code.starts_with(file.code + "_")) {
    trouble = changed.error().code;
  }
  return changed;
}

Status Keyring::State::change_tenant(std::string_view name, bool wipe_old,
                                     const std::function<Status(FileTenant&, Opened&)>& edit) {
  return change(wipe_old, [&](KeyringFile& content) -> Status {
    FileTenant* const tenant = find(content, name);
    if (tenant == nullptr) return no_tenant(name);
    RABT_TRY(opened, open(name, *tenant));
    RABT_TRY_STATUS(edit(*tenant, opened));
    tenant->mac = mac_of(name, *tenant, opened.derivation);
    return ok_status();
  });
}

Status Keyring::State::make_tenant(KeyringFile& content, std::string_view name) const {
  if (name.empty() || name.size() > kMaxTenantName)
    return invalid("crypto.tenant_name", "a tenant's name has 1 to 256 bytes");
  if (content.tenants.size() >= kMaxTenants)
    return invalid("crypto.tenant_limit", "the keyring holds 10000 tenants, its limit");
  const SecretBytes key = random_key(random);
  const SecretBytes derivation = random_key(random);
  FileTenant tenant;
  tenant.key_version = 1;
  RABT_TRY(wrapped_key, root->wrap(key.expose(), key_context(name, 1)));
  RABT_TRY(wrapped_derivation, root->wrap(derivation.expose(), derivation_context(name)));
  tenant.key = std::move(wrapped_key);
  tenant.derivation = std::move(wrapped_derivation);
  tenant.mac = mac_of(name, tenant, derivation);
  content.tenants.emplace(std::string(name), std::move(tenant));
  return ok_status();
}

Status Keyring::State::rotate_key(std::string_view name, FileTenant& tenant, Opened& opened) const {
  SecretBytes fresh = random_key(random);
  for (auto& [bucket_name, bucket] : tenant.buckets) {
    for (auto& version : bucket.versions) {
      const std::string context = bucket_context(name, bucket_name, version.number);
      const auto key = unwrap_key(opened.key.expose(), version.wrapped, context);
      if (!key) return changed_tenant(file.path, name);
      version.wrapped = wrap_key(fresh.expose(), key->expose(), context);
    }
  }
  ++tenant.key_version;
  RABT_TRY(wrapped, root->wrap(fresh.expose(), key_context(name, tenant.key_version)));
  tenant.key = std::move(wrapped);
  opened.key = std::move(fresh);
  return ok_status();
}

Status Keyring::State::rewrap_roots(KeyringFile& content) const {
  for (auto& [name, tenant] : content.tenants) {
    RABT_TRY(opened, open(name, tenant));
    RABT_TRY(key, root->wrap(opened.key.expose(), key_context(name, tenant.key_version)));
    RABT_TRY(derivation, root->wrap(opened.derivation.expose(), derivation_context(name)));
    tenant.key = std::move(key);
    tenant.derivation = std::move(derivation);
    tenant.mac = mac_of(name, tenant, opened.derivation);
  }
  return ok_status();
}

Result<FileBucket*> Keyring::State::live_bucket(FileTenant& tenant, std::string_view bucket) {
  const auto found = tenant.buckets.find(bucket);
  if (found == tenant.buckets.end())
    return not_found("keys.bucket", "the keyring has no bucket `" + std::string(bucket) + "`");
  if (found->second.destroyed()) return shredded(bucket, found->second);
  return &found->second;
}

Keyring::Keyring(std::unique_ptr<State> state) : state_(std::move(state)) {}
Keyring::~Keyring() = default;

Result<std::unique_ptr<Keyring>> Keyring::open_or_create(Options options, const Clock& clock,
                                                         Random& random) {
  RABT_CHECK(options.root != nullptr);
  auto state = std::make_unique<State>(std::move(options), clock, random);
  {
    RABT_TRY(lock, state->file.lock(PrivateFile::Use::alone));
    RABT_TRY(content, state->file.read());
    if (!content) {
      RABT_TRY_STATUS(state->store(
          {.generation = 1, .root_kind = state->root->kind(), .root_id = state->root->id()},
          false));
    }
    RABT_TRY(loaded, state->load_locked());
    (void)loaded;
  }
  return std::unique_ptr<Keyring>(new Keyring(std::move(state)));
}

Status Keyring::ensure_tenant(std::string_view name) const {
  RABT_TRY(content, state_->load());
  if (State::find(content, name) != nullptr) return ok_status();
  return state_->change(false, [&](KeyringFile& now) -> Status {
    if (State::find(now, name) != nullptr) return ok_status();
    return state_->make_tenant(now, name);
  });
}

Result<std::shared_ptr<const TenantKeys>> Keyring::tenant(std::string_view name) const {
  State& state = *state_;
  const auto look = [&]() -> std::optional<Result<std::shared_ptr<const TenantKeys>>> {
    const ReadLock hold(state.mutex);
    const auto found = state.cached.find(name);
    if (found == state.cached.end() || state.clock.monotonic_ms() >= found->second.until_ms)
      return std::nullopt;
    if (found->second.error) return *found->second.error;
    return found->second.keys;
  };
  if (auto known = look()) return std::move(*known);
  const Lock one(state.asking);
  if (auto known = look()) return std::move(*known);

  const auto ask = [&]() -> Result<std::shared_ptr<const TenantKeys>> {
    RABT_TRY(content, state.load());
    FileTenant* const tenant = State::find(content, name);
    if (tenant == nullptr) return State::no_tenant(name);
    RABT_TRY(opened, state.open(name, *tenant));
    auto keys = std::make_unique<TenantKeys::State>();
    keys->name = name;
    keys->index = derive(opened.derivation.expose(), {"rabt/v1/blind-index"});
    keys->key = std::move(opened.key);
    keys->derivation = std::move(opened.derivation);
    keys->file = std::move(*tenant);
    return std::shared_ptr<const TenantKeys>(new TenantKeys(std::move(keys)));
  };
  auto answer = ask();
  State::Cached entry;
  entry.until_ms = state.clock.monotonic_ms() + (answer.ok() ? state.ttl_ms : kRetryMs);
  if (answer.ok()) {
    entry.keys = *answer;
  } else {
    entry.error = answer.error();
  }
  const WriteLock hold(state.mutex);
  state.cached.insert_or_assign(std::string(name), std::move(entry));
  return answer;
}

std::string Keyring::trouble() const {
  const ReadLock hold(state_->mutex);
  return state_->trouble;
}

Result<SecretBytes> Keyring::purpose_key(std::string_view name, std::string_view purpose) const {
  RABT_TRY(keys, tenant(name));
  return keys->purpose_key(purpose);
}

Result<std::string> Keyring::blind_index(std::string_view name, std::string_view field,
                                         std::string_view value) const {
  RABT_TRY(keys, tenant(name));
  return keys->blind_index(field, value);
}

Status Keyring::ensure_buckets(std::string_view name, const std::vector<std::string>& names) const {
  RABT_TRY(keys, tenant(name));
  bool missing = false;
  for (const std::string& bucket : names) missing = missing || !keys->bucket(bucket);
  if (!missing) return ok_status();
  return state_->change_tenant(name, false, [&](FileTenant& tenant, Opened& opened) -> Status {
    for (const std::string& bucket : names) {
      if (!valid_bucket_name(bucket))
        return invalid("keys.bucket", "`" + bucket + "` is no name of a bucket");
      const auto found = tenant.buckets.find(bucket);
      if (found != tenant.buckets.end()) {
        if (!found->second.destroyed()) continue;
        Error error = shredded(bucket, found->second);
        error.kind = ErrorKind::conflict;
        return error;
      }
      if (tenant.buckets.size() >= kMaxBuckets)
        return invalid("keys.bucket_limit", "a tenant has at most 8192 buckets");
      const SecretBytes key = random_key(state_->random);
      FileBucket entry;
      entry.created_ms = state_->clock.now().ms;
      entry.versions.push_back(
          {1, wrap_key(opened.key.expose(), key.expose(), bucket_context(name, bucket, 1))});
      tenant.buckets.emplace(bucket, std::move(entry));
    }
    return ok_status();
  });
}

// ---- administration

Result<std::uint32_t> Keyring::rotate_root() {
  std::uint32_t version = 0;
  RABT_TRY_STATUS(state_->change(true, [&](KeyringFile& content) -> Status {
    RABT_TRY(made, state_->root->rotate());
    version = made;
    return state_->rewrap_roots(content);
  }));
  return version;
}

Result<std::uint32_t> Keyring::destroy_old_roots() {
  std::uint32_t version = 0;
  // First the file is wrapped by the newest version only, and durable; then the others go. Both
  // under the lock: nobody writes a file in between.
  const Lock one(state_->asking);
  RABT_TRY(lock, state_->file.lock(PrivateFile::Use::alone));
  RABT_TRY(content, state_->load_locked());
  RABT_TRY(newest, state_->root->version());
  version = newest;
  bool older = false;
  for (const auto& [name, tenant] : content.tenants) {
    older = older || tenant.key.version != version || tenant.derivation.version != version;
  }
  if (older) {
    RABT_TRY_STATUS(state_->rewrap_roots(content));
    ++content.generation;
    const Status stored = state_->store(content, true);
    state_->forget();
    RABT_TRY_STATUS(stored);
  }
  RABT_TRY_STATUS(state_->root->destroy_below(version));
  return version;
}

Result<std::uint32_t> Keyring::rotate_tenant(std::string_view name) {
  std::uint32_t version = 0;
  RABT_TRY_STATUS(
      state_->change_tenant(name, true, [&](FileTenant& tenant, Opened& opened) -> Status {
        RABT_TRY_STATUS(state_->rotate_key(name, tenant, opened));
        version = tenant.key_version;
        return ok_status();
      }));
  return version;
}

Result<std::uint32_t> Keyring::rotate_bucket(std::string_view name, std::string_view bucket) {
  std::uint32_t version = 0;
  RABT_TRY_STATUS(
      state_->change_tenant(name, false, [&](FileTenant& tenant, Opened& opened) -> Status {
        RABT_TRY(entry, State::live_bucket(tenant, bucket));
        if (entry->versions.size() >= kMaxBucketVersions)
          return conflict(
              "keys.bucket_limit",
              "the bucket has 1000 versions, its limit; rewrap and forget the old ones");
        version = entry->versions.back().number + 1;
        const SecretBytes key = random_key(state_->random);
        entry->versions.push_back({version, wrap_key(opened.key.expose(), key.expose(),
                                                     bucket_context(name, bucket, version))});
        return ok_status();
      }));
  return version;
}

Status Keyring::forget_old_versions(std::string_view name, std::string_view bucket) {
  return state_->change_tenant(name, true, [&](FileTenant& tenant, Opened& opened) -> Status {
    RABT_TRY(entry, State::live_bucket(tenant, bucket));
    entry->versions.erase(entry->versions.begin(), entry->versions.end() - 1);
    return state_->rotate_key(name, tenant, opened);
  });
}

Status Keyring::destroy_bucket(std::string_view name, std::string_view bucket,
                               std::string_view reason) {
  if (reason.size() > kMaxReason)
    return invalid("api.invalid", "reason: must have at most 1024 bytes");
  return state_->change_tenant(name, true, [&](FileTenant& tenant, Opened& opened) -> Status {
    RABT_TRY(entry, State::live_bucket(tenant, bucket));
    if (!entry->hold.empty()) {
      return conflict("keys.held", "the bucket " + std::string(bucket) +
                                       " is under the legal hold " + entry->hold +
                                       "; release it first");
    }
    entry->versions.clear();
    entry->destroyed_ms = state_->clock.now().ms;
    entry->reason = reason;
    return state_->rotate_key(name, tenant, opened);
  });
}

Status Keyring::hold_bucket(std::string_view name, std::string_view bucket,
                            std::string_view hold_case) {
  if (hold_case.size() > kMaxBucketName)
    return invalid("api.invalid", "case: must have at most 100 bytes");
  return state_->change_tenant(name, false, [&](FileTenant& tenant, Opened&) -> Status {
    RABT_TRY(entry, State::live_bucket(tenant, bucket));
    if (!hold_case.empty() && !entry->hold.empty() && entry->hold != hold_case)
      return conflict("keys.held",
                      "the bucket is under the legal hold " + entry->hold + " already");
    entry->hold = hold_case;
    return ok_status();
  });
}

Result<KeyringInfo> Keyring::info() const {
  RABT_TRY(content, state_->load());
  return KeyringInfo{.generation = content.generation,
                     .root_kind = content.root_kind,
                     .root_id = content.root_id,
                     .development = state_->root->development(),
                     .tenants = tenants_of(content)};
}

Result<Keyring::RootVersions> Keyring::root_versions() const {
  RABT_TRY(oldest, state_->root->oldest_version());
  RABT_TRY(newest, state_->root->version());
  return RootVersions{oldest, newest};
}

const RootProvider& Keyring::root() const {
  return *state_->root;
}

void Keyring::sweep() const {
  const std::int64_t now = state_->clock.monotonic_ms();
  const WriteLock hold(state_->mutex);
  std::erase_if(state_->cached, [now](const auto& entry) { return now >= entry.second.until_ms; });
}

void Keyring::forget() const {
  state_->forget();
}

}  // namespace rabt::crypto
