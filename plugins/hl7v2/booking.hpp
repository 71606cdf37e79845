#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "rabt/plugin.hpp"
#include "settings.hpp"

// Bookings of HL7 v2 (SIU) as events of the role `ehr`, and how they are acknowledged. No input and
// output here.
namespace rabt::hl7v2 {

// Returns the events of a delivery, or the reason of its refusal, and in both cases the
// acknowledgement that its sender waits for. Never throws for the content of the delivery.
[[nodiscard]] sdk::Events to_events(std::string_view body, const Settings& settings,
                                    std::int64_t now_seconds);

}  // namespace rabt::hl7v2
