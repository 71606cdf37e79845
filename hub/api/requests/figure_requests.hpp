#pragma once

#include "hub/api/requests/ask.hpp"
#include "hub/consultation/practice/figure_requests.hpp"
#include "hub/consultation/request/answer.hpp"

// Readers of requests for figures over many sessions.
namespace rabt::api {

// ?year&month
[[nodiscard]] consultation::Asked<consultation::GetUsage> get_usage_of(const Ask& ask);
// ?from&to&session
[[nodiscard]] consultation::Asked<consultation::GetFigures> get_figures_of(const Ask& ask);
// ?month
[[nodiscard]] consultation::Asked<consultation::GetScfhsReport> get_scfhs_report_of(const Ask& ask);

}  // namespace rabt::api
