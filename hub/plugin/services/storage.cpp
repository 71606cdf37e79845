#include "hub/plugin/services/storage.hpp"

#include <algorithm>
#include <vector>

#include "hub/plugin/services/statements.hpp"

namespace rabt::plugin {

namespace {

// Values that one job removes: other jobs wait for it.
constexpr std::int64_t kChunk = 200;
// A threshold is told again only after the use was so many percent below it.
constexpr int kHysteresis = 5;

struct Expired {
  std::string tenant;
  std::string plugin;
  std::string key;
  std::int64_t version = 0;
  std::int64_t bytes = 0;
};

auto collect(std::vector<Expired>& out) {
  return [&out](const store::Row& row) {
    out.push_back({std::string(row.text(sql::services::kKvExpiredOf["tenant"])),
                   std::string(row.text(sql::services::kKvExpiredOf["plugin"])),
                   std::string(row.blob(sql::services::kKvExpiredOf["key"])),
                   row.integer(sql::services::kKvExpiredOf["version"]),
                   row.integer(sql::services::kKvExpiredOf["bytes"])});
    return true;
  };
}

void change(const std::shared_ptr<KvUse>& use, std::int64_t by, store::Transaction& transaction) {
  use->bytes += by;
  transaction.on_rollback([use, by] { use->bytes -= by; });
}

Status remove(const Expired& value, store::Transaction& transaction) {
  return store::run(transaction, sql::services::kKvDelete,
                    {std::string_view(value.tenant), std::string_view(value.plugin),
                     store::Blob{value.key}, value.version});
}

std::int64_t percent(const KvUse& use) {
  const std::int64_t quota = use.quota;
  return quota <= 0 ? 0 : (use.bytes - use.expired) * 100 / quota;
}

}  // namespace

Status learn_use(KvUse& use, std::string_view tenant, std::string_view id,
                 store::Transaction& transaction) {
  if (use.known) return ok_status();
  RABT_TRY_STATUS(
      transaction.query(sql::services::kKvUsed, {tenant, id}, [&use](const store::Row& found) {
        use.bytes = found.integer(sql::services::kKvUsed["bytes"]);
        return false;
      }));
  use.known = true;
  return ok_status();
}

Status make_room(const std::shared_ptr<KvUse>& use, std::string_view tenant, std::string_view id,
                 std::string_view spared, std::int64_t most, std::int64_t now_ms,
                 store::Transaction& transaction) {
  while (use->bytes > most) {
    std::vector<Expired> gone;
    RABT_TRY_STATUS(transaction.query(sql::services::kKvExpiredOf,
                                      {now_ms, tenant, id, store::Blob{spared}, kChunk},
                                      collect(gone)));
    if (gone.empty()) return ok_status();
    for (const Expired& value : gone) {
      RABT_TRY_STATUS(remove(value, transaction));
      change(use, -value.bytes, transaction);
      if (use->bytes <= most) break;
    }
  }
  return ok_status();
}

Result<bool> remove_expired(const KvUses& uses, std::int64_t now_ms, store::Store& store) {
  bool more = false;
  RABT_TRY_STATUS(store.write([&](store::Transaction& transaction) -> Status {
    std::vector<Expired> gone;
    RABT_TRY_STATUS(transaction.query(sql::services::kKvExpired, {now_ms, kChunk}, collect(gone)));
    more = gone.size() == static_cast<std::size_t>(kChunk);
    for (const Expired& value : gone) {
      RABT_TRY_STATUS(remove(value, transaction));
      const auto use = uses.find({value.tenant, value.plugin});
      if (use != uses.end() && use->second->known) change(use->second, -value.bytes, transaction);
    }
    return ok_status();
  }));
  return more;
}

Status look_after(const KvUses& uses, std::int64_t now_ms, store::Store& store, Logger& log) {
  if (uses.empty()) return ok_status();
  const bool loaded = std::all_of(uses.begin(), uses.end(),
                                  [](const auto& one) { return one.second->known.load(); });
  if (!loaded) {
    RABT_TRY_STATUS(store.write([&](store::Transaction& transaction) -> Status {
      for (const auto& [of, use] : uses)
        RABT_TRY_STATUS(learn_use(*use, of.first, of.second, transaction));
      return ok_status();
    }));
  }
  std::map<std::pair<std::string, std::string>, std::int64_t> expired;
  RABT_TRY_STATUS(store.read([&](store::Connection& connection) {
    return connection.query(sql::services::kKvExpiredBytes, {now_ms}, [&](const store::Row& row) {
      expired[{std::string(row.text(sql::services::kKvExpiredBytes["tenant"])),
               std::string(row.text(sql::services::kKvExpiredBytes["plugin"]))}] =
          row.integer(sql::services::kKvExpiredBytes["bytes"]);
      return true;
    });
  }));
  for (const auto& [of, use] : uses) {
    use->expired = expired[of];
    const std::int64_t share = percent(*use);
    int level = share >= kStorageAlert ? kStorageAlert : share >= kStorageWarn ? kStorageWarn : 0;
    const int last_level = use->told;
    if (level < last_level && share >= last_level - kHysteresis) level = last_level;
    use->told = level;
    if (level <= last_level) continue;
    log.log(level == kStorageAlert ? LogLevel::error : LogLevel::warn, "plugin.storage",
            {{"plugin", of.second},
             {"bytes", use->bytes - use->expired},
             {"quota", use->quota.load()},
             {"percent", share},
             {"advice", "raise limits.storage of the plugin in the configuration"}});
  }
  return ok_status();
}

}  // namespace rabt::plugin
