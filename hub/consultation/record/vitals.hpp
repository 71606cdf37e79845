#pragma once

#include "hub/consultation/record/clinical_requests.hpp"
#include "hub/consultation/record/clinical_views.hpp"
#include "hub/consultation/record/record_list.hpp"
#include "hub/consultation/record/record_office.hpp"

namespace rabt::consultation {

// Vital signs that were measured of the patient. Internally synchronised.
class Vitals {
 public:
  explicit Vitals(RecordOffice& office) : office_(office) {}

  Result<RecordList<VitalsView>> list(const Caller& caller, const Asked<ListRecords>& asked);
  Result<VitalsView> record(const Caller& caller, const Asked<RecordVitals>& asked);

 private:
  RecordOffice& office_;
};

}  // namespace rabt::consultation
