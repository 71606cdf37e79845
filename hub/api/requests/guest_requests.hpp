#pragma once

#include "hub/api/requests/ask.hpp"
#include "hub/consultation/sessions/guest_requests.hpp"

// Reader of a request to come in by a link.
namespace rabt::api {

// Error invalid api.invalid.
[[nodiscard]] consultation::Asked<consultation::EnterByLink> enter_by_link_of(const Ask& ask);

}  // namespace rabt::api
