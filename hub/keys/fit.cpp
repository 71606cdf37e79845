#include "hub/keys/fit.hpp"

#include <algorithm>

#include "hub/audit/audit_log.hpp"
#include "hub/audit/note.hpp"
#include "hub/audit/proof.hpp"
#include "hub/keys/statements.hpp"

namespace rabt::keys {

namespace {

// Data keys that are tried before a keyring is said to be of another hub.
constexpr std::int64_t kTried = 64;
constexpr std::size_t kIdBytes = 16;
// Buckets that a sentence names.
constexpr std::size_t kNamed = 5;

const crypto::BucketInfo* find(const std::vector<crypto::BucketInfo>& buckets,
                               std::string_view name) {
  const auto found = std::find_if(buckets.begin(), buckets.end(),
                                  [&](const auto& bucket) { return bucket.name == name; });
  return found == buckets.end() ? nullptr : &*found;
}

void add(std::vector<BucketCount>& list, std::string_view bucket, std::uint64_t data_keys) {
  if (list.empty() || list.back().bucket != bucket) list.push_back({std::string(bucket), 0});
  list.back().data_keys += data_keys;
}

std::uint64_t total(const std::vector<BucketCount>& list) {
  std::uint64_t sum = 0;
  for (const BucketCount& count : list) sum += count.data_keys;
  return sum;
}

// "24 data keys of consultation/2036-11 (20), person/2036-11 (4)"
std::string counted(const std::vector<BucketCount>& list) {
  const std::uint64_t sum = total(list);
  std::string out = std::to_string(sum) + (sum == 1 ? " data key of " : " data keys of ");
  for (std::size_t i = 0; i < std::min(list.size(), kNamed); ++i) {
    out.append(i == 0 ? "" : ", ").append(list[i].bucket);
    if (list.size() > 1) out.append(" (" + std::to_string(list[i].data_keys) + ")");
  }
  if (list.size() > kNamed)
    out.append(" and " + std::to_string(list.size() - kNamed) + " more buckets");
  return out;
}

Result<std::vector<crypto::BucketInfo>> buckets_of(const crypto::Keyring& keyring,
                                                   std::string_view tenant) {
  RABT_TRY(info, keyring.info());
  for (crypto::TenantInfo& tenant_info : info.tenants) {
    if (tenant_info.name == tenant) return std::move(tenant_info.buckets);
  }
  return std::vector<crypto::BucketInfo>();
}

struct Tried {
  // Data keys that the database has, up to kTried.
  std::size_t found = 0;
  // Those whose bucket and version the keyring has, and which it does not open.
  std::size_t refused = 0;
  bool opened = false;
};

Result<Tried> try_newest(store::Connection& connection, const crypto::TenantKeys& keys,
                         const std::vector<crypto::BucketInfo>& buckets, std::string_view tenant) {
  Tried out;
  const std::string last(kIdBytes, '\xff');
  RABT_TRY_STATUS(connection.query(
      sql::kKeysBefore, {tenant, store::Blob{last}, kTried}, [&](const store::Row& row) {
        ++out.found;
        const crypto::BucketVersion at{
            std::string(row.text(sql::kKeysBefore["bucket"])),
            static_cast<std::uint32_t>(row.integer(sql::kKeysBefore["version"]))};
        const crypto::BucketInfo* const bucket = find(buckets, at.bucket);
        if (bucket == nullptr || bucket->destroyed || is_dropped(*bucket, at.version) ||
            is_too_new(*bucket, at.version)) {
          return true;
        }
        out.opened =
            keys.unwrap(at, row.blob(sql::kKeysBefore["id"]), row.blob(sql::kKeysBefore["wrapped"]))
                .ok();
        if (!out.opened) ++out.refused;
        return !out.opened;
      }));
  return out;
}

}  // namespace

bool is_dropped(const crypto::BucketInfo& bucket, std::uint32_t version) {
  return !bucket.destroyed && version < bucket.oldest_version;
}

bool is_too_new(const crypto::BucketInfo& bucket, std::uint32_t version) {
  return !bucket.destroyed && version > bucket.version;
}

Result<ClosedKeys> closed_keys(store::Connection& connection, std::string_view tenant,
                               const std::vector<crypto::BucketInfo>& buckets) {
  ClosedKeys out;
  RABT_TRY_STATUS(connection.query(sql::kCountKeys, {tenant}, [&](const store::Row& row) {
    const std::string_view name = row.text(sql::kCountKeys["bucket"]);
    const auto version = static_cast<std::uint32_t>(row.integer(sql::kCountKeys["version"]));
    const auto data_keys = static_cast<std::uint64_t>(row.integer(sql::kCountKeys["count"]));
    const crypto::BucketInfo* const bucket = find(buckets, name);
    if (bucket == nullptr || is_too_new(*bucket, version)) {
      add(out.unknown, name, data_keys);
    } else if (is_dropped(*bucket, version)) {
      add(out.forgotten, name, data_keys);
    }
    return true;
  }));
  return out;
}

std::string forgotten_text(const std::vector<BucketCount>& buckets) {
  if (buckets.empty()) return {};
  return counted(buckets) +
         " cannot be opened: the keyring dropped the versions of these keys by `rabt keys rewrap "
         "--forget-old`. Use a backup of the database that was made after that, or a copy of the "
         "keyring from before that, with its root";
}

std::string unknown_text(const std::vector<BucketCount>& buckets) {
  if (buckets.empty()) return {};
  return counted(buckets) +
         " cannot be opened: the keyring is older than the database. Put back the newest copy of "
         "the keyring";
}

Result<std::string> log_closed_keys(store::Store& store, const crypto::Keyring& keyring,
                                    std::string_view tenant, Logger& log) {
  RABT_TRY(buckets, buckets_of(keyring, tenant));
  ClosedKeys closed;
  RABT_TRY_STATUS(store.read([&](store::Connection& connection) -> Status {
    RABT_TRY(found, closed_keys(connection, tenant, buckets));
    closed = std::move(found);
    return ok_status();
  }));
  std::string first;
  const auto say = [&](std::string_view event, const std::vector<BucketCount>& list,
                       const std::string& text) {
    if (list.empty()) return;
    if (first.empty()) first = std::string(event) + ": " + text;
    log.error(event, {{"data_keys", static_cast<std::int64_t>(total(list))},
                      {"message", std::string_view(text)}});
  };
  say("keys.lost", closed.forgotten, forgotten_text(closed.forgotten));
  say("keys.too_old", closed.unknown, unknown_text(closed.unknown));
  return first;
}

Error other_hub() {
  return conflict("keys.other_hub",
                  "this keyring is of another hub: put back the keyring that was copied with this "
                  "database, and its root");
}

Status check_origin(store::Connection& connection, const crypto::Keyring& keyring,
                    std::string_view tenant) {
  RABT_TRY(keys, keyring.tenant(tenant));
  RABT_TRY(buckets, buckets_of(keyring, tenant));
  RABT_TRY(tried, try_newest(connection, *keys, buckets, tenant));
  if (tried.found == 0 || tried.opened) return ok_status();
  if (tried.refused > 0) return other_hub();
  // The keyring has none of the versions: it is older, has forgotten them, or is of another hub.
  const auto note = audit::newest_note(connection);
  if (!note.ok() && note.error().code == "audit.not_signed") return ok_status();
  if (!note.ok()) return note.error();
  const std::string origin(audit::origin_of(*note));
  const audit::Signer signer(origin, keys->purpose_key(audit::kSigningPurpose));
  if (signer.open(*note).ok()) return ok_status();
  return other_hub();
}

}  // namespace rabt::keys
