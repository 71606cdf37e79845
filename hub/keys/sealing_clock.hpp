#pragma once

#include "hub/base/clock.hpp"
#include "hub/base/result.hpp"

// A clock by which something may be sealed.
namespace rabt::keys {

// A clock that has lost its battery begins in 1970 or 2000. Data sealed then would be in a
// bucket that is over as soon as the clock is set.
inline constexpr Timestamp kEarliest{1'767'225'600'000};  // 2026-01-01: the hub is not older

[[nodiscard]] inline Error wrong_clock() {
  return unavailable("keys.clock",
                     "the system's clock stands before 2026, so that nothing can be sealed for the "
                     "right time; set it");
}

// Error unavailable keys.clock: the clock cannot be right, so that nothing is sealed.
[[nodiscard]] inline Status check_clock(const Clock& clock) {
  return clock.now() < kEarliest ? Status(wrong_clock()) : ok_status();
}

}  // namespace rabt::keys
