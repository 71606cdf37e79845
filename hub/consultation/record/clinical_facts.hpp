#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "hub/base/clock.hpp"
#include "hub/base/json.hpp"
#include "hub/consultation/record/clinical_views.hpp"
#include "hub/consultation/record/profile_facts.hpp"
#include "hub/consultation/session/status.hpp"

// Facts that the clinicians of a visit wrote, as a claim and a record system take it. Pure.
namespace rabt::consultation {

struct ReadClinicalFacts {
  // ULID, UUID or number.
  std::string session;
  // The length of the visit was decided on.
  bool any_length = false;
  // For the chart, and not for a claim.
  bool whole = false;
};

// A doctor, specialist or nurse.
[[nodiscard]] bool is_clinician(const RecordAuthor& who);
// True for a note that one of them signed.
[[nodiscard]] bool is_of_clinician(const NoteView& note);

struct VisitRecords {
  // Each kind oldest first.
  std::vector<NoteView> notes;
  std::vector<VitalsView> vitals;
  std::vector<PrescriptionView> prescriptions;
};

// claim: the texts of the newest note that has them, in the first section that fits, and the
// diagnoses of the newest note that has any. chart: all sections of all notes and all diagnoses.
enum class Extent : std::uint8_t { claim, chart };

// The record that a fact is from, and its author.
struct FactSource {
  std::string record;
  RecordAuthor by;
  // RFC 3339
  std::string at;
};
struct FactDiagnosis {
  std::string code;
  std::string display{};
  // principal, secondary
  std::string type;
};
struct FactAddendum {
  // RFC 3339
  std::string at;
  std::string text;
};
// Members of an object in the order in which they came to be known.
template <typename Value>
using Members = std::vector<std::pair<std::string, Value>>;

// {acts: {notes, diagnoses, vitals, prescriptions},   how many are by a clinician
//  diagnoses: [{code, display?, type}],               the principal one first
//  notes: {chiefComplaint, historyOfPresentIllness, physicalExamination, patientHistory,
//          assessment, treatmentPlan},                those that were written
//  addenda: [{at, text}],                             oldest first, of each note
//  vitals: {systolic, diastolic, heightCm, weightKg, pulse, temperatureCel, oxygenSaturation,
//           respiratoryRate; in a chart glucoseMmol, painScale},    the newest of each
//  prescriptions: [{number, issuedAt, items, status?, dispensings?}],   status: cancelled; in a
//          chart alone, when a medication was handed over before. dispensings: [{id, items,
//          pharmacist, pharmacy, handedOverAt, notes?}], or [{id, items, status}] of one that was
//          entered in error; items: [{item, quantity?, unit?}]
//  sources: {"diagnoses/0", "notes/chiefComplaint", "vitals/pulse": {record, by, role, at}}}
//
// Only notes that were signed and hold count, and only what a doctor, specialist or nurse wrote:
// what a patient or a workflow enters is no act of a clinician.
struct ClinicalFacts {
  struct Acts {
    std::int64_t notes = 0;
    std::int64_t diagnoses = 0;
    std::int64_t vitals = 0;
    std::int64_t prescriptions = 0;
  };
  Acts acts{};
  std::vector<FactDiagnosis> diagnoses{};
  Members<std::string> notes{};
  std::vector<FactAddendum> addenda{};
  // Numbers, with the digits they came with.
  Members<Json> vitals{};
  std::vector<PrescriptionView> prescriptions{};
  Members<FactSource> sources{};
};
[[nodiscard]] ClinicalFacts clinical_facts_of(const VisitRecords& records, Extent extent);
[[nodiscard]] Json to_json(const ClinicalFacts::Acts& acts);
[[nodiscard]] Json to_json(const ClinicalFacts& facts);

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
[[nodiscard]] std::vector<std::string> missing_for_claim(const ClinicalFacts& facts,
                                                         const std::optional<ClaimedVisit>& visit);

struct ClinicalFactsView {
  std::string session;
  SessionStatus status = SessionStatus::scheduled;
  std::optional<Timestamp> started{};
  std::optional<Timestamp> ended{};
  std::int64_t duration_seconds = 0;
  // As missing_for_claim. A claim may be made if nothing is missing.
  std::vector<std::string> missing{};
  // ULID. May be empty.
  std::string provider{};
  ClinicalFacts facts{};
  // Set where the session has a patient.
  struct Patient {
    ClaimPatient patient;
    std::vector<ProfileIdentifier> identifiers;
    PatientContact contact;
  };
  std::optional<Patient> patient{};
  // Set where it has a provider.
  std::optional<ClaimPractitioner> practitioner{};
};
[[nodiscard]] Json to_json(const ClinicalFactsView& view);

}  // namespace rabt::consultation
