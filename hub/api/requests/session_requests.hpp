#pragma once

#include "hub/api/requests/ask.hpp"
#include "hub/consultation/request/answer.hpp"
#include "hub/consultation/session/input.hpp"
#include "hub/consultation/sessions/session_requests.hpp"

// Readers of requests that make a session, or say no more than which session or participant it is.
namespace rabt::api {

[[nodiscard]] consultation::Asked<consultation::OfSession> of_session(const Ask& ask);
[[nodiscard]] consultation::Asked<consultation::OfParticipant> of_participant(const Ask& ask);
[[nodiscard]] consultation::Asked<consultation::SessionInput> create_session_of(const Ask& ask);

}  // namespace rabt::api
