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

void Timers::add(const Entry& entry) {
  {
    const std::scoped_lock lock(mutex_);
    entries_.push({entry.due, entry});
  }
  wake_.notify_one();
}

void Timers::add_after(const Entry& entry, std::int64_t after_ms) {
  {
    const std::scoped_lock lock(mutex_);
    entries_.push({{clock_.now().ms + after_ms}, entry});
  }
  wake_.notify_one();
}

void Timers::stop() {
  {
    const std::scoped_lock lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  if (thread_.joinable()) thread_.join();
}

void Timers::run() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    if (entries_.empty()) {
      wake_.wait(lock);
      continue;
    }
    const std::int64_t left = entries_.top().at.ms - clock_.now().ms;
    if (left > 0) {
      wake_.wait_for(lock, std::chrono::milliseconds(std::min(left, kLongestSleepMs)));
      continue;
    }
    const Entry entry = entries_.top().entry;
    entries_.pop();
    lock.unlock();
    ring_(entry);
    lock.lock();
  }
}

}  // namespace rabt::engine
