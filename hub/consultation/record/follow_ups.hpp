#pragma once

#include "hub/consultation/record/record_list.hpp"
#include "hub/consultation/record/record_office.hpp"
#include "hub/consultation/record/shared_requests.hpp"
#include "hub/consultation/record/shared_views.hpp"

namespace rabt::consultation {

// Follow-ups of a session, proposed or booked. Internally synchronised.
class FollowUps {
 public:
  explicit FollowUps(RecordOffice& office) : office_(office) {}

  Result<RecordList<FollowUpView>> list(const Caller& caller, const Asked<ListRecords>& asked);
  Result<FollowUpView> plan(const Caller& caller, const Asked<PlanFollowUp>& asked);

 private:
  RecordOffice& office_;
};

}  // namespace rabt::consultation
