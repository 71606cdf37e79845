#pragma once

#include "hub/consultation/sessions/invitation_requests.hpp"

// Readers of requests about invitations.
namespace rabt::api {

[[nodiscard]] consultation::Inviting inviting_of(const consultation::Ask& ask);
[[nodiscard]] consultation::Asked<consultation::OfInvitation> of_invitation(
    const consultation::Ask& ask);
// {code}. Error invalid api.invalid.
[[nodiscard]] consultation::Asked<consultation::OfCode> of_code(const consultation::Ask& ask);

}  // namespace rabt::api
