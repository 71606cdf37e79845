#pragma once

#include "hub/api/routes.hpp"

namespace rabt::api {

// POST /api/v1/sessions: the session, with its address.
[[nodiscard]] Result<http::Response> create_session(Resources& resources, const Call& call);

}  // namespace rabt::api
