#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "hub/access/access_control.hpp"
#include "hub/access/patient_detail.hpp"
#include "hub/base/json.hpp"
#include "hub/base/result.hpp"
#include "hub/store/store.hpp"

// Who saw what of one patient: reports made from the audit log.
namespace rabt::access {

struct ReportParts {
  store::Store& store;
  const PatientDetail& details;
  std::string tenant;
};

inline constexpr std::size_t kMaxReportRows = 10'000;  // of one report; more: ask for less time

// Accounting of disclosures (HIPAA, 45 CFR 164.528: when, to whom, what, why) and of accesses (who
// saw what, when, why). patient: blind index of any identifier of the person. from inclusive, to
// exclusive, by the wall clock of the entries. An object:
//   patient      pseudonym under which the log has the person
//   instances    [id]
//   disclosures  [{seq, time, recipient, host, capability, fields, purpose, routine, instance,
//   task,
//                outcome}]; routine: for treatment, payment or operations, which 164.528 excepts;
//                outcome: how the call ended, null while it is open
//   accesses     [{seq, time, act, result, actor, object, purpose, client, request, reason, grant}]
//   others       how many other entries the log has about the person
//   complete     false: there are more than kMaxReportRows entries; the report ends at the last row
// reason is "[erased]" when its key was destroyed, and "[unreadable]" when it does not open.
// Errors: not_found phi.patient_unknown; conflict phi.patient_ambiguous (several persons share this
// identifier: ask by another one).
[[nodiscard]] Result<Json> patient_report(const ReportParts& parts, std::string_view patient,
                                          std::int64_t from_ms, std::int64_t to_ms);

// Every grant that is not reviewed, or all of them: {grants: [{id, state, opened, expires, ended?,
// openedBy, patient, instance?, reason, uses, reads: [as accesses], reviewed?, reviewedBy?}]}.
[[nodiscard]] Result<Json> break_glass_report(const ReportParts& parts, AccessControl& gate,
                                              bool only_unreviewed);

}  // namespace rabt::access
