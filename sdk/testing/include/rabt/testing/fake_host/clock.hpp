#pragma once

// rabt.clock/1. Included by fake_host.hpp. SPDX-License-Identifier: Apache-2.0

#include "rabt/testing/fake_host.hpp"

namespace rabt::sdk::testing {

inline void FakeHost::wake_after(void* self, std::int64_t ms, void* context, rabt_clock_wake wake) {
  FakeHost& host = of(self);
  host.later([&host, ms, context, wake] {
    host.clock.wake_after(
        ms, [&host, context, wake] { host.on(RABT_LANE_CALL, [&] { wake(context); }); });
  });
}

inline void FakeHost::random(void* self, std::uint8_t* out, std::uint64_t size) {
  FakeHost& host = of(self);
  const Lock lock(host.mutex_);
  for (std::uint64_t i = 0; i < size; ++i) out[i] = static_cast<std::uint8_t>(host.noise_++ * 167U);
  ++host.noise_;
}

}  // namespace rabt::sdk::testing
