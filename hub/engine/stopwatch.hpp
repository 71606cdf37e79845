#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>

namespace rabt::engine {

// Adds the time from construction to destruction, in nanoseconds.
class Stopwatch {
 public:
  explicit Stopwatch(std::atomic<std::int64_t>& into)
      : into_(into), start_(std::chrono::steady_clock::now()) {}
  Stopwatch(const Stopwatch&) = delete;
  Stopwatch& operator=(const Stopwatch&) = delete;
  ~Stopwatch() {
    into_.fetch_add((std::chrono::steady_clock::now() - start_).count(), std::memory_order_relaxed);
  }

 private:
  std::atomic<std::int64_t>& into_;
  const std::chrono::steady_clock::time_point start_;
};

}  // namespace rabt::engine
