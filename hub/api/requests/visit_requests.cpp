#include "hub/api/requests/visit_requests.hpp"

#include "hub/api/requests/period.hpp"
#include "hub/base/ascii.hpp"
#include "hub/consultation/practice/named_person.hpp"
#include "hub/consultation/request/fields.hpp"

namespace rabt::api {

using consultation::Asked;
using consultation::Fields;
using consultation::ListVisits;
using consultation::OfVisit;
using consultation::OpenVisit;
using consultation::person_in;
using consultation::read_reference;
using consultation::Reference;
using consultation::reference_in;

namespace {

std::optional<Reference> filter_of(const Ask& ask, std::string_view name) {
  const std::string_view given = ask.parameter(name);
  if (given.empty()) return std::nullopt;
  return read_reference(given);
}

Asked<std::string> visit_status(const Ask& ask) {
  std::string status = upper(ask.parameter("status"));
  if (!status.empty() && status != "OPEN" && status != "CLOSED")
    return invalid("api.invalid", "status: it must be OPEN or CLOSED");
  return status;
}

}  // namespace

Asked<ListVisits> list_visits_of(const Ask& ask) {
  RABT_TRY(period, period_of(ask));
  return ListVisits{.patient = filter_of(ask, "patient"),
                    .provider = filter_of(ask, "provider"),
                    .period = period,
                    .status = visit_status(ask)};
}

Asked<OpenVisit> open_visit_of(const Ask& ask) {
  Fields fields(ask.body);
  fields.only({"patient", "provider", "externalId"});
  if (!fields.has("patient")) fields.wrong("patient", "it is needed");
  OpenVisit out{.patient = person_in(fields.raw("patient"))};
  if (fields.has("provider")) out.provider = person_in(fields.raw("provider"));
  if (fields.has("externalId")) {
    out.external = reference_in(fields.raw("externalId")).external;
    if (!out.external) fields.wrong("externalId", "it must be {system, value}");
  }
  RABT_TRY_STATUS(fields.done());
  return out;
}

OfVisit of_visit(const Ask& ask) {
  return {.visit = read_reference(ask.record)};
}

}  // namespace rabt::api
