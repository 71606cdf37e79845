#pragma once

#include "hub/api/requests/ask.hpp"
#include "hub/consultation/request/answer.hpp"
#include "hub/consultation/sessions/reading_requests.hpp"

// Readers of questions about sessions.
namespace rabt::api {

// Reads the query.
[[nodiscard]] consultation::Asked<consultation::ListSessions> list_sessions_of(const Ask& ask);
// Reads the query: `after` is the `next` of the page before.
[[nodiscard]] consultation::Asked<consultation::ReadEvents> read_events_of(const Ask& ask);

}  // namespace rabt::api
