#pragma once

// Time that stands still until a test moves it. SPDX-License-Identifier: Apache-2.0

#include <cstdint>
#include <functional>
#include <map>
#include <utility>

namespace rabt::sdk::testing {

class VirtualClock {
 public:
  [[nodiscard]] std::int64_t unix_ms() const { return unix_ms_; }
  [[nodiscard]] std::int64_t monotonic_ms() const { return monotonic_ms_; }
  // A jump of the wall clock; waits do not notice it.
  void set_unix_ms(std::int64_t now) { unix_ms_ = now; }

  void wake_after(std::int64_t ms, std::function<void()> wake) {
    waits_.emplace(monotonic_ms_ + (ms > 0 ? ms : 0), std::move(wake));
  }
  [[nodiscard]] bool waiting() const { return !waits_.empty(); }
  // Moves both clocks, and wakes what is due in the order of time. A wake may wait anew.
  void advance(std::int64_t ms) {
    const std::int64_t end = monotonic_ms_ + ms;
    while (!waits_.empty() && waits_.begin()->first <= end) step();
    move_to(end);
  }
  // Moves to the next wake; false when nothing waits.
  bool advance_to_next() {
    if (waits_.empty()) return false;
    step();
    return true;
  }
  void forget_waits() { waits_.clear(); }

 private:
  void step() {
    const auto first = waits_.begin();
    move_to(first->first);
    const std::function<void()> wake = std::move(first->second);
    waits_.erase(first);
    wake();
  }
  void move_to(std::int64_t monotonic) {
    if (monotonic <= monotonic_ms_) return;
    unix_ms_ += monotonic - monotonic_ms_;
    monotonic_ms_ = monotonic;
  }
  std::int64_t unix_ms_ = 1'775'023'201'000;  // 2026-04-01T06:00:01Z
  std::int64_t monotonic_ms_ = 1'000;
  std::multimap<std::int64_t, std::function<void()>> waits_;
};

}  // namespace rabt::sdk::testing
