#include "hub/base/settled_clock.hpp"

#include <cstdlib>

namespace rabt {

SettledClock::SettledClock(const Clock& wall)
    : wall_(wall), offset_ms_(wall.now().ms - wall.monotonic_ms()) {}

SettledClock::Reading SettledClock::read() const {
  const Lock lock(mutex_);
  const std::int64_t monotonic = wall_.monotonic_ms();
  const std::int64_t step = wall_.now().ms - monotonic - offset_ms_;
  if (std::abs(step) <= kTakenAtOnce.count()) {
    offset_ms_ += step;
    step_ms_ = 0;
    return {.offset_ms = offset_ms_, .step_ms = 0, .monotonic_ms = monotonic};
  }
  // Another step than before begins to wait anew.
  if (step_ms_ == 0 || std::abs(step - step_ms_) > kTakenAtOnce.count()) {
    step_ms_ = step;
    since_ms_ = monotonic;
  }
  if (monotonic - since_ms_ >= kBelievedAfter.count()) {
    offset_ms_ += step;
    step_ms_ = 0;
    return {.offset_ms = offset_ms_, .step_ms = 0, .monotonic_ms = monotonic};
  }
  return {.offset_ms = offset_ms_, .step_ms = step, .monotonic_ms = monotonic};
}

Timestamp SettledClock::now() const {
  const Reading at = read();
  return {at.monotonic_ms + at.offset_ms};
}

std::int64_t SettledClock::ahead_ms() const {
  return read().step_ms;
}

}  // namespace rabt
