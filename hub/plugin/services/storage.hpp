#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "hub/base/log.hpp"
#include "hub/store/store.hpp"

// Room of the key-value service (services/kv.cpp). Internal to hub/plugin.
namespace rabt::plugin {

// Sealed bytes that a plugin of a tenant has in the key-value service, for all its versions.
// Atomic; `known` and `bytes` change inside jobs of the store only.
struct KvUse {
  std::atomic<bool> known{false};  // read from the store
  std::atomic<std::int64_t> bytes{0};
  // Bytes that had expired when look_after() last looked. They count against no quota.
  std::atomic<std::int64_t> expired{0};
  std::atomic<std::int64_t> quota{0};
  // Highest threshold, in percent, that was told. 0 before the first.
  std::atomic<int> told{0};
};
// By tenant and id of the plugin.
using KvUses = std::map<std::pair<std::string, std::string>, std::shared_ptr<KvUse>>;

// Thresholds in percent of the quota: /health says `warn`, and the log has an error.
inline constexpr int kStorageWarn = 70;
inline constexpr int kStorageAlert = 90;

// Reads what the plugin has stored, unless it is known. Inside a job.
Status learn_use(KvUse& use, std::string_view tenant, std::string_view id,
                 store::Transaction& transaction);
// Removes expired values of the plugin, the oldest first, until it has at most `most` bytes or none
// is left. `spared`: key of a value that stays. Inside a job.
Status make_room(const std::shared_ptr<KvUse>& use, std::string_view tenant, std::string_view id,
                 std::string_view spared, std::int64_t most, std::int64_t now_ms,
                 store::Transaction& transaction);
// Removes one chunk of expired values of all plugins, also of those that are not loaded. True when
// there may be more.
[[nodiscard]] Result<bool> remove_expired(const KvUses& uses, std::int64_t now_ms,
                                          store::Store& store);
// Counts what has expired, and tells the log once of each threshold that the use has passed.
Status look_after(const KvUses& uses, std::int64_t now_ms, store::Store& store, Logger& log);

}  // namespace rabt::plugin
