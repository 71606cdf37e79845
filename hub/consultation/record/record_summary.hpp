#pragma once

#include <string>
#include <vector>

#include "hub/base/json.hpp"
#include "hub/consultation/record/clinical_views.hpp"
#include "hub/consultation/record/shared_views.hpp"

namespace rabt::consultation {

// Records of a session that the caller may see, oldest first, for the summary of the session.
struct RecordSummary {
  std::vector<NoteView> notes{};
  std::vector<PrescriptionView> prescriptions{};
  std::vector<VitalsView> vitals{};
  std::vector<FollowUpView> follow_ups{};
  std::vector<FeedbackView> feedback{};
  // Names of the lists that have the newest alone.
  std::vector<std::string> cut{};
};
// {notes, prescriptions, vitals, followUps, feedback, cut?}
[[nodiscard]] Json to_json(const RecordSummary& summary);

}  // namespace rabt::consultation
