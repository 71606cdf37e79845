#pragma once

#include <string>

#include "hub/access/disclosure_report.hpp"
#include "hub/access/patient_detail.hpp"
#include "hub/api/patients.hpp"
#include "hub/api/routes.hpp"
#include "hub/audit/audit_log.hpp"
#include "hub/audit/export/export.hpp"
#include "hub/base/clock.hpp"
#include "hub/identity/person_store.hpp"

namespace rabt::api {

// Error for a caller whose reading of the log failed: a defect of the log, which is of kind
// corrupt, becomes unavailable audit.altered, which names the entry.
[[nodiscard]] Error log_error(const Error& error);

// From inclusive, to exclusive, in milliseconds since 1970.
struct Period {
  std::int64_t from = INT64_MIN;
  std::int64_t to = INT64_MAX;
};
// ?from= &to=: ISO 8601 with a time zone, or a date in UTC. Error api.invalid.
[[nodiscard]] Result<Period> period_of(const http::Request& request);

// Answers questions about the audit log. Every reading of the log is in the log.
struct Audit {
  audit::AuditLog& log;
  const access::PatientDetail& details;
  Patients patients;
  const Clock& clock;
  // As exports name this hub.
  audit::ExportSource source;
  identity::People& people;

  // {"patient": "KIND:VALUE", "from"?, "to"?}: readings of one patient, under whichever of her
  // identifiers, now or earlier, the log has it. KIND may be person, with an id.
  [[nodiscard]] Result<http::Response> report(const Call& call) const;
  // {"format": "fhir|syslog|jsonl", "from"?, "to"?, "first"?, "last"?, "patient"?}: entries, a page
  // at a time.
  [[nodiscard]] Result<http::Response> export_page(const Call& call) const;
  // ?from&to&actor&act&object: entries without sealed parts and without patients, newest first, a
  // page at a time.
  [[nodiscard]] Result<http::Response> entries(const Call& call) const;
  // ?from&to: readings of the caller's own data, with names of the staff and without their
  // addresses and reasons. The last year, if no time is given.
  [[nodiscard]] Result<http::Response> own(const Call& call) const;
  // C2SP tlog-proof of an entry: of one that own() lists, and of any.
  [[nodiscard]] Result<http::Response> own_proof(const Call& call) const;
  [[nodiscard]] Result<http::Response> proof(const Call& call) const;
  // {checkpoint: the newest signed note, key: the verifier key of the log}
  [[nodiscard]] Result<http::Response> checkpoint(const Call& call) const;

 private:
  // The report on the person who asks. That it was made is in the log before it is given.
  [[nodiscard]] Result<Json> own_report(const Call& call, const Period& period) const;
  [[nodiscard]] Result<std::string> proof_of(std::int64_t seq) const;
  // Errors: those of Patients::index_of; not_found person.unknown; conflict phi.patient_ambiguous
  // (several persons share this identifier: ask by another one).
  [[nodiscard]] Result<access::Subject> subject_of(const std::string& text) const;
};

}  // namespace rabt::api
