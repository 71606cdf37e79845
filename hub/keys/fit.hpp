#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "hub/base/log.hpp"
#include "hub/base/result.hpp"
#include "hub/crypto/keyring.hpp"
#include "hub/store/store.hpp"

// Compares a keyring with the data keys of a database. Reads only.
namespace rabt::keys {

// True if the keyring has dropped this version of the bucket's key (`rabt keys rewrap
// --forget-old`). Destroyed buckets are apart: somebody ordered that.
[[nodiscard]] bool is_dropped(const crypto::BucketInfo& bucket, std::uint32_t version);
// True if the keyring is too old for this version of the bucket's key.
[[nodiscard]] bool is_too_new(const crypto::BucketInfo& bucket, std::uint32_t version);

struct BucketCount {
  std::string bucket;
  std::uint64_t data_keys = 0;
};

// Data keys that a keyring cannot open, by bucket. Those of destroyed buckets are left out:
// somebody ordered that.
struct ClosedKeys {
  // The keyring has dropped the version of the bucket's key (`rabt keys rewrap --forget-old`).
  std::vector<BucketCount> forgotten;
  // The keyring does not know the bucket, or the version of its key: it is older than the database.
  std::vector<BucketCount> unknown;
};
// Counts every data key of the tenant. buckets: those of the keyring.
[[nodiscard]] Result<ClosedKeys> closed_keys(store::Connection& connection, std::string_view tenant,
                                             const std::vector<crypto::BucketInfo>& buckets);

// One sentence for operators, with what to do. Empty when the list is.
[[nodiscard]] std::string forgotten_text(const std::vector<BucketCount>& buckets);
[[nodiscard]] std::string unknown_text(const std::vector<BucketCount>& buckets);

// Writes a line keys.lost and a line keys.too_old into the log where there are such data keys, and
// returns the first of them as "code: text"; empty when there are none.
[[nodiscard]] Result<std::string> log_closed_keys(store::Store& store,
                                                  const crypto::Keyring& keyring,
                                                  std::string_view tenant, Logger& log);

[[nodiscard]] Error other_hub();
// Error conflict keys.other_hub: the keyring opens none of the newest data keys of the database,
// and was not the one under which they, or the newest checkpoint of the audit log, were made. Asks
// the root; errors of Keyring::tenant.
[[nodiscard]] Status check_origin(store::Connection& connection, const crypto::Keyring& keyring,
                                  std::string_view tenant);

}  // namespace rabt::keys
