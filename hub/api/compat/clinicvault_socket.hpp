#pragma once

#include "hub/api/routes.hpp"
#include "hub/api/session_feed.hpp"
#include "hub/identity/people.hpp"

namespace rabt::api {

// WS /ws/{consultation_id}/{user_id} of ClinicVault: the live channel of one session, in its own
// frames. The first parameter of the call's path is the number of the
// session, the second that of the caller, who can be nobody else. Errors: denied
// authorisation.denied, those of Sessions::membership.
[[nodiscard]] Result<http::Response> open_clinicvault_socket(const LiveParts& parts,
                                                             identity::Directory& people,
                                                             const Call& call);

}  // namespace rabt::api
