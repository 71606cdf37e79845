#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "hub/consultation/rows/parts.hpp"
#include "hub/consultation/session/session.hpp"
#include "hub/plugin/call.hpp"

// Calls of roles for a caller who waits.
namespace rabt::consultation {

// Outcome of a call; unset when none came in time. Blocks.
[[nodiscard]] std::optional<workflow::ActionOutcome> call_outside(
    plugin::ActionRunner& actions, const plugin::CallRequest& request, std::int64_t patience_ms);
// Effect of an earlier call with this key; unknown when the plugin cannot say. Blocks.
[[nodiscard]] plugin::ProbeAnswer probe_outside(plugin::ActionRunner& actions,
                                                const plugin::CallRequest& request,
                                                std::int64_t patience_ms);
// Writes the entry `action.sent` about a call with data of `request.patient`, for the accounting of
// disclosures: before the call. `task` names the part of the hub that calls. Writes nothing where
// no plugin has the role.
[[nodiscard]] Status note_disclosure(const SessionParts& parts, const Session& session,
                                     const plugin::CallRequest& request, std::string_view task);

}  // namespace rabt::consultation
