#include "hub/plugin/timers.hpp"

#include <algorithm>
#include <chrono>

namespace rabt::plugin {

namespace {
constexpr std::int64_t kPollMs = 10;  // how late a virtual clock's step may be noticed
}

Timers::Timers(const Clock& clock) : clock_(clock), thread_([this] { run(); }) {}

Timers::~Timers() {
  {
    const Lock lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  thread_.join();
}

Timers::Key Timers::add(std::int64_t due_ms, std::function<void()> closure) {
  const Lock lock(mutex_);
  const Key key{due_ms, next_++};
  waiting_.emplace(key, std::move(closure));
  if (asleep_) wake_.notify_all();
  return key;
}

void Timers::cancel(const Key& key) {
  if (key.number == 0) return;
  const Lock lock(mutex_);
  waiting_.erase(key);
}

void Timers::run() {
  Lock lock(mutex_);
  while (!stopping_) {
    if (waiting_.empty()) {
      asleep_ = true;
      wake_.wait(lock);
      asleep_ = false;
      continue;
    }
    const std::int64_t now = clock_.monotonic_ms();
    const auto first = waiting_.begin();
    if (first->first.due_ms <= now) {
      {
        const std::function<void()> closure = std::move(first->second);
        waiting_.erase(first);
        lock.unlock();
        closure();
      }
      lock.lock();
      continue;
    }
    wake_.wait_for(lock, std::chrono::milliseconds(std::min(first->first.due_ms - now, kPollMs)));
  }
}

}  // namespace rabt::plugin
