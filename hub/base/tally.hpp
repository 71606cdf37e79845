#pragma once

#include <cstdint>
#include <string>

#include "hub/base/clock.hpp"

namespace rabt {

// How many there are of something, and the time of the oldest.
struct Tally {
  // What they have in common: a name or a code; may be empty.
  std::string of = {};
  std::int64_t count = 0;
  // Meaningless when there are none.
  Timestamp oldest{};
};

}  // namespace rabt
