#pragma once

#include "hub/api/requests/ask.hpp"
#include "hub/consultation/sessions/invitation_requests.hpp"

// Readers of requests about invitations.
namespace rabt::api {

[[nodiscard]] consultation::Inviting inviting_of(const Ask& ask);
[[nodiscard]] consultation::Asked<consultation::OfInvitation> of_invitation(const Ask& ask);
// {code}. Error invalid api.invalid.
[[nodiscard]] consultation::Asked<consultation::OfCode> of_code(const Ask& ask);

}  // namespace rabt::api
