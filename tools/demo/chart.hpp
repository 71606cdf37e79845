#pragma once

#include <string>

#include "hub/base/json.hpp"
#include "hub/base/result.hpp"

namespace rabt::demo {

// A resource of the chart on one line: type and id, code, and the words of the code.
[[nodiscard]] std::string chart_line(const Json& resource);

// Chart of a visit as the record system gives it back, a line for each resource: Encounter,
// Condition, Observation, MedicationRequest, Composition. fhir_url: of the stand-in. encounter:
// reference to it. consultation: id of the visit's instance. Error: demo.waits while the chart does
// not hold all that BookedVisit writes.
[[nodiscard]] Result<std::string> chart_of(const std::string& fhir_url,
                                           const std::string& encounter,
                                           const std::string& consultation);

}  // namespace rabt::demo
