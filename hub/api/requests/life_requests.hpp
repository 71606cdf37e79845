#pragma once

#include "hub/consultation/sessions/life_requests.hpp"

// Readers of requests that move a session from state to state.
namespace rabt::api {

[[nodiscard]] consultation::Asked<consultation::DeclineSession> decline_session_of(
    const consultation::Ask& ask);
[[nodiscard]] consultation::Asked<consultation::AssignSession> assign_session_of(
    const consultation::Ask& ask);

}  // namespace rabt::api
