#pragma once

#include "hub/api/requests/ask.hpp"
#include "hub/consultation/practice/visit_requests.hpp"

// Readers of requests about visits.
namespace rabt::api {

[[nodiscard]] consultation::Asked<consultation::ListVisits> list_visits_of(const Ask& ask);
[[nodiscard]] consultation::Asked<consultation::OpenVisit> open_visit_of(const Ask& ask);
// record: the visit.
[[nodiscard]] consultation::OfVisit of_visit(const Ask& ask);

}  // namespace rabt::api
