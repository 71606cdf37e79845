#pragma once

#include <cstdint>
#include <string>

#include "hub/base/clock.hpp"

namespace rabt {

// Number of some things, and the time of the oldest.
struct Tally {
  // Name or code that they have in common. May be empty.
  std::string of = {};
  std::int64_t count = 0;
  // Meaningless when there are none.
  Timestamp oldest{};
};

}  // namespace rabt
