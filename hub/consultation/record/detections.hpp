#pragma once

#include "hub/consultation/record/record_office.hpp"
#include "hub/consultation/record/shared_requests.hpp"
#include "hub/consultation/record/shared_views.hpp"

namespace rabt::consultation {

// Verdicts of people on the detector's findings: its rate of mistakes is a figure of the house.
// Internally synchronised.
class Detections {
 public:
  explicit Detections(RecordOffice& office) : office_(office) {}

  // A verdict on whether what the detector found was patient data.
  Result<DetectionReviewView> review(const Caller& caller, const Asked<ReviewDetection>& asked);

 private:
  RecordOffice& office_;
};

}  // namespace rabt::consultation
