#pragma once

#include <chrono>

#include "hub/base/clock.hpp"
#include "hub/base/mutex.hpp"

namespace rabt {

// Time for what cannot be taken back: timers, no-shows, retention, giving up. Follows the monotonic
// clock. A step of the wall clock is believed after it has lasted kBelievedAfter; until then the
// time goes on as if the clock had not been set. Internally synchronised.
class SettledClock final : public Clock {
 public:
  // Smaller steps are taken at once: services that set the clock make them.
  static constexpr std::chrono::milliseconds kTakenAtOnce{30'000};
  // An operator notices a wrong clock, or time service corrects it, within this.
  static constexpr std::chrono::milliseconds kBelievedAfter{30 * 60 * 1000};

  explicit SettledClock(const Clock& wall);
  [[nodiscard]] Timestamp now() const override;
  [[nodiscard]] std::int64_t monotonic_ms() const override { return wall_.monotonic_ms(); }
  // Milliseconds by which the wall clock is ahead of this one; 0 while both agree.
  [[nodiscard]] std::int64_t ahead_ms() const;

 private:
  struct Reading {
    std::int64_t offset_ms = 0;
    std::int64_t step_ms = 0;
    std::int64_t monotonic_ms = 0;
  };
  Reading read() const;

  const Clock& wall_;
  mutable Mutex mutex_;
  // Wall time minus monotonic time, as it is believed.
  mutable std::int64_t offset_ms_ RABT_GUARDED_BY(mutex_);
  // The step that is not believed yet, and since when it lasts.
  mutable std::int64_t step_ms_ RABT_GUARDED_BY(mutex_) = 0;
  mutable std::int64_t since_ms_ RABT_GUARDED_BY(mutex_) = 0;
};

}  // namespace rabt
