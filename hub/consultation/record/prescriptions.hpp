#pragma once

#include "hub/consultation/record/clinical_requests.hpp"
#include "hub/consultation/record/clinical_views.hpp"
#include "hub/consultation/record/record_list.hpp"
#include "hub/consultation/record/record_office.hpp"

namespace rabt::consultation {

// Prescriptions: issued -> cancelled or dispensed; dispensed -> issued when a dispensing was
// entered in error. Internally synchronised.
class Prescriptions {
 public:
  explicit Prescriptions(RecordOffice& office) : office_(office) {}

  Result<RecordList<PrescriptionView>> list(const Caller& caller, const Asked<ListRecords>& asked);
  Result<PrescriptionView> prescribe(const Caller& caller, const Asked<Prescribe>& asked);
  Result<PrescriptionView> read(const Caller& caller, const Asked<NamedRecord>& asked);
  // Error conflict prescription.dispensed when each medication was handed over.
  Result<PrescriptionView> cancel(const Caller& caller, const Asked<CancelPrescription>& asked);
  // A pharmacy's system says what was handed over. Errors: conflict prescription.cancelled,
  // prescription.dispensed, prescription.item_dispensed; dispensing.other when the reference stands
  // for another dispensing; record.limit.
  Result<DispensingView> dispense(const Caller& caller, const Asked<RecordDispensing>& asked);
  // Takes a dispensing back. Errors: not_found record.unknown.
  Result<DispensingView> mark_dispensing_in_error(const Caller& caller,
                                                  const Asked<MarkDispensingInError>& asked);

 private:
  [[nodiscard]] Result<access::Allowed> may_prescribe(const Caller& caller, const Membership& of);
  [[nodiscard]] Result<PrescriptionView> write_prescription(const Caller& caller,
                                                            const Prescribe& request);
  [[nodiscard]] Result<DispensingView> commit_dispensings(const access::Allowed& allowed,
                                                          const Caller& caller,
                                                          RecordOffice::Found found,
                                                          const PrescriptionView& changed,
                                                          std::size_t place);

  RecordOffice& office_;
};

}  // namespace rabt::consultation
