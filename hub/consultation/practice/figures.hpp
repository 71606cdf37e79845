#pragma once

#include "hub/consultation/practice/figure_requests.hpp"
#include "hub/consultation/practice/figure_views.hpp"
#include "hub/consultation/practice/practice_parts.hpp"
#include "hub/consultation/request/answer.hpp"
#include "hub/consultation/request/caller.hpp"

namespace rabt::consultation {

// Figures over many sessions: of all for managers of the tenant, of his own for a provider. Has no
// state of its own.
class PracticeFigures {
 public:
  explicit PracticeFigures(const PracticeParts& parts) : parts_(parts) {}

  // Error not_found session.unknown, here and in the next two.
  Result<QualityMetricsView> quality(const Caller& caller, const Asked<GetFigures>& asked);
  Result<PerformanceView> performance(const Caller& caller, const Asked<GetFigures>& asked);
  Result<BandwidthView> bandwidth(const Caller& caller, const Asked<GetFigures>& asked);

 private:
  const PracticeParts& parts_;
};

}  // namespace rabt::consultation
