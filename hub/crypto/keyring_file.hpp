#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "hub/base/bytes.hpp"
#include "hub/base/result.hpp"
#include "hub/crypto/keyring.hpp"
#include "hub/crypto/private_file.hpp"
#include "hub/crypto/root.hpp"

// Inside hub/crypto: the content of a keyring file. It holds no key in clear. Format:
// docs/formats/keyring.md.
namespace rabt::crypto {

inline constexpr std::size_t kMaxTenants = 10'000;  // hospitals, not people
inline constexpr std::size_t kMaxTenantName = 256;
// A tenant's buckets: six classes, a century of months.
inline constexpr std::size_t kMaxBuckets = 8192;
inline constexpr std::size_t kMaxBucketName = 100;
inline constexpr std::size_t kMaxBucketVersions = 1000;
inline constexpr std::size_t kMaxReason = 1024;
inline constexpr std::size_t kMaxRootText = 1024;  // id of a root, and what it wrapped
inline constexpr std::size_t kMaxKeyringFile = 64U << 20U;
inline constexpr std::size_t kMacBytes = 32;

struct FileBucket {
  struct Version {
    std::uint32_t number = 0;
    std::string wrapped;
  };
  std::int64_t created_ms = 0;
  std::string hold;
  // Rising. An empty list after the bucket was destroyed.
  std::vector<Version> versions;
  std::int64_t destroyed_ms = 0;
  std::string reason;

  [[nodiscard]] bool destroyed() const { return versions.empty(); }
};

struct FileTenant {
  std::uint32_t key_version = 0;
  // Wraps the buckets' keys.
  RootProvider::Wrapped key;
  // For indexes and purposes; never changes.
  RootProvider::Wrapped derivation;
  std::map<std::string, FileBucket, std::less<>> buckets;
  // Made with a key from `derivation`: nobody without the root changes the tenant.
  std::string mac;
};

struct KeyringFile {
  std::uint64_t generation = 0;
  std::string root_kind;
  std::string root_id;
  std::map<std::string, FileTenant, std::less<>> tenants;
};

// Bytes that the MAC of a tenant covers.
[[nodiscard]] std::string mac_input(std::string_view name, const FileTenant& tenant);
[[nodiscard]] std::string to_bytes(const KeyringFile& keyring);
// Accepts nothing but what to_bytes makes. Errors: crypto.keyring_corrupt, crypto.keyring_newer.
[[nodiscard]] Result<KeyringFile> parse_keyring(const PrivateFile& file, ByteView bytes);

// Tenants of the file and their buckets, without any key.
[[nodiscard]] std::vector<TenantInfo> tenants_of(const KeyringFile& keyring);

// A name that may stand in the file: "<class>/<rest>" of small letters, digits and - _ . only.
[[nodiscard]] bool valid_bucket_name(std::string_view name);

}  // namespace rabt::crypto
