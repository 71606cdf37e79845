#pragma once

#include "hub/consultation/record/record_list.hpp"
#include "hub/consultation/record/record_office.hpp"
#include "hub/consultation/record/shared_requests.hpp"
#include "hub/consultation/record/shared_views.hpp"

namespace rabt::consultation {

// Opinions of those who took part, one of each. Internally synchronised.
class Feedback {
 public:
  explicit Feedback(RecordOffice& office) : office_(office) {}

  Result<RecordList<FeedbackView>> list(const Caller& caller, const Asked<ListFeedback>& asked);
  Result<FeedbackView> give(const Caller& caller, const Asked<GiveFeedback>& asked);

 private:
  RecordOffice& office_;
};

}  // namespace rabt::consultation
