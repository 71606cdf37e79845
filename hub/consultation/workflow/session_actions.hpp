#pragma once

#include <memory>

#include "hub/plugin/call.hpp"

namespace rabt::consultation {

class Practice;
class Records;
class Sessions;

// hub://session: docs/consultation.md lists its actions.
[[nodiscard]] std::shared_ptr<plugin::HubService> make_session_actions(Sessions& sessions,
                                                                       Records& records,
                                                                       Practice& practice);

}  // namespace rabt::consultation
