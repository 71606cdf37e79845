#pragma once

#include <cstdint>

namespace rabt {

// Time of the Kingdom (Asia/Riyadh) ahead of UTC, in milliseconds. It knows no summer time.
inline constexpr std::int64_t kRiyadhMs = 3LL * 3'600'000;

}  // namespace rabt
