#pragma once

#include "hub/api/requests/ask.hpp"
#include "hub/consultation/sessions/day_requests.hpp"

// Readers of requests about all visits of a day.
namespace rabt::api {

// Without reason and visits.
[[nodiscard]] consultation::ChangeDay preview_day_of(const Ask& ask);
[[nodiscard]] consultation::ChangeDay change_day_of(const Ask& ask);
[[nodiscard]] consultation::Asked<consultation::ListDay> list_day_of(const Ask& ask);

}  // namespace rabt::api
