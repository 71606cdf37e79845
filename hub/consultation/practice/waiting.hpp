#pragma once

#include <string_view>
#include <vector>

#include "hub/base/result.hpp"
#include "hub/base/tally.hpp"
#include "hub/store/store.hpp"

namespace rabt::consultation {

// Sessions whose waiting room holds somebody, by the name of their clinic, which may be empty: how
// many, and since when the longest of them. Before the planned start nobody waits.
[[nodiscard]] Result<std::vector<Tally>> waiting_rooms(store::Store& store,
                                                       std::string_view tenant);

}  // namespace rabt::consultation
