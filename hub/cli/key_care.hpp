#pragma once

#include <condition_variable>
#include <mutex>
#include <thread>

#include "hub/base/log.hpp"
#include "hub/keys/admin.hpp"
#include "hub/keys/data_keys.hpp"

namespace rabt::cli {

// What a running hub does for its keys without being asked: it wipes opened keys whose time has
// passed, goes on with a rewrapping that was interrupted, says once when keys are not in locked
// memory, and, where the configuration wants it, destroys buckets whose retention is over. One
// thread.
class KeyCare {
 public:
  KeyCare(keys::DataKeys& data_keys, keys::KeyAdmin& admin, bool automatic_shred, Logger& log);
  ~KeyCare();
  KeyCare(const KeyCare&) = delete;
  KeyCare& operator=(const KeyCare&) = delete;

 private:
  void run();
  keys::DataKeys& keys_;
  keys::KeyAdmin& admin_;
  const bool automatic_shred_;
  Logger& log_;
  std::mutex mutex_;
  std::condition_variable wake_;
  bool stopping_ = false;  // guarded by mutex_
  std::thread thread_;
};

}  // namespace rabt::cli
