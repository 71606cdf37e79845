#pragma once

#include "hub/access/patient_detail.hpp"
#include "hub/api/patients.hpp"
#include "hub/api/routes.hpp"
#include "hub/audit/export/export.hpp"
#include "hub/base/clock.hpp"
#include "hub/store/store.hpp"

namespace rabt::api {

// What the audit log tells. Every reading of the log is in the log.
struct Audit {
  store::Store& store;
  const access::PatientDetail& details;
  Patients patients;
  const Clock& clock;
  // As exports name this hub.
  audit::ExportSource source;

  // {"patient": "KIND:VALUE", "from"?, "to"?}: who saw what of one patient.
  [[nodiscard]] Result<http::Response> report(const Call& call) const;
  // {"format": "fhir|syslog|jsonl", "from"?, "to"?, "first"?, "last"?, "patient"?}: entries, a page
  // at a time.
  [[nodiscard]] Result<http::Response> export_page(const Call& call) const;
};

}  // namespace rabt::api
