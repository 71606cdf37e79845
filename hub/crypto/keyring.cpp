#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <map>
#include <mutex>
#include <optional>
#include <shared_mutex>

#include "hub/base/check.hpp"
#include "hub/crypto/crypto.hpp"
#include "hub/crypto/keyring.hpp"
#include "hub/crypto/primitives.hpp"
#include "hub/crypto/seal.hpp"

// The file: docs/formats/keyring.md.
namespace rabt::crypto {

namespace {

constexpr std::string_view kMagic = "RABTKEYS";
constexpr std::uint32_t kVersion = 1;
constexpr std::size_t kRootBytes = 32;
constexpr std::size_t kChecksumBytes = 32;
constexpr std::size_t kWrappedKeyBytes = 40;  // KWP of 32 bytes
constexpr std::size_t kMaxTenants = 10'000;   // hospitals, not people
constexpr std::size_t kMaxTenantName = 256;
constexpr std::size_t kMaxFile = 8U << 20U;  // more than the most tenants need

class Fd {
 public:
  explicit Fd(int fd) : fd_(fd) {}
  Fd(const Fd&) = delete;
  Fd& operator=(const Fd&) = delete;
  ~Fd() {
    if (fd_ >= 0) ::close(fd_);
  }
  [[nodiscard]] int get() const { return fd_; }
  [[nodiscard]] bool ok() const { return fd_ >= 0; }

 private:
  int fd_;
};

Error io_error(const std::string& what, const std::string& path) {
  return unavailable("crypto.keyring_io",
                     "the keyring " + path + ": cannot " + what + ": " + std::strerror(errno));
}
Error corrupt_file(const std::string& path, const std::string& what) {
  return corrupt("crypto.keyring_corrupt",
                 "the keyring " + path + " is damaged (" + what +
                     "); restore it from its backup: without it no stored data can be opened");
}

std::string folder_of(const std::string& path) {
  const auto slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

void put_u32(Bytes& out, std::size_t value) {
  for (int shift = 24; shift >= 0; shift -= 8)
    out.push_back(static_cast<std::uint8_t>(value >> shift & 0xffU));
}
void put(Bytes& out, ByteView bytes) {
  out.insert(out.end(), bytes.begin(), bytes.end());
}

// Reads forward; every step says whether enough was left.
class Reader {
 public:
  explicit Reader(ByteView bytes) : rest_(bytes) {}
  [[nodiscard]] std::optional<ByteView> take(std::size_t size) {
    if (size > rest_.size()) return std::nullopt;
    const ByteView out = rest_.first(size);
    rest_ = rest_.subspan(size);
    return out;
  }
  [[nodiscard]] std::optional<std::uint32_t> u32() {
    const auto bytes = take(4);
    if (!bytes) return std::nullopt;
    std::uint32_t value = 0;
    for (const auto byte : *bytes) value = value << 8U | byte;
    return value;
  }
  [[nodiscard]] bool at_end() const { return rest_.empty(); }

 private:
  ByteView rest_;
};

SecretBytes derive(ByteView key, std::initializer_list<std::string_view> info) {
  return hkdf_sha256(key, {}, primitives::tuple(info), primitives::kKeyBytes);
}

// A data key's id: the same whenever it is opened.
std::string id_of(std::string_view wrapped) {
  return to_hex(ByteView(sha256(wrapped)).first(16));
}

}  // namespace

struct Keyring::State {
  // A tenant's key is used only through keys derived from it, each for one purpose.
  struct Tenant {
    Bytes wrapped;  // under a key derived from the root and the tenant's name
    SecretBytes key;
    SecretBytes data_wrap;
    SecretBytes index;
  };
  using Tenants = std::map<std::string, Tenant, std::less<>>;
  struct File {
    SecretBytes root;
    Tenants tenants;
  };

  State(std::string file_path, Random& source) : path(std::move(file_path)), random(source) {}

  const std::string path;
  Random& random;
  std::shared_mutex mutex;
  File file;  // guarded by mutex; tenants are only added, so that references to them stay good

