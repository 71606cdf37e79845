#pragma once

#include <functional>
#include <limits>
#include <string_view>

#include "hub/store/store.hpp"

namespace rabt::consultation {

// The lane of what changes rows of one session, so that writers side by side never lock the rows of
// two sessions in different orders. The same for the life of a process; two sessions may share one.
[[nodiscard]] inline store::Lane lane_of(std::string_view session) {
  constexpr auto kMost = static_cast<std::size_t>(std::numeric_limits<store::Lane>::max());
  return static_cast<store::Lane>(std::hash<std::string_view>()(session) & kMost);
}

}  // namespace rabt::consultation
