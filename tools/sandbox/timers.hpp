#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <thread>

#include "hub/base/mutex.hpp"

namespace rabt::sandbox {

// Runs functions later, one after another, on one thread. Internally synchronised. The destructor
// waits for the function that is running and drops the rest.
class Timers final {
 public:
  Timers() : thread_([this] { run(); }) {}
  ~Timers() {
    {
      const Lock lock(mutex_);
      stopping_ = true;
      wake_.notify_all();
    }
    thread_.join();
  }
  Timers(const Timers&) = delete;
  Timers& operator=(const Timers&) = delete;

  void after(std::int64_t ms, std::function<void()> action) {
    const Lock lock(mutex_);
    waiting_.emplace(std::chrono::steady_clock::now() + std::chrono::milliseconds(ms),
                     std::move(action));
    wake_.notify_all();
  }

 private:
  void run() {
    Lock lock(mutex_);
    while (!stopping_) {
      if (waiting_.empty()) {
        wake_.wait(lock);
        continue;
      }
      const auto due = waiting_.begin()->first;
      if (std::chrono::steady_clock::now() < due) {
        wake_.wait_until(lock, due);
        continue;
      }
      const std::function<void()> action = std::move(waiting_.begin()->second);
      waiting_.erase(waiting_.begin());
      lock.unlock();
      action();
      lock.lock();
    }
  }

  Mutex mutex_;
  Condition wake_;
  std::multimap<std::chrono::steady_clock::time_point, std::function<void()>> waiting_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace rabt::sandbox
