#pragma once

#include "tools/demo/visit.hpp"

namespace rabt::demo {

// A patient whom nobody has entered opens the link of a visit, waits, and is seen by the doctor.
// Error: the step that did not come out as it must.
[[nodiscard]] Status play_link(const Visit& visit);

}  // namespace rabt::demo
