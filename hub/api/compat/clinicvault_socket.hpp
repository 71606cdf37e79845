#pragma once

#include "hub/api/requests/ask.hpp"
#include "hub/api/session_feed.hpp"
#include "hub/http/server.hpp"
#include "hub/identity/people.hpp"

namespace rabt::api {

// WS /ws/{consultation_id}/{user_id} of ClinicVault: the live channel of one session, in its own
// frames. user: the number of the caller, who can be nobody else. Errors: denied
// authorisation.denied, those of Sessions::membership.
[[nodiscard]] Result<http::Response> open_clinicvault_socket(const LiveParts& parts,
                                                             identity::Directory& people,
                                                             const http::Request& request,
                                                             const Ask& ask, std::string_view user);

}  // namespace rabt::api
