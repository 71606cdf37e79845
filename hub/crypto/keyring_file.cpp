#include "hub/crypto/keyring_file.hpp"

#include <algorithm>

#include "hub/base/ascii.hpp"
#include "hub/crypto/crypto.hpp"
#include "hub/crypto/key_wrap.hpp"

namespace rabt::crypto {

namespace {

constexpr std::string_view kMagic = "RABTKEYS";
constexpr std::uint64_t kFormat = 1;
constexpr std::size_t kChecksumBytes = 32;

void put_wrapped(std::string& out, const RootProvider::Wrapped& wrapped) {
  put_number(out, wrapped.version, 4);
  put_text(out, wrapped.bytes);
}

bool read_wrapped(Reader& reader, RootProvider::Wrapped& out) {
  const auto version = reader.number(4);
  auto bytes = reader.text(kMaxRootText);
  if (!version || !bytes || bytes->empty()) return false;
  out = {static_cast<std::uint32_t>(*version), std::move(*bytes)};
  return true;
}

bool read_bucket(Reader& reader, FileBucket& out) {
  const auto created = reader.number(8);
  auto hold = reader.text(kMaxBucketName);
  const auto count = reader.number(4);
  if (!created || !hold || !count || *count > kMaxBucketVersions) return false;
  out.created_ms = static_cast<std::int64_t>(*created);
  out.hold = std::move(*hold);
  if (*count == 0) {
    const auto at = reader.number(8);
    auto reason = reader.text(kMaxReason);
    if (!at || !reason || !out.hold.empty()) return false;
    out.destroyed_ms = static_cast<std::int64_t>(*at);
    out.reason = std::move(*reason);
    return true;
  }
  std::uint64_t last = 0;
  for (std::uint64_t i = 0; i < *count; ++i) {
    const auto number = reader.number(4);
    const auto wrapped = reader.take(kWrappedBytes);
    if (!number || !wrapped || *number <= last) return false;
    last = *number;
    out.versions.push_back({static_cast<std::uint32_t>(*number), std::string(*wrapped)});
  }
  return true;
}

bool read_tenant(Reader& reader, FileTenant& out) {
  const auto version = reader.number(4);
  if (!version || *version == 0 || !read_wrapped(reader, out.key) ||
      !read_wrapped(reader, out.derivation)) {
    return false;
  }
  out.key_version = static_cast<std::uint32_t>(*version);
  const auto count = reader.number(4);
  if (!count || *count > kMaxBuckets) return false;
  std::string last;
  for (std::uint64_t i = 0; i < *count; ++i) {
    auto name = reader.text(kMaxBucketName);
    FileBucket bucket;
    if (!name || !valid_bucket_name(*name) || *name <= last || !read_bucket(reader, bucket))
      return false;
    last = *name;
    out.buckets.emplace(std::move(*name), std::move(bucket));
  }
  const auto mac = reader.take(kMacBytes);
  if (!mac) return false;
  out.mac = std::string(*mac);
  return true;
}

void put_tenant(std::string& out, std::string_view name, const FileTenant& tenant) {
  put_text(out, name);
  put_number(out, tenant.key_version, 4);
  put_wrapped(out, tenant.key);
  put_wrapped(out, tenant.derivation);
  put_number(out, tenant.buckets.size(), 4);
  for (const auto& [bucket_name, bucket] : tenant.buckets) {
    put_text(out, bucket_name);
    put_number(out, static_cast<std::uint64_t>(bucket.created_ms), 8);
    put_text(out, bucket.hold);
    put_number(out, bucket.versions.size(), 4);
    for (const auto& version : bucket.versions) {
      put_number(out, version.number, 4);
      out += version.wrapped;
    }
    if (!bucket.destroyed()) continue;
    put_number(out, static_cast<std::uint64_t>(bucket.destroyed_ms), 8);
    put_text(out, bucket.reason);
  }
}

}  // namespace

bool valid_bucket_name(std::string_view name) {
  const auto slash = name.find('/');
  if (slash == std::string_view::npos || slash == 0 || slash + 1 == name.size() ||
      name.size() > kMaxBucketName) {
    return false;
  }
  const auto good = [](char c) {
    return is_lower(c) || is_digit(c) || c == '-' || c == '_' || c == '.';
  };
  return std::all_of(name.begin(), name.begin() + static_cast<std::ptrdiff_t>(slash), good) &&
         std::all_of(name.begin() + static_cast<std::ptrdiff_t>(slash) + 1, name.end(), good);
}

std::string mac_input(std::string_view name, const FileTenant& tenant) {
  std::string out;
  put_tenant(out, name, tenant);
  return out;
}

std::string to_bytes(const KeyringFile& keyring) {
  std::string out(kMagic);
  put_number(out, kFormat, 4);
  put_number(out, keyring.generation, 8);
  put_text(out, keyring.root_kind);
  put_text(out, keyring.root_id);
  put_number(out, keyring.tenants.size(), 4);
  for (const auto& [name, tenant] : keyring.tenants) {
    put_tenant(out, name, tenant);
    out += tenant.mac;
  }
  out += as_text(sha256(out));
  return out;
}

Result<KeyringFile> parse_keyring(const PrivateFile& file, ByteView bytes) {
  if (bytes.size() < kMagic.size() + 4 + kChecksumBytes) return file.damaged("too short");
  const ByteView body = bytes.first(bytes.size() - kChecksumBytes);
  if (!constant_time_equal(sha256(as_text(body)), bytes.subspan(body.size())))
    return file.damaged("its checksum does not match");
  Reader reader(body);
  if (reader.take(kMagic.size()) != kMagic) return file.damaged("it is no keyring");
  const auto format = reader.number(4);
  if (format != kFormat) {
    return corrupt(file.code + "_newer", "the keyring " + file.path + " has format " +
                                             std::to_string(format.value_or(0)) +
                                             "; this hub reads 1: use the hub that wrote it");
  }
  KeyringFile keyring;
  const auto generation = reader.number(8);
  auto kind = reader.text(kMaxRootText);
  auto id = reader.text(kMaxRootText);
  const auto count = reader.number(4);
  if (!generation || !kind || !id || !count || *count > kMaxTenants)
    return file.damaged("its head is wrong");
  keyring.generation = *generation;
  keyring.root_kind = std::move(*kind);
  keyring.root_id = std::move(*id);
  for (std::uint64_t i = 0; i < *count; ++i) {
    auto name = reader.text(kMaxTenantName);
    FileTenant tenant;
    const bool rising =
        name && (keyring.tenants.empty() || *name > keyring.tenants.rbegin()->first);
    if (!rising || !read_tenant(reader, tenant))
      return file.damaged("its tenant entry " + std::to_string(i + 1) + " is wrong");
    keyring.tenants.emplace(std::move(*name), std::move(tenant));
  }
  if (!reader.at_end()) return file.damaged("it has stray bytes");
  return keyring;
}

std::vector<TenantInfo> tenants_of(const KeyringFile& keyring) {
  std::vector<TenantInfo> out;
  for (const auto& [name, tenant] : keyring.tenants) {
    TenantInfo tenant_info{
        .name = name, .key_version = tenant.key_version, .root_version = tenant.key.version};
    for (const auto& [bucket_name, bucket] : tenant.buckets) {
      BucketInfo shown{.name = bucket_name,
                       .created = Timestamp{bucket.created_ms},
                       .hold = bucket.hold,
                       .destroyed = bucket.destroyed(),
                       .destroyed_at = Timestamp{bucket.destroyed_ms},
                       .reason = bucket.reason};
      if (!bucket.destroyed()) {
        shown.version = bucket.versions.back().number;
        shown.oldest_version = bucket.versions.front().number;
      }
      tenant_info.buckets.push_back(std::move(shown));
    }
    out.push_back(std::move(tenant_info));
  }
  return out;
}

}  // namespace rabt::crypto
