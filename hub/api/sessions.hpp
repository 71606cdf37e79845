#pragma once

#include "hub/api/routes.hpp"

namespace rabt::api {

// POST /api/v1/sessions: the session, with its address.
[[nodiscard]] Result<http::Response> create_session(Resources& resources, const Call& call);
// The sessions of the person whom the path names, those that the caller may see. Patients ask
// about themselves alone.
[[nodiscard]] Result<http::Response> patient_sessions(Resources& resources, const Call& call);
[[nodiscard]] Result<http::Response> provider_sessions(Resources& resources, const Call& call);
// The same with their sums.
[[nodiscard]] Result<http::Response> patient_history(Resources& resources, const Call& call);
// The emergencies for which the caller is rung now.
[[nodiscard]] Result<http::Response> my_rings(Resources& resources, const Call& call);

}  // namespace rabt::api
