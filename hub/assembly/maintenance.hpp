#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "hub/base/clock.hpp"
#include "hub/base/log.hpp"
#include "hub/base/mutex.hpp"
#include "hub/blob/blob_store.hpp"
#include "hub/crypto/keyring.hpp"
#include "hub/keys/admin.hpp"
#include "hub/keys/data_keys.hpp"

namespace rabt::assembly {

// Says when old things may be removed: once in each hour of uptime, but not in the first hour, when
// the recovery after a long standstill may still need them. If the wall clock and the uptime drift
// apart by more than an hour, the age of things is not known, and nothing is removed for a day. Not
// thread-safe.
class RemovalTimes {
 public:
  explicit RemovalTimes(const Clock& clock);
  // Returns true once for each time that things may be removed.
  [[nodiscard]] bool due();

 private:
  const Clock& clock_;
  std::int64_t wall_ms_;
  std::int64_t uptime_ms_;
  // When the next pass is due, in uptime.
  std::int64_t next_ms_;
};

// Says in the log when the keyring cannot be written, and when it can again, once for each. Not
// thread-safe.
class KeyringTrouble {
 public:
  KeyringTrouble(const crypto::Keyring& keyring, Logger& log) : keyring_(keyring), log_(log) {}
  void look();

 private:
  const crypto::Keyring& keyring_;
  Logger& log_;
  // The code that was said; empty if the keyring can be written.
  std::string said_;
};

// Regular work of a running hub, every 5 seconds on one thread: it wipes opened keys whose time has
// passed, continues a rewrapping that was interrupted, warns once when keys are not in locked
// memory, removes blobs that nobody took over and what removes() names, and, where the
// configuration says so, destroys buckets whose retention is over. It also calls the functions
// that also() was given.
class Maintenance {
 public:
  struct Parts {
    keys::DataKeys& keys;
    keys::KeyAdmin& admin;
    blob::BlobStore& blobs;
    const Clock& clock;
    Logger& log;
  };
  // Things removed for ever: old ones, and buckets whose retention is over.
  struct Removal {
    bool old = true;
    bool buckets = false;
  };
  Maintenance(Parts parts, Removal removal);
  ~Maintenance();
  Maintenance(const Maintenance&) = delete;
  Maintenance& operator=(const Maintenance&) = delete;
  // Calls `act` in each sweep from now on, on the thread of this object and without its lock. The
  // objects that `act` uses must outlive this object.
  void also(std::function<void()> act);
  // Calls `chunk` whenever old things may be removed, on the thread of this object: again and again
  // until it returns false, with a pause between two, so that others can write. The objects that
  // `chunk` uses must outlive this object.
  void removes(std::function<bool()> chunk);

 private:
  void run();
  // Returns when nothing old is left, or this object ends.
  void remove_old();

  // Constant after construction.
  const Parts parts_;
  const Removal removal_;

  Mutex mutex_;
  Condition wake_;
  bool stopping_ RABT_GUARDED_BY(mutex_) = false;
  std::vector<std::function<void()>> acts_ RABT_GUARDED_BY(mutex_);
  std::vector<std::function<bool()>> chunks_ RABT_GUARDED_BY(mutex_);

  // Started last, because it uses everything above. The destructor joins it.
  std::thread thread_;
};

}  // namespace rabt::assembly
