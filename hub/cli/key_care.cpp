#include "hub/cli/key_care.hpp"

#include <chrono>

#include "hub/base/locked_memory.hpp"

namespace rabt::cli {

namespace {
constexpr std::chrono::seconds kSweepEvery{5};
constexpr int kSweepsAnHour = 720;
}  // namespace

KeyCare::KeyCare(keys::DataKeys& data_keys, keys::KeyAdmin& admin, bool automatic_shred,
                 Logger& log)
    : keys_(data_keys),
      admin_(admin),
      automatic_shred_(automatic_shred),
      log_(log),
      thread_([this] { run(); }) {}

KeyCare::~KeyCare() {
  {
    const std::scoped_lock lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  thread_.join();
}

void KeyCare::run() {
  admin_.resume();
  bool said = false;
  std::unique_lock lock(mutex_);
  for (int sweeps = 0; !stopping_; ++sweeps) {
    lock.unlock();
    keys_.sweep();
    if (const LockedMemory memory = locked_memory(); !said && memory.error != 0) {
      said = true;
      log_.warn("keys.memory_not_locked",
                {{"bytes", static_cast<std::int64_t>(memory.unlocked_bytes)},
                 {"errno", static_cast<std::int64_t>(memory.error)},
                 {"advice", "raise RLIMIT_MEMLOCK (LimitMEMLOCK= of a systemd unit)"}});
    }
    if (automatic_shred_ && sweeps % kSweepsAnHour == 0) {
      const auto gone = admin_.shred_expired();
      if (!gone.ok()) log_.error("keys.shred_failed", {{"code", gone.error().code}});
      if (gone.ok()) {
        for (const std::string& bucket : *gone) log_.info("keys.shredded", {{"bucket", bucket}});
      }
    }
    lock.lock();
    wake_.wait_for(lock, kSweepEvery, [this] { return stopping_; });
  }
}

}  // namespace rabt::cli