  static SecretBytes tenant_wrap_key(const SecretBytes& root, std::string_view tenant) {
    return derive(root.expose(), {"rabt/v1/tenant-wrap", tenant});
  }

  static Tenant make_tenant(Bytes wrapped, SecretBytes key) {
    Tenant tenant;
    tenant.data_wrap = derive(key.expose(), {"rabt/v1/data-wrap"});
    tenant.index = derive(key.expose(), {"rabt/v1/blind-index"});
    tenant.key = std::move(key);
    tenant.wrapped = std::move(wrapped);
    return tenant;
  }

  [[nodiscard]] static Result<File> parse(ByteView bytes, const std::string& path) {
    if (bytes.size() < kMagic.size() + 8 + kRootBytes + kChecksumBytes)
      return corrupt_file(path, "too short");
    const ByteView body = bytes.first(bytes.size() - kChecksumBytes);
    if (!constant_time_equal(sha256(as_text(body)), bytes.subspan(body.size()))) {
      return corrupt_file(path, "its checksum does not match");
    }
    Reader reader(body);
    const auto magic = reader.take(kMagic.size());
    if (!magic || as_text(*magic) != kMagic) return corrupt_file(path, "it is no keyring");
    const auto version = reader.u32();
    if (version != kVersion) return corrupt_file(path, "its version is not 1");
    const auto count = reader.u32();
    const auto root = reader.take(kRootBytes);
    if (!count || !root || *count > kMaxTenants) return corrupt_file(path, "too short");
    File file;
    file.root = SecretBytes(Bytes(root->begin(), root->end()));
    for (std::uint32_t i = 0; i < *count; ++i) {
      const auto name_size = reader.u32();
      const auto name =
          reader.take(name_size && *name_size <= kMaxTenantName ? *name_size : SIZE_MAX);
      const auto wrapped = name ? reader.take(kWrappedKeyBytes) : std::nullopt;
      if (!wrapped) return corrupt_file(path, "entry " + std::to_string(i + 1) + " is cut");
      auto key = primitives::aes256_kwp_unwrap(tenant_wrap_key(file.root, as_text(*name)).expose(),
                                               *wrapped);
      if (!key || key->size() != primitives::kKeyBytes) {
        return corrupt_file(
            path, "the key of tenant entry " + std::to_string(i + 1) + " does not unwrap");
      }
      file.tenants.emplace(std::string(as_text(*name)),
                           make_tenant(Bytes(wrapped->begin(), wrapped->end()), std::move(*key)));
    }
    if (!reader.at_end() || file.tenants.size() != *count)
      return corrupt_file(path, "it has stray bytes");
    return file;
  }

  // Empty when there is no file.
  [[nodiscard]] Result<std::optional<File>> load() const {
    const Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
    if (!fd.ok()) {
      if (errno == ENOENT) return std::optional<File>{};
      return io_error("open it", path);
    }
    struct stat info {};
    if (::fstat(fd.get(), &info) != 0) return io_error("look at it", path);
    if (!S_ISREG(info.st_mode)) return corrupt_file(path, "it is not a regular file");
    if ((info.st_mode & 0077U) != 0) {
      return denied(
          "crypto.keyring_mode",
          "the keyring " + path + " can be read by other users; run: chmod 600 '" + path + "'");
    }
    if (info.st_size < 0 || static_cast<std::size_t>(info.st_size) > kMaxFile)
      return corrupt_file(path, "too large");
    Bytes bytes(static_cast<std::size_t>(info.st_size));
    std::size_t done = 0;
    while (done < bytes.size()) {
      const ssize_t got = ::read(fd.get(), bytes.data() + done, bytes.size() - done);
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) return io_error("read it", path);
      if (got == 0) break;
      done += static_cast<std::size_t>(got);
    }
    const SecretBytes content(std::move(bytes));
    RABT_TRY(parsed, parse(content.expose().first(done), path));
    return std::optional<File>(std::move(parsed));
  }

