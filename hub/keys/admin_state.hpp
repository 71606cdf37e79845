#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "hub/base/mutex.hpp"
#include "hub/keys/admin.hpp"

// State that admin.cpp and rewrap.cpp share. Internal to hub/keys.
namespace rabt::keys {

// An act on keys names who acts, and why.
[[nodiscard]] Status check(const Order& order);

struct KeyAdmin::State {
  State(Parts p, std::string t) : parts(p), tenant(std::move(t)) {}
  Parts parts;
  const std::string tenant;

  // Held during an act: there is one at a time.
  Mutex acts;

  // Two readings of an expired bucket: the wall clock and the uptime of the first.
  struct Seen {
    std::int64_t wall_ms = 0;
    std::int64_t uptime_ms = 0;
  };
  std::map<std::string, Seen> seen RABT_GUARDED_BY(acts);
  // Made by the first rewrap.
  std::thread worker RABT_GUARDED_BY(acts);

  Mutex mutex;
  Condition wake;
  bool stopping RABT_GUARDED_BY(mutex) = false;
  bool poked RABT_GUARDED_BY(mutex) = false;
  [[nodiscard]] audit::Prepared entry(const Order& order, std::string act, std::string object,
                                      std::string result, Json detail) const;
  [[nodiscard]] Status note(const audit::Prepared& prepared) const {
    return parts.store.write(
        [&](store::Transaction& transaction) { return parts.audit.append(transaction, prepared); });
  }

  // An act on the keyring file: noted, done, noted.
  [[nodiscard]] Status file_act(const Order& order, const std::string& act,
                                const std::string& object, const std::function<Status(Json&)>& run);

  struct Stored {
    std::string id;
    crypto::BucketVersion bucket;
    std::string wrapped;
  };
  // The rewrapping that was asked for and is not done.
  struct Task {
    Order order;
    // The last data key that was looked at.
    std::string cursor;
    bool forget = false;
    std::int64_t rewrapped = 0;
  };
  [[nodiscard]] Result<std::optional<Task>> task(store::Connection& connection);
  struct Rewrapped {
    std::int64_t rewrapped = 0;
    // Data keys that no version of their bucket opens.
    std::int64_t unopened = 0;
  };
  // Brings each of the batch to the newest version of its bucket.
  [[nodiscard]] Result<Rewrapped> rewrap(store::Transaction& transaction,
                                         const crypto::TenantKeys& tenant_keys,
                                         const std::vector<Stored>& batch);
  // One transaction: the next batch after the cursor, brought to the newest version. Sets done when
  // none is left.
  [[nodiscard]] Status rewrap_batch(bool& done);

  // Old versions of buckets that no data key is wrapped by any more.
  [[nodiscard]] Status forget_old();

  // Data keys by bucket and version.
  using Counts = std::map<std::string, std::map<std::uint32_t, std::uint64_t>>;
  [[nodiscard]] Result<Counts> count();
  [[nodiscard]] Status begin_task(const Order& order, bool forget);

  // All batches, then what comes after.
  [[nodiscard]] Status finish_task();
  void work();
  void poke() RABT_REQUIRES(acts);
  [[nodiscard]] Status destroy(const Order& order, const std::string& bucket, Json detail);
};

}  // namespace rabt::keys
