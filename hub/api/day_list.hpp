#pragma once

#include "hub/api/routes.hpp"

namespace rabt::api {

// GET /api/v1/day-list: the visits of a day by page as JSON, or all of them as HTML or CSV, as
// `format` says, else Accept. Errors: those of SessionDays::list; api.invalid.
[[nodiscard]] Result<http::Response> day_list(Resources& resources, const Call& call);

}  // namespace rabt::api
