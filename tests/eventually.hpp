#pragma once

#include <chrono>
#include <functional>
#include <thread>

namespace rabt::test {

// Looks every 50 ms until it holds. False if it never did within the patience.
inline bool eventually(const std::function<bool()>& holds,
                       std::chrono::milliseconds patience = std::chrono::seconds(30)) {
  constexpr std::chrono::milliseconds kStep{50};
  for (std::chrono::milliseconds waited{0}; waited < patience; waited += kStep) {
    if (holds()) return true;
    std::this_thread::sleep_for(kStep);
  }
  return false;
}

}  // namespace rabt::test
