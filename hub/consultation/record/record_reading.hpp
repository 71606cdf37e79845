#pragma once

#include <string_view>

#include "hub/consultation/record/clinical_facts.hpp"
#include "hub/consultation/record/record_office.hpp"
#include "hub/consultation/record/record_summary.hpp"

namespace rabt::consultation {

// Readings of several kinds of records at once. Internally synchronised.
class RecordReading {
 public:
  explicit RecordReading(RecordOffice& office) : office_(office) {}

  // For workflows alone: what clinicians wrote in the visit, as a payer and a record system take
  // it.
  Result<ClinicalFactsView> clinical_facts(const Caller& caller,
                                           const Asked<ReadClinicalFacts>& asked);
  // The caller's reading is in the audit log already.
  Result<RecordSummary> summary_of(const Caller& caller, const Membership& of);
  // The opened record that an event of the live channel is about: a message, or a segment of the
  // transcript. Null for every other event, and when it cannot be opened now. `of` has the session
  // and its data key. The channel decides who may see the record; that was audited when the channel
  // was opened.
  Json live_content(const Membership& of, std::string_view type, const Json& data);

 private:
  RecordOffice& office_;
};

}  // namespace rabt::consultation
