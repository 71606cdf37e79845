#pragma once

#include <string_view>
#include <vector>

#include "hub/engine/standstill.hpp"

namespace rabt::consultation {

// Calls of the video provider that fail, and recordings that have not come. All kinds, also those
// of which there is none.
[[nodiscard]] Status add_waiting(store::Store& store, std::string_view tenant, Timestamp now,
                                 std::vector<engine::Waiting>& out);

}  // namespace rabt::consultation
