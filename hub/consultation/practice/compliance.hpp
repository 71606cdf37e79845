#pragma once

#include "hub/consultation/practice/figure_requests.hpp"
#include "hub/consultation/practice/figure_views.hpp"
#include "hub/consultation/practice/practice_parts.hpp"
#include "hub/consultation/practice/settings_views.hpp"
#include "hub/consultation/request/answer.hpp"
#include "hub/consultation/request/caller.hpp"

namespace rabt::consultation {

// Agreements and regions, and the report to the Saudi Commission for Health Specialties. Each
// reading is in the audit log. Has no state of its own; every act blocks for one commit.
class Compliance {
 public:
  explicit Compliance(const PracticeParts& parts) : parts_(parts) {}

  Result<ComplianceView> read(const Caller& caller);
  Result<ScfhsReportView> scfhs_report(const Caller& caller, const Asked<GetScfhsReport>& asked);
  // Tells a state that is not the last one.
  [[nodiscard]] Status note();

 private:
  [[nodiscard]] ComplianceView state() const;
  [[nodiscard]] Status append(const audit::Prepared& entry) const;

  const PracticeParts& parts_;
};

}  // namespace rabt::consultation
