#pragma once

#include <set>
#include <string>

#include "chart.hpp"

// Corrects a resource of a chart that the record system already has, and keeps the changes of
// others in the resource. Pure.
namespace rabt::fhir {

// True if the resource holds no more: it was cancelled or entered in error, a prescription also
// completed or stopped.
[[nodiscard]] bool has_ended(const Json& resource);

// The resource as it should be: what the clinicians wrote is put in place, codings and components
// that others added stay, as do all other members. The status stays as the record system has it,
// except of what the hub itself had taken back. A resource that has ended there is not changed, and
// nothing but the status of a MedicationRequest: a prescription is issued once. An active one is
// completed when all of the drug was handed over, and active again when that was an error, unless
// somebody else has changed its status. Of a dispensing nothing is changed but the prescription
// that it lacks.
[[nodiscard]] Json corrected(const Json& before, const ChartEntry& wanted);

// The note as it should be. gone: plain references of what the hub has taken back. Sections of
// others, and their entries in sections of the hub, stay. A note of which nothing is left becomes
// entered-in-error (FHIR R4, CompositionStatus), until the hub has something to say again.
[[nodiscard]] Json corrected_note(const Json& before, const ChartEntry& wanted,
                                  const std::set<std::string>& gone, const Settings& settings);

// The Encounter as it should be: `diagnosis` names the wanted Conditions in their order, with their
// ranks, and none of the plain references in `gone`. Entries of others stay where they are, and
// `use` of the hub's as the record system has it. An Encounter that was cancelled or entered in
// error is not changed. wanted: as encounter_diagnoses() makes it.
[[nodiscard]] Json corrected_encounter(const Json& before, const Json& wanted,
                                       const std::set<std::string>& gone, const Settings& settings);

// The identifier that the hub gave this resource in the chart of a consultation; "" when it is no
// resource of that chart.
[[nodiscard]] std::string own_identifier(const Json& resource, const std::string& consultation);

// The resource when its entry does not hold any more: a prescription was cancelled, anything else
// was entered in error. Its identifier gets the use `old`. What has ended already stays as it is.
[[nodiscard]] Json withdrawn(const Json& before, const std::string& identifier);

// The references of a note to other resources.
[[nodiscard]] std::vector<std::string> entries_of(const Json& composition);
// The references of an Encounter to its diagnoses.
[[nodiscard]] std::vector<std::string> diagnoses_of(const Json& encounter);

}  // namespace rabt::fhir
