#pragma once

#include "hub/consultation/record/clinical_requests.hpp"
#include "hub/consultation/record/clinical_views.hpp"
#include "hub/consultation/record/record_list.hpp"
#include "hub/consultation/record/record_office.hpp"

namespace rabt::consultation {

// Prescriptions: issued -> cancelled. Internally synchronised.
class Prescriptions {
 public:
  explicit Prescriptions(RecordOffice& office) : office_(office) {}

  Result<RecordList<PrescriptionView>> list(const Caller& caller, const Asked<ListRecords>& asked);
  Result<PrescriptionView> prescribe(const Caller& caller, const Asked<Prescribe>& asked);
  Result<PrescriptionView> read(const Caller& caller, const Asked<NamedRecord>& asked);
  Result<PrescriptionView> cancel(const Caller& caller, const Asked<CancelPrescription>& asked);

 private:
  [[nodiscard]] Result<access::Allowed> may_prescribe(const Caller& caller, const Membership& of);
  [[nodiscard]] Result<PrescriptionView> write_prescription(const Caller& caller,
                                                            const Prescribe& request);

  RecordOffice& office_;
};

}  // namespace rabt::consultation