  // Durable when ok: temporary file, fsync, rename, fsync of the folder.
  [[nodiscard]] Status store(const File& content, const std::string* added_name,
                             const Tenant* added) const {
    Bytes bytes;
    // At full size from the start: a growing vector would leave copies of the root key in freed
    // memory.
    bytes.reserve(kMagic.size() + 8 + kRootBytes + kChecksumBytes +
                  (content.tenants.size() + 1) * (4 + kMaxTenantName + kWrappedKeyBytes));
    put(bytes, as_bytes(kMagic));
    put_u32(bytes, kVersion);
    put_u32(bytes, content.tenants.size() + (added == nullptr ? 0 : 1));
    put(bytes, content.root.expose());
    const auto entry = [&bytes](const std::string& name, const Tenant& tenant) {
      put_u32(bytes, name.size());
      put(bytes, as_bytes(name));
      put(bytes, tenant.wrapped);
    };
    for (const auto& [name, tenant] : content.tenants) entry(name, tenant);
    if (added != nullptr) entry(*added_name, *added);
    put(bytes, sha256(as_text(bytes)));
    const SecretBytes image(std::move(bytes));

    const std::string temporary = path + ".tmp";
    ::unlink(temporary.c_str());  // what a crash left behind
    {
      const Fd fd(
          ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
      if (!fd.ok()) return io_error("write " + temporary, path);
      std::size_t done = 0;
      while (done < image.size()) {
        const ssize_t put_now =
            ::write(fd.get(), image.expose().data() + done, image.size() - done);
        if (put_now < 0 && errno == EINTR) continue;
        if (put_now <= 0) {
          const Error error = io_error("write " + temporary, path);
          ::unlink(temporary.c_str());
          return error;
        }
        done += static_cast<std::size_t>(put_now);
      }
      if (::fsync(fd.get()) != 0) {
        const Error error = io_error("sync " + temporary, path);
        ::unlink(temporary.c_str());
        return error;
      }
    }
    if (::rename(temporary.c_str(), path.c_str()) != 0)
      return io_error("put " + temporary + " in its place", path);
    const Fd folder(::open(folder_of(path).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!folder.ok() || ::fsync(folder.get()) != 0) return io_error("sync its folder", path);
    return ok_status();
  }

  // Held while the file is changed, so that two processes cannot lose each other's keys.
  [[nodiscard]] Result<std::unique_ptr<Fd>> lock_file() const {
    const std::string lock_path = path + ".lock";
    auto lock = std::make_unique<Fd>(
        ::open(lock_path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!lock->ok()) return io_error("open " + lock_path, path);
    int locked = 0;
    do {
      locked = ::flock(lock->get(), LOCK_EX);
    } while (locked != 0 && errno == EINTR);
    if (locked != 0) return io_error("lock " + lock_path, path);
    return lock;
  }

  [[nodiscard]] const Tenant* find(std::string_view name) {
    const std::shared_lock hold(mutex);
    const auto at = file.tenants.find(name);
    return at == file.tenants.end() ? nullptr : &at->second;
  }

  [[nodiscard]] Result<const Tenant*> find_or_create(std::string_view name) {
    if (const Tenant* known = find(name)) return known;
    if (name.size() > kMaxTenantName)
      return invalid("crypto.tenant_name", "a tenant's name has at most 256 bytes");
    const std::unique_lock hold(mutex);
    if (const auto at = file.tenants.find(name); at != file.tenants.end()) return &at->second;
    RABT_TRY(lock, lock_file());
    // Another process may have added keys since this one read the file.
    RABT_TRY(current, load());
    if (!current) return corrupt_file(path, "it was removed while the hub runs");
    if (!current->root.equals(file.root.expose()))
      return corrupt_file(path, "it was replaced while the hub runs");
    file.tenants.merge(current->tenants);
    if (const auto at = file.tenants.find(name); at != file.tenants.end()) return &at->second;
    if (file.tenants.size() >= kMaxTenants)
      return invalid("crypto.tenant_limit", "the keyring holds 10000 tenants, its limit");
    Bytes fresh(primitives::kKeyBytes);
    random.fill(fresh);
    SecretBytes key(std::move(fresh));
    auto wrapped =
        primitives::aes256_kwp_wrap(tenant_wrap_key(file.root, name).expose(), key.expose());
    RABT_CHECK(wrapped.has_value());
    Tenant tenant = make_tenant(std::move(*wrapped), std::move(key));
    const std::string owned(name);
    // Durable before anything can be sealed under it.
    RABT_TRY_STATUS(store(file, &owned, &tenant));
    return &file.tenants.emplace(owned, std::move(tenant)).first->second;
  }

  // For calls that cannot report: the caller has no way to go on without the key.
  [[nodiscard]] const Tenant& must_have(std::string_view name) {
    auto found = find_or_create(name);
    if (!found.ok()) check_failed(found.error().message, __FILE__, __LINE__);
    return **found;
  }
};

Keyring::Keyring(std::unique_ptr<State> state) : state_(std::move(state)) {}
Keyring::~Keyring() = default;

Result<std::unique_ptr<Keyring>> Keyring::open_or_create(const std::string& path, Random& random) {
  auto state = std::make_unique<State>(path, random);
  RABT_TRY(found, state->load());
  if (!found) {
    RABT_TRY(lock, state->lock_file());
    RABT_TRY(again, state->load());  // another process may have been quicker
    found = std::move(again);
    if (!found) {
      Bytes root(kRootBytes);
      random.fill(root);
      State::File fresh;
      fresh.root = SecretBytes(std::move(root));
      RABT_TRY_STATUS(state->store(fresh, nullptr, nullptr));
      found = std::move(fresh);
    }
  }
  state->file = std::move(*found);
  return std::unique_ptr<Keyring>(new Keyring(std::move(state)));
}

Status Keyring::ensure_tenant(std::string_view tenant) const {
  RABT_TRY(found, state_->find_or_create(tenant));
  static_cast<void>(found);
  return ok_status();
}

Keyring::NewKey Keyring::make_data_key(std::string_view tenant, Random& random) const {
  const State::Tenant& owner = state_->must_have(tenant);
  Bytes fresh(primitives::kKeyBytes);
  random.fill(fresh);
  SecretBytes key(std::move(fresh));
  const auto wrapped = primitives::aes256_kwp_wrap(owner.data_wrap.expose(), key.expose());
  RABT_CHECK(wrapped.has_value());
  std::string id = id_of(as_text(*wrapped));
  return {std::make_shared<const DataKey>(std::move(id), std::move(key)),
          std::string(as_text(*wrapped))};
}

Result<std::shared_ptr<const DataKey>> Keyring::open_data_key(std::string_view tenant,
                                                              std::string_view wrapped) const {
  const State::Tenant* owner = state_->find(tenant);
  if (owner != nullptr) {
    auto key = primitives::aes256_kwp_unwrap(owner->data_wrap.expose(), as_bytes(wrapped));
    if (key && key->size() == primitives::kKeyBytes)
      return std::make_shared<const DataKey>(id_of(wrapped), std::move(*key));
  }
  return corrupt("crypto.unwrap",
                 "a data key does not unwrap: wrong tenant, changed bytes, or another keyring than "
                 "the one it was made with");
}

SecretBytes Keyring::purpose_key(std::string_view tenant, std::string_view purpose) const {
  return derive(state_->must_have(tenant).key.expose(), {"rabt/v1/purpose", purpose});
}

std::string Keyring::blind_index(std::string_view tenant, std::string_view field,
                                 std::string_view value) const {
  constexpr std::size_t kIndexBytes = 16;
  // One key for each field: equal values in two fields must not show.
  const SecretBytes key(hmac_sha256(state_->must_have(tenant).index.expose(),
                                    primitives::tuple({"rabt/v1/field", field})));
  const Bytes mac = hmac_sha256(key.expose(), value);
  return std::string(as_text(ByteView(mac).first(kIndexBytes)));
}

}  // namespace rabt::crypto
