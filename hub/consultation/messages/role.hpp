#pragma once

#include <string_view>

#include "hub/base/result.hpp"
#include "hub/workflow/action_catalog.hpp"

namespace rabt::consultation {

// Error unavailable notify.not_served unless the target serves a capability that sends people
// messages. `asking` is the key of the configuration by which the hub itself sends SMS, and empty
// when it sends none: it needs notify.sms.send/1.
[[nodiscard]] Status sends_messages(const workflow::ActionCatalog& catalog, std::string_view target,
                                    std::string_view asking);

}  // namespace rabt::consultation
