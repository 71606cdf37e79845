#pragma once

#include <algorithm>
#include <chrono>
#include <functional>
#include <thread>

namespace rabt::test {

// Looks until it holds, at first every millisecond, later every 50. False if it never did within
// the patience. Where nothing must happen, a test expects false of a short patience.
inline bool eventually(const std::function<bool()>& holds,
                       std::chrono::milliseconds patience = std::chrono::seconds(30)) {
  using std::chrono::milliseconds;
  milliseconds step{0};
  for (milliseconds waited{0}; waited < patience; waited += step) {
    if (holds()) return true;
    step = std::min(patience - waited, std::clamp(waited / 4, milliseconds(1), milliseconds(50)));
    std::this_thread::sleep_for(step);
  }
  return holds();
}

// Lets that much time pass where the time itself is the test's: a visit takes it, or a process dies
// after it. Who waits for something asks eventually().
inline void let_pass(std::chrono::microseconds time) {
  std::this_thread::sleep_for(time);
}

}  // namespace rabt::test
