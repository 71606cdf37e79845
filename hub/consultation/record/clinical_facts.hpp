#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "hub/base/json.hpp"
#include "hub/consultation/record/record_book.hpp"

// Facts that the clinicians of a visit wrote, as a claim and a record system take it. Pure.
namespace rabt::consultation {

struct VisitRecords {
  // Each kind oldest first.
  std::vector<Record> notes;
  std::vector<Record> vitals;
  std::vector<Record> prescriptions;
};

// claim: the texts of the newest note that has them, in the first section that fits, and the
// diagnoses of the newest note that has any. chart: all sections of all notes and all diagnoses.
enum class Extent : std::uint8_t { claim, chart };

// {acts: {notes, diagnoses, vitals, prescriptions},   how many are by a clinician
//  diagnoses: [{code, display?, type}],               the principal one first
//  notes: {chiefComplaint, historyOfPresentIllness, physicalExamination, patientHistory,
//          assessment, treatmentPlan},                those that were written
//  addenda: [{at, text}],                             oldest first, of each note
//  vitals: {systolic, diastolic, heightCm, weightKg, pulse, temperatureCel, oxygenSaturation,
//           respiratoryRate; in a chart glucoseMmol, painScale},    the newest of each
//  prescriptions: [{number, issuedAt, items}],
//  sources: {"diagnoses/0", "notes/chiefComplaint", "vitals/pulse": {record, by, role, at}}}
//
// Only final notes count, and only what a doctor, specialist or nurse wrote: what a patient or a
// workflow enters is no act of a clinician.
[[nodiscard]] Json clinical_facts_of(const VisitRecords& records, Extent extent);

// Visit as it was held, and the least that a claim asks.
struct ClaimedVisit {
  bool patient_came = false;
  // Those in which patient and clinician were in together.
  std::int64_t seconds = 0;
  std::int64_t least_seconds = 0;
};

// Reasons against a claim from these facts: visit.no_patient, visit.too_short, visit.no_act,
// visit.no_diagnosis, visit.no_complaint. Empty when it may be made. `visit`: unset where somebody
// has decided that the visit counts as it was.
[[nodiscard]] std::vector<std::string> missing_for_claim(const Json& facts,
                                                         const std::optional<ClaimedVisit>& visit);

// All numbers in the profile of a person, that of the claim first: [{value, type, system?}].
[[nodiscard]] Json identifiers_of_profile(const Json& profile);

// The patient of a claim from the profile of a person: {identifier, name, gender, birthDate}.
[[nodiscard]] Json patient_of_profile(const Json& profile);
// Contact of a patient: {phone?, email?, language}.
[[nodiscard]] Json contact_of_profile(const Json& profile);
// {licence, name}
[[nodiscard]] Json practitioner_of_profile(const Json& profile);

}  // namespace rabt::consultation
