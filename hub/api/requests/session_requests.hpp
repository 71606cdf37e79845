#pragma once

#include "hub/consultation/request/ask.hpp"
#include "hub/consultation/session/input.hpp"
#include "hub/consultation/sessions/session_requests.hpp"

// Readers of requests that make a session, or say no more than which session or participant it is.
namespace rabt::api {

[[nodiscard]] consultation::Asked<consultation::OfSession> of_session(const consultation::Ask& ask);
[[nodiscard]] consultation::Asked<consultation::OfParticipant> of_participant(
    const consultation::Ask& ask);
[[nodiscard]] consultation::Asked<consultation::SessionInput> create_session_of(
    const consultation::Ask& ask);

}  // namespace rabt::api
