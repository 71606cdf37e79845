#include "hub/engine/timers.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

namespace rabt::engine {

namespace {
// The longest sleep. A wall clock that was set forward, or a clock that a test moves, is noticed
// within this.
constexpr std::int64_t kLongestSleepMs = 20;
}  // namespace

void Timers::start(Ring ring) {
  ring_ = std::move(ring);
  thread_ = std::thread([this] { run(); });
}

void Timers::push(const Alarm& alarm) {
  bool first = false;
  {
    const Lock lock(mutex_);
    first = alarms_.empty() || alarm.at < alarms_.top().at;
    alarms_.push(alarm);
  }
  if (first) wake_.notify_one();
}

void Timers::add(const Entry& entry) {
  push({entry.due, entry});
}

void Timers::add_after(const Entry& entry, std::int64_t after_ms) {
  push({{clock_.now().ms + after_ms}, entry});
}

std::int64_t Timers::late_ms() const {
  const Lock lock(mutex_);
  std::optional<Timestamp> oldest = ringing_;
  if (!oldest && !alarms_.empty()) oldest = alarms_.top().at;
  return oldest ? std::max<std::int64_t>(0, clock_.now().ms - oldest->ms) : 0;
}

void Timers::stop() {
  {
    const Lock lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  idle_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void Timers::catch_up() {
  Lock lock(mutex_);
  while (!stopping_ && (ringing_ || (!alarms_.empty() && alarms_.top().at.ms <= clock_.now().ms))) {
    wake_.notify_one();
    idle_.wait(lock);
  }
}

void Timers::run() {
  Lock lock(mutex_);
  while (!stopping_) {
    if (alarms_.empty()) {
      wake_.wait(lock);
      continue;
    }
    const std::int64_t left = alarms_.top().at.ms - clock_.now().ms;
    if (left > 0) {
      wake_.wait_for(lock, std::chrono::milliseconds(std::min(left, kLongestSleepMs)));
      continue;
    }
    const Entry entry = alarms_.top().entry;
    ringing_ = alarms_.top().at;
    alarms_.pop();
    lock.unlock();
    ring_(entry);
    lock.lock();
    ringing_.reset();
    idle_.notify_all();
  }
}

}  // namespace rabt::engine
