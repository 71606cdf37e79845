#pragma once

#include <string_view>

#include "hub/api/requests/ask.hpp"
#include "hub/consultation/record/clinical_requests.hpp"
#include "hub/consultation/request/answer.hpp"

// Readers of requests about vital signs and prescriptions. Each names every mistake of the body.
namespace rabt::api {

// Names that a body has for the members of a medication.
struct MedicationNames {
  std::string_view name = "name";
  std::string_view dosage = "dosage";
  // Empty where the body has no code.
  std::string_view code = "code";
  // True if members that no medication has are mistakes.
  bool closed = true;
};
// The list of this name in a body.
[[nodiscard]] consultation::Medications medications_in(consultation::Fields& fields,
                                                       std::string_view list,
                                                       const MedicationNames& names = {});
[[nodiscard]] consultation::Asked<consultation::RecordVitals> record_vitals_of(const Ask& ask);
[[nodiscard]] consultation::Asked<consultation::Prescribe> prescribe_of(const Ask& ask);
[[nodiscard]] consultation::Asked<consultation::CancelPrescription> cancel_prescription_of(
    const Ask& ask);
[[nodiscard]] consultation::Asked<consultation::RecordDispensing> record_dispensing_of(
    const Ask& ask);
[[nodiscard]] consultation::Asked<consultation::MarkDispensingInError> mark_dispensing_in_error_of(
    const Ask& ask);

}  // namespace rabt::api
