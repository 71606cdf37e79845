#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "hub/base/clock.hpp"
#include "hub/base/result.hpp"
#include "hub/base/tally.hpp"
#include "hub/store/store.hpp"

namespace rabt::consultation {

// Sessions whose waiting room holds somebody, by the name of their clinic, which may be empty: how
// many, and since when the longest of them. Before the planned start nobody waits.
[[nodiscard]] Result<std::vector<Tally>> waiting_rooms(store::Store& store,
                                                       std::string_view tenant);

// Somebody in a waiting room.
struct LongWait {
  // ULIDs.
  std::string session;
  std::string participant;
  // ULID, or empty.
  std::string patient;
  // Number of the session's event by which the wait began: each wait has its own.
  std::int64_t event = 0;
  // Start of the wait: the arrival, or the planned start where that is later.
  std::int64_t since_ms = 0;
};
// Those whose wait began at `until` or before.
[[nodiscard]] Result<std::vector<LongWait>> long_waits(store::Store& store, std::string_view tenant,
                                                       Timestamp until);

}  // namespace rabt::consultation
