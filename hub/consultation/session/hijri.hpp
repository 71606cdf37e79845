#pragma once

#include <string>

#include "hub/base/clock.hpp"

namespace rabt::consultation {

// The day of the Umm al-Qura calendar in Riyadh: "1447-09-01". Empty when the calendar does not
// know it.
[[nodiscard]] std::string hijri_date(Timestamp at);

}  // namespace rabt::consultation
