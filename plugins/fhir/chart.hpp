#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "mapping.hpp"

// Chart of a visit by its clinicians, as FHIR R4 resources of a record system: a Condition for each
// diagnosis (category encounter-diagnosis, never the problem list), Observations of the vital signs
// (http://hl7.org/fhir/R4/observation-vitalsigns.html), a MedicationRequest for each prescribed
// drug, a MedicationDispense for each drug that a pharmacy handed over
// (http://hl7.org/fhir/R4/medicationdispense.html), the note as a Composition, and each signed note
// as the PDF of a DocumentReference. The Encounter of the visit names the Conditions. Pure.
namespace rabt::fhir {

// The identifier system of these resources. The value is made of the consultation and the entry, so
// that a repeat, or a correction, finds the resource of the first attempt.
inline constexpr std::string_view kRecordSystem = "https://rabt.health/record";

// The types of a chart's entries that the input names all of, and how the value of their
// identifiers goes on after the consultation: "01ABC/diagnosis/G43.9".
inline constexpr std::array<std::pair<std::string_view, std::string_view>, 3> kChartTypes{
    {{"Condition", "diagnosis"}, {"Observation", "vitals"}, {"MedicationRequest", "prescription"}}};
// Most bytes of a PDF; its base64 stands in the resource.
inline constexpr std::size_t kMaxPdf = 512U << 10U;

// A resource of the chart.
struct ChartEntry {
  std::string of;          // the place in the input that it was made of: "diagnoses/0"
  std::string type;        // "Condition"
  std::string identifier;  // its value in kRecordSystem
  Json resource;
  // Place of the prescribed drug in the input, for a dispensing. Empty for all others.
  std::string authorised_by{};
};

// A resource of something that was entered in error.
struct InError {
  std::string of;
  std::string type;
  std::string identifier;
};

// input: as write-record takes it. encounter: the Encounter of the visit as the record system has
// it, with its id; its subject is whom the chart is about.
[[nodiscard]] std::vector<ChartEntry> chart(const Json& input, const Json& encounter);

// Names the prescribed drug in a dispensing. taken: [{of, reference}], as note().
void authorise(ChartEntry& entry, const Json& taken);
// The dispensings of the input that were entered in error.
[[nodiscard]] std::vector<InError> dispensings_in_error(const Json& input);
// True if MedicationRequest.statusReason is that of a request that the hub completed.
[[nodiscard]] bool has_hub_reason(const Json& request);
// True if MedicationRequest.statusReason says that the hub completed it, as all was handed over.
[[nodiscard]] bool is_completed_by_hub(const Json& request);

// The identifier of a document in the chart of a consultation. document: an item of `documents`.
[[nodiscard]] std::string pdf_identifier(const Json& input, const Json& document);
// A signed note. of: "documents/0". pdf: its bytes.
[[nodiscard]] ChartEntry note_pdf(const Json& input, const Json& encounter, std::string of,
                                  const Json& document, std::string_view pdf,
                                  const Settings& settings);

// The note. entries: [{of, reference}] of those of the chart that the record system has taken. What
// it has not taken stands in the text of its section all the same.
[[nodiscard]] ChartEntry note(const Json& input, const Json& encounter, const Json& entries,
                              const Settings& settings);

// Encounter.diagnosis for the Conditions that the record system has taken, the principal one first:
// [{condition, use, rank}]. The rank is the place among the diagnoses of the input, from 1: that of
// a Condition that was refused stays free. taken: [{of, reference, ended}]: those of which the
// record system says that they hold no more are left out.
// http://hl7.org/fhir/R4/encounter-definitions.html#Encounter.diagnosis
[[nodiscard]] Json encounter_diagnoses(const Json& input, const Json& taken);

// True if a section of a note is one that the hub makes, by its title and code.
[[nodiscard]] bool is_own_section(const Json& section);
// True if the code of a component of an Observation is one that the hub writes.
[[nodiscard]] bool is_own_component(const Json& code);
// Condition.verificationStatus.
[[nodiscard]] Json verification(std::string_view code);

}  // namespace rabt::fhir
