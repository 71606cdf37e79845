#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <thread>

#include "hub/base/clock.hpp"
#include "hub/base/log.hpp"
#include "hub/blob/blob_store.hpp"
#include "hub/keys/admin.hpp"
#include "hub/keys/data_keys.hpp"

namespace rabt::assembly {

// When old things may be removed: once an hour of uptime, and not in the first hour, so that what
// the recovery after a long standstill still wants is not taken from it. A wall clock that has gone
// another way than the uptime calls things old that are not: then nothing for a day. Not
// thread-safe; clock outlives it.
class RemovalTimes {
 public:
  explicit RemovalTimes(const Clock& clock);
  // True once when it is time.
  [[nodiscard]] bool due();

 private:
  const Clock& clock_;
  std::int64_t wall_ms_;
  std::int64_t uptime_ms_;
  std::int64_t next_ms_;  // of uptime
};

// What a running hub does without being asked: it wipes opened keys whose time has passed, goes on
// with a rewrapping that was interrupted, says once when keys are not in locked memory, removes
// blobs that nobody took over, and, where the configuration wants it, destroys buckets whose
// retention is over. When it is told how, it also takes versions of plugins out of use that nobody
// needs any more. One thread.
class Maintenance {
 public:
  struct Parts {
    keys::DataKeys& keys;
    keys::KeyAdmin& admin;
    blob::BlobStore& blobs;
    const Clock& clock;
    Logger& log;
  };
  Maintenance(Parts parts, bool automatic_shred);
  ~Maintenance();
  Maintenance(const Maintenance&) = delete;
  Maintenance& operator=(const Maintenance&) = delete;
  // From now on in each sweep, every 5 seconds, on the thread of this object and without its lock.
  // What it reaches outlives this object.
  void retire_with(std::function<void()> retire);

 private:
  void run();
  const Parts parts_;
  const bool automatic_shred_;
  std::mutex mutex_;
  std::condition_variable wake_;
  bool stopping_ = false;         // guarded by mutex_
  std::function<void()> retire_;  // likewise
  std::thread thread_;
};

}  // namespace rabt::assembly
