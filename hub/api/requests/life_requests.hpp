#pragma once

#include "hub/api/requests/ask.hpp"
#include "hub/consultation/request/answer.hpp"
#include "hub/consultation/sessions/life_requests.hpp"

// Readers of requests that move a session from state to state, or change what it is about.
namespace rabt::api {

[[nodiscard]] consultation::Asked<consultation::ChangeSession> change_session_of(const Ask& ask);
[[nodiscard]] consultation::Asked<consultation::DeclineSession> decline_session_of(const Ask& ask);
[[nodiscard]] consultation::Asked<consultation::AssignSession> assign_session_of(const Ask& ask);
[[nodiscard]] consultation::Asked<consultation::EndSession> end_session_of(const Ask& ask);
[[nodiscard]] consultation::Asked<consultation::CancelSession> cancel_session_of(const Ask& ask);

}  // namespace rabt::api
