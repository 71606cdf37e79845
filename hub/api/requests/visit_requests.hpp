#pragma once

#include "hub/consultation/practice/visit_requests.hpp"

// Readers of requests about visits.
namespace rabt::api {

[[nodiscard]] consultation::Asked<consultation::ListVisits> list_visits_of(
    const consultation::Ask& ask);
[[nodiscard]] consultation::Asked<consultation::OpenVisit> open_visit_of(
    const consultation::Ask& ask);
// record: the visit.
[[nodiscard]] consultation::OfVisit of_visit(const consultation::Ask& ask);

}  // namespace rabt::api
