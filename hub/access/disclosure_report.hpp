#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "hub/access/grants.hpp"
#include "hub/access/patient_detail.hpp"
#include "hub/audit/audit_log.hpp"
#include "hub/base/json.hpp"
#include "hub/base/result.hpp"

// Reports from the audit log about the readers of one patient's data.
namespace rabt::access {

struct ReportParts {
  audit::AuditLog& log;
  const PatientDetail& details;
  std::string tenant;
};

// An instance that works on data of a person.
struct PatientInstance {
  std::string id;
  // Blind index under which the audit log has the person.
  std::string patient;
};

// Person whom a report is about.
struct Subject {
  // Blind index that names the person in the report.
  std::string named;
  // All under which the log may have the person.
  std::set<std::string> indexes;
  // That work on data of the person. By id.
  std::map<std::string, PatientInstance> instances;
  // Identifiers that somebody else has or had, too: what stands under them is left out.
  std::int64_t left_out = 0;
};

// Entries of one report; whoever needs more asks for a shorter time.
inline constexpr std::size_t kMaxReportRows = 10'000;
inline constexpr std::size_t kMaxReportGrants = 1'000;

// Accounting of disclosures (HIPAA, 45 CFR 164.528: when, to whom, what, why) and of accesses (who
// saw what, when, why). from inclusive, to exclusive, by the wall clock of the entries. An object:
//   patient      pseudonym under which the log has the person
//   instances    [id]
//   disclosures  [{seq, time, recipient, host, capability, fields, purpose, routine, instance,
//                task, outcome}]
//                routine: for treatment, payment or operations, which 164.528 excepts
//                outcome: how the call ended, null while the call is open
//   accesses     [{seq, time, act, result, actor, object, purpose, client, request, reason, grant}]
//   others       how many other entries the log has about the person
//   leftOut      Subject::left_out
//   complete     false when there are more than kMaxReportRows entries; the report then ends at the
//                last row
// reason is "[erased]" when its key was destroyed, and "[unreadable]" when it does not open.
// Errors: of kind corrupt those of audit::read_page, which name an entry that is not what was
// written; not_found phi.patient_unknown.
[[nodiscard]] Result<Json> patient_report(const ReportParts& parts, const Subject& subject,
                                          std::int64_t from_ms, std::int64_t to_ms);

// All grants that the log tells of, or those that it does not tell were reviewed, newest first:
// {grants: [{id, state, opened, expires, ended?, endedBy?, openedBy, patient, instance?, reason,
// reads: [as accesses], reviewed?, reviewedBy?}], complete}. The database, which can be changed,
// says only by its absence what the log does not: state is open, closed, expired, or
//   missing      open by the log, and the database does not have the grant
//   not_opened   something was read under it, and the log does not have that it was opened; of this
//                grant there are only id, state and reads
// complete is false when there are more than kMaxReportGrants. Errors: of kind corrupt those of
// audit::read_page.
[[nodiscard]] Result<Json> break_glass_report(const ReportParts& parts, Grants& grants,
                                              bool only_unreviewed);

}  // namespace rabt::access
