#include "hub/assembly/maintenance.hpp"

#include <chrono>
#include <memory>
#include <utility>

#include "hub/base/clock.hpp"
#include "hub/base/locked_memory.hpp"

namespace rabt::assembly {

namespace {
constexpr std::chrono::seconds kSweepEvery{5};
constexpr int kSweepsAnHour = 720;
// Between two chunks of rows that are removed, so that other jobs are written.
constexpr std::chrono::milliseconds kChunkPause{20};
// Chunks of one kind in one pass: some minutes. The next hour goes on.
constexpr int kChunksAPass = 10'000;
}  // namespace

RemovalTimes::RemovalTimes(const Clock& clock)
    : clock_(clock),
      wall_ms_(clock.now().ms),
      uptime_ms_(clock.monotonic_ms()),
      next_ms_(uptime_ms_ + kHourMs) {}

bool RemovalTimes::due() {
  const std::int64_t wall = clock_.now().ms;
  const std::int64_t uptime = clock_.monotonic_ms();
  const std::int64_t drift = (wall - wall_ms_) - (uptime - uptime_ms_);
  wall_ms_ = wall;
  uptime_ms_ = uptime;
  if (drift > kHourMs || drift < -kHourMs) next_ms_ = uptime + kDayMs;
  if (uptime < next_ms_) return false;
  next_ms_ = uptime + kHourMs;
  return true;
}

void KeyringTrouble::look() {
  std::string now = keyring_.trouble();
  if (now == said_) return;
  if (now.empty()) {
    log_.info("keys.written_again");
  } else {
    log_.error("keys.not_written", {{"code", std::string_view(now)}});
  }
  said_ = std::move(now);
}

Maintenance::Maintenance(Parts parts, Removal removal)
    : parts_(parts), removal_(removal), thread_([this] { run(); }) {}

Maintenance::~Maintenance() {
  {
    const Lock lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  thread_.join();
}

void Maintenance::also(std::function<void()> act) {
  // The thread runs copies of the list: what an act remembers is shared by them.
  auto shared = std::make_shared<std::function<void()>>(std::move(act));
  const Lock lock(mutex_);
  acts_.emplace_back([shared = std::move(shared)] { (*shared)(); });
}

void Maintenance::removes(std::function<bool()> chunk) {
  auto shared = std::make_shared<std::function<bool()>>(std::move(chunk));
  const Lock lock(mutex_);
  chunks_.emplace_back([shared = std::move(shared)] { return (*shared)(); });
}

void Maintenance::remove_old() {
  parts_.blobs.sweep();
  Lock lock(mutex_);
  const std::vector<std::function<bool()>> chunks = chunks_;
  for (const auto& chunk : chunks) {
    bool more = true;
    for (int count = 0; more && count < kChunksAPass && !stopping_; ++count) {
      lock.unlock();
      more = chunk();
      lock.lock();
      wake_.wait_for(lock, kChunkPause, [this]() RABT_REQUIRES(mutex_) { return stopping_; });
    }
  }
}

void Maintenance::run() {
  parts_.admin.resume();
  RemovalTimes removal(parts_.clock);
  bool warned = false;
  Lock lock(mutex_);
  for (int sweeps = 0; !stopping_; ++sweeps) {
    const std::vector<std::function<void()>> acts = acts_;
    lock.unlock();
    parts_.keys.sweep();
    if (const LockedMemory memory = locked_memory(); !warned && memory.error != 0) {
      warned = true;
      parts_.log.warn("keys.memory_not_locked",
                      {{"bytes", static_cast<std::int64_t>(memory.unlocked_bytes)},
                       {"errno", static_cast<std::int64_t>(memory.error)},
                       {"advice", "raise RLIMIT_MEMLOCK (LimitMEMLOCK= of a systemd unit)"}});
    }
    if (removal_.old && removal.due()) remove_old();
    for (const auto& act : acts) act();
    if (removal_.buckets && sweeps % kSweepsAnHour == 0) {
      const auto gone = parts_.admin.shred_expired();
      if (!gone.ok()) parts_.log.error("keys.shred_failed", {{"code", gone.error().code}});
      if (gone.ok()) {
        for (const std::string& bucket : *gone)
          parts_.log.info("keys.shredded", {{"bucket", bucket}});
      }
    }
    lock.lock();
    wake_.wait_for(lock, kSweepEvery, [this]() RABT_REQUIRES(mutex_) { return stopping_; });
  }
}

}  // namespace rabt::assembly
