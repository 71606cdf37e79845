#pragma once

#include <string>

#include "hub/base/clock.hpp"
#include "hub/base/ids.hpp"
#include "hub/identity/merges.hpp"

namespace rabt::consultation {

// Tells merges of records as the events patient.merged and patient.unmerged: {merged, survivor,
// at}, ids and the time, and no more. For Merges::Parts; clock and ids outlive it. Any thread.
[[nodiscard]] identity::Merges::Tell tells_merges(std::string tenant, const Clock& clock,
                                                  UlidSource& ids);

}  // namespace rabt::consultation
