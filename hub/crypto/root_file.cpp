#include <sys/stat.h>

#include <functional>
#include <map>
#include <mutex>

#include "hub/base/check.hpp"
#include "hub/crypto/crypto.hpp"
#include "hub/crypto/key_wrap.hpp"
#include "hub/crypto/private_file.hpp"
#include "hub/crypto/root.hpp"

// A root in a file, and one in an environment variable. The file: docs/formats/keyring.md.
namespace rabt::crypto {

namespace {

constexpr std::string_view kRootMagic = "RABTROOT";
constexpr std::uint64_t kRootFormat = 1;
constexpr std::size_t kWordBytes = 4;
constexpr std::size_t kIdBytes = 16;
constexpr std::size_t kRootChecksumBytes = 32;
// A rotation a week for twenty years.
constexpr std::size_t kMaxVersions = 1000;
constexpr std::size_t kMaxFile = 64U << 10U;

struct RootKeys {
  std::string id;  // random: two files are two roots, also after a move
  std::map<std::uint32_t, SecretBytes> versions;
};

Result<RootKeys> parse(const PrivateFile& file, const SecretBytes& content) {
  const ByteView bytes = content.expose();
  if (bytes.size() < kRootMagic.size() + 2 * kWordBytes + kIdBytes + kRootChecksumBytes)
    return file.damaged("too short");
  const ByteView body = bytes.first(bytes.size() - kRootChecksumBytes);
  if (!constant_time_equal(sha256(as_text(body)), bytes.subspan(body.size())))
    return file.damaged("its checksum does not match");
  Reader reader(body);
  if (reader.take(kRootMagic.size()) != kRootMagic) return file.damaged("it is no root key");
  const auto format = reader.number(4);
  if (format != kRootFormat) {
    return corrupt(file.code + "_newer", "the root key " + file.path + " has format " +
                                             std::to_string(format.value_or(0)) +
                                             "; this hub reads 1: use the hub that wrote it");
  }
  RootKeys keys;
  keys.id = std::string(reader.take(kIdBytes).value_or(""));
  const auto count = reader.number(4);
  if (!count || *count == 0 || *count > kMaxVersions) return file.damaged("its count is wrong");
  std::uint64_t last = 0;
  for (std::uint64_t i = 0; i < *count; ++i) {
    const auto version = reader.number(4);
    const auto key = reader.take(kWrapKeyBytes);
    if (!version || !key || *version <= last) return file.damaged("its versions are wrong");
    last = *version;
    keys.versions.emplace(static_cast<std::uint32_t>(*version), SecretBytes(*key));
  }
  if (!reader.at_end()) return file.damaged("it has stray bytes");
  return keys;
}

SecretBytes image(const RootKeys& keys) {
  std::string head(kRootMagic);
  put_number(head, kRootFormat, 4);
  head += keys.id;
  put_number(head, keys.versions.size(), 4);
  const std::size_t step = 4 + kWrapKeyBytes;
  SecretBytes out =
      SecretBytes::of_size(head.size() + keys.versions.size() * step + kRootChecksumBytes);
  auto at = std::copy(head.begin(), head.end(), out.fill().begin());
  for (const auto& [version, key] : keys.versions) {
    std::string number;
    put_number(number, version, 4);
    at = std::copy(number.begin(), number.end(), at);
    at = std::copy(key.expose().begin(), key.expose().end(), at);
  }
  const Digest checksum = sha256(as_text(out.expose().first(out.size() - kRootChecksumBytes)));
  std::copy(checksum.begin(), checksum.end(), at);
  return out;
}

Error does_not_unwrap(std::string_view root) {
  return corrupt("crypto.unwrap", "a key of the keyring does not unwrap with " + std::string(root) +
                                      ": changed bytes, or another root than the one it was "
                                      "wrapped with");
}

// The key is in memory only for the length of a call.
class FileRoot final : public RootProvider {
 public:
  FileRoot(PrivateFile file, std::string id, Random& random)
      : file_(std::move(file)), id_(std::move(id)), random_(random) {}

  static Result<RootKeys> load(const PrivateFile& file) {
    RABT_TRY(lock, file.lock(PrivateFile::Use::shared));
    RABT_TRY(content, file.read());
    if (!content) {
      return unavailable(file.code + "_missing",
                         "the root key " + file.path +
                             " does not exist; restore it from its backup: without it the keyring "
                             "cannot be opened");
    }
    return parse(file, *content);
  }

  [[nodiscard]] std::string kind() const override { return "file"; }
  [[nodiscard]] std::string id() const override { return to_hex(as_bytes(id_)); }

