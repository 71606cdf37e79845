#pragma once

#include <cstdint>
#include <optional>

#include "hub/base/clock.hpp"

namespace rabt::consultation {

// From one time to another; all time where they are unset.
struct Period {
  std::optional<Timestamp> from{};
  std::optional<Timestamp> to{};

  [[nodiscard]] std::int64_t from_ms() const { return from ? from->ms : 0; }
  [[nodiscard]] std::int64_t to_ms() const { return to ? to->ms : INT64_MAX; }
};

}  // namespace rabt::consultation
