#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <utility>

#include "hub/base/mutex.hpp"

namespace rabt::engine {

// Counts what is under way: messages, commits and calls. Internally synchronised.
class OpenWork {
 public:
  // Waits until nothing is under way. False when the time is over first.
  bool wait_idle(std::chrono::milliseconds timeout) {
    Lock lock(mutex_);
    return idle_.wait_for(lock, timeout, [this] { return count_.load() == 0; });
  }

 private:
  friend class WorkToken;
  void raise() { count_.fetch_add(1, std::memory_order_relaxed); }
  void lower() {
    if (count_.fetch_sub(1) != 1) return;
    const Lock lock(mutex_);
    idle_.notify_all();
  }

  std::atomic<std::int64_t> count_{0};
  Mutex mutex_;
  Condition idle_;
};

// One piece of open work, from construction until its last copy is destroyed. May outlive the
// engine, because a callback may.
class WorkToken {
 public:
  explicit WorkToken(std::shared_ptr<OpenWork> work) : work_(std::move(work)) { work_->raise(); }
  WorkToken(const WorkToken& other) : work_(other.work_) {
    if (work_ != nullptr) work_->raise();
  }
  WorkToken(WorkToken&& other) noexcept = default;
  WorkToken& operator=(WorkToken other) noexcept {
    std::swap(work_, other.work_);
    return *this;
  }
  ~WorkToken() {
    if (work_ != nullptr) work_->lower();
  }

 private:
  std::shared_ptr<OpenWork> work_;
};

}  // namespace rabt::engine