  Result<std::uint32_t> version() override {
    RABT_TRY(keys, mine());
    return keys.versions.rbegin()->first;
  }
  Result<std::uint32_t> oldest_version() override {
    RABT_TRY(keys, mine());
    return keys.versions.begin()->first;
  }
  Result<Wrapped> wrap(ByteView key, std::string_view context) override {
    RABT_TRY(keys, mine());
    const auto& [version, root] = *keys.versions.rbegin();
    return Wrapped{version, wrap_key(root.expose(), key, context)};
  }
  Result<SecretBytes> unwrap(const Wrapped& wrapped, std::string_view context) override {
    RABT_TRY(keys, mine());
    const auto root = keys.versions.find(wrapped.version);
    if (root == keys.versions.end()) return destroyed_version(wrapped.version);
    auto key = unwrap_key(root->second.expose(), wrapped.bytes, context);
    if (!key) return does_not_unwrap("the root key " + file_.path);
    return std::move(*key);
  }
  Result<std::uint32_t> rotate() override {
    std::uint32_t made = 0;
    RABT_TRY_STATUS(change(false, [&](RootKeys& keys) -> Status {
      if (keys.versions.size() >= kMaxVersions)
        return conflict("crypto.root_limit",
                        "the root key holds 1000 versions, its limit; "
                        "destroy the old ones first");
      made = keys.versions.rbegin()->first + 1;
      keys.versions.emplace(made, random_key(random_));
      return ok_status();
    }));
    return made;
  }
  Status destroy_below(std::uint32_t version) override {
    return change(true, [&](RootKeys& keys) -> Status {
      if (version > keys.versions.rbegin()->first)
        return invalid("crypto.root_version", "the newest version of the root is not destroyed");
      keys.versions.erase(keys.versions.begin(), keys.versions.lower_bound(version));
      return ok_status();
    });
  }

  [[nodiscard]] Error destroyed_version(std::uint32_t version) const {
    return corrupt("crypto.unwrap",
                   "the root key " + file_.path + " has no version " + std::to_string(version) +
                       ", which wraps this keyring: restore its newest copy; one that was made "
                       "before the root was rotated does not have it, and one that was destroyed "
                       "is gone");
  }

 private:
  [[nodiscard]] Result<RootKeys> mine() const {
    RABT_TRY(keys, load(file_));
    if (keys.id != id_) return file_.damaged("it was replaced by another while the hub runs");
    return keys;
  }
  [[nodiscard]] Status change(bool wipe_old, const std::function<Status(RootKeys&)>& edit) const {
    RABT_TRY(lock, file_.lock(PrivateFile::Use::alone));
    RABT_TRY(content, file_.read());
    if (!content) return file_.damaged("it was removed while the hub runs");
    RABT_TRY(keys, parse(file_, *content));
    RABT_TRY_STATUS(edit(keys));
    return file_.replace(image(keys).expose(), 0400, wipe_old);
  }

  const PrivateFile file_;
  const std::string id_;
  Random& random_;
};

class DevelopmentRoot final : public RootProvider {
 public:
  DevelopmentRoot(SecretBytes key, std::string variable)
      : key_(std::move(key)), variable_(std::move(variable)) {}
  [[nodiscard]] std::string kind() const override { return "env"; }
  [[nodiscard]] std::string id() const override { return variable_; }
  [[nodiscard]] bool development() const override { return true; }
  Result<std::uint32_t> version() override { return 1U; }
  Result<std::uint32_t> oldest_version() override { return 1U; }
  Result<Wrapped> wrap(ByteView key, std::string_view context) override {
    return Wrapped{1, wrap_key(key_.expose(), key, context)};
  }
  Result<SecretBytes> unwrap(const Wrapped& wrapped, std::string_view context) override {
    auto key = wrapped.version == 1 ? unwrap_key(key_.expose(), wrapped.bytes, context)
                                    : std::optional<SecretBytes>();
    if (!key) return does_not_unwrap("the environment variable " + variable_);
    return std::move(*key);
  }
  Result<std::uint32_t> rotate() override {
    return denied("crypto.root_rotate",
                  "a root in an environment variable cannot be rotated; it is for development");
  }
  Status destroy_below(std::uint32_t version) override {
    if (version == 1) return ok_status();
    return denied("crypto.root_rotate",
                  "a root in an environment variable has one version; it is for development");
  }

 private:
  const SecretBytes key_;
  const std::string variable_;
};

}  // namespace

Result<std::unique_ptr<RootProvider>> open_file_root(const std::string& path, Random& random,
                                                     bool create) {
  PrivateFile file{path, "crypto.root", "the root key", kMaxFile};
  auto keys = FileRoot::load(file);
  if (!keys.ok() && create && keys.error().code == "crypto.root_missing") {
    RABT_TRY(lock, file.lock(PrivateFile::Use::alone));
    RABT_TRY(again, file.read());  // another process may have been quicker
    RootKeys fresh;
    if (again) {
      RABT_TRY(parsed, parse(file, *again));
      fresh = std::move(parsed);
    } else {
      std::string id(kIdBytes, '\0');
      random.fill({reinterpret_cast<std::uint8_t*>(id.data()), id.size()});
      fresh.id = std::move(id);
      fresh.versions.emplace(1, random_key(random));
      RABT_TRY_STATUS(file.replace(image(fresh).expose(), 0400, false));
    }
    keys = std::move(fresh);
  }
  if (!keys.ok()) return std::move(keys).error();
  return std::unique_ptr<RootProvider>(
      std::make_unique<FileRoot>(std::move(file), std::move(keys->id), random));
}

Result<std::unique_ptr<RootProvider>> make_development_root(const SecretBytes& hex,
                                                            const std::string& variable) {
  auto bytes = from_hex(hex.expose_text());
  if (!bytes || bytes->size() != kWrapKeyBytes) {
    return invalid("crypto.root_env",
                   "the environment variable " + variable + " must hold 64 hex digits");
  }
  return std::unique_ptr<RootProvider>(
      std::make_unique<DevelopmentRoot>(SecretBytes(std::move(*bytes)), variable));
}

}  // namespace rabt::crypto
