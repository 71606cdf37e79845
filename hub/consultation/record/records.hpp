#pragma once

#include <utility>

#include "hub/consultation/record/chat.hpp"
#include "hub/consultation/record/detections.hpp"
#include "hub/consultation/record/documents.hpp"
#include "hub/consultation/record/feedback.hpp"
#include "hub/consultation/record/follow_ups.hpp"
#include "hub/consultation/record/line_quality.hpp"
#include "hub/consultation/record/note_papers.hpp"
#include "hub/consultation/record/notes.hpp"
#include "hub/consultation/record/prescriptions.hpp"
#include "hub/consultation/record/record_office.hpp"
#include "hub/consultation/record/record_reading.hpp"
#include "hub/consultation/record/transcripts.hpp"
#include "hub/consultation/record/vitals.hpp"

namespace rabt::consultation {

// Records of a session: one service a kind, side by side over the same office. All of it is sealed
// with the session's key, and none of it changes after the session has ended, but for what
// docs/consultation.md names. Lists are {items: [...], next?}, oldest first, and hold a page that
// begins after the record of the parameter `after`; where more follow, `next` is the id after which
// they begin. Internally synchronised; every act blocks for one commit.
class Records {
 public:
  explicit Records(RecordParts parts) : office(std::move(parts)) {}
  Records(const Records&) = delete;
  Records& operator=(const Records&) = delete;

  RecordOffice office;
  Chat chat{office};
  Documents documents{office};
  Notes notes{office};
  NotePapers note_papers{office};
  Vitals vitals{office};
  Prescriptions prescriptions{office};
  Transcripts transcripts{office};
  Feedback feedback{office};
  FollowUps follow_ups{office};
  Detections detections{office};
  LineQuality line{office};
  RecordReading reading{office};
};

}  // namespace rabt::consultation
