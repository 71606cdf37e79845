#pragma once

#include "hub/consultation/record/record_office.hpp"
#include "hub/consultation/record/shared_requests.hpp"
#include "hub/consultation/record/shared_views.hpp"

namespace rabt::consultation {

// Quality of the lines of a session, and the picture that each carries. Internally synchronised.
class LineQuality {
 public:
  explicit LineQuality(RecordOffice& office) : office_(office) {}

  Result<QualityView> read(const Caller& caller, const Asked<ReadQuality>& asked);
  Result<QualityReportedView> report(const Caller& caller, const Asked<ReportQuality>& asked);
  Result<QualityLevelView> choose_level(const Caller& caller, const Asked<SetQualityLevel>& asked);

 private:
  RecordOffice& office_;
};

}  // namespace rabt::consultation
