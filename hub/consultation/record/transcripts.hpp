#pragma once

#include "hub/consultation/record/record_list.hpp"
#include "hub/consultation/record/record_office.hpp"
#include "hub/consultation/record/transcript_requests.hpp"
#include "hub/consultation/record/transcript_views.hpp"
#include "hub/consultation/recording/said.hpp"

namespace rabt::consultation {

// What was said in a session, written down. Internally synchronised.
class Transcripts {
 public:
  explicit Transcripts(RecordOffice& office) : office_(office) {}

  Result<TranscriptView> read(const Caller& caller, const Asked<ListRecords>& asked);
  Result<SegmentView> add_segment(const Caller& caller, const Asked<AddSegment>& asked);
  // For workflows alone: what was said in a recording, also after the end. Gives the number of
  // segments. A repeat changes nothing.
  Result<SegmentsWritten> add_transcript(const Caller& caller, const Asked<AddTranscript>& asked);
  // For the hub alone: what the video provider wrote down while it recorded, also after the end.
  // Words that a client of the speaker has sent are passed over. Gives the number of segments that
  // were written. A repeat changes nothing.
  Result<SegmentsWritten> add_said(const Caller& caller, const Asked<AddSaid>& asked);

 private:
  RecordOffice& office_;
};

}  // namespace rabt::consultation
