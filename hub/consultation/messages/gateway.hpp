#pragma once

#include <optional>
#include <string_view>

#include "hub/plugin/call.hpp"

// The role `notify`, for a caller who waits. Both functions block.
namespace rabt::consultation {

inline constexpr std::string_view kNotifyRole = "notify";
inline constexpr std::string_view kNotifyVersion = "1.0.0";
// A gateway answers at once, or is asked again later.
inline constexpr std::int64_t kGatewayMs = 10'000;

// Outcome of a call; unset when none came in time.
[[nodiscard]] std::optional<workflow::ActionOutcome> call_gateway(
    plugin::ActionRunner& actions, const plugin::CallRequest& request);
// Effect of an earlier call with this key; unknown when the gateway cannot say.
[[nodiscard]] plugin::ProbeAnswer probe_gateway(plugin::ActionRunner& actions,
                                                const plugin::CallRequest& request);

}  // namespace rabt::consultation
