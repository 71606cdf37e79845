#pragma once

#include "hub/consultation/record/record_list.hpp"
#include "hub/consultation/record/record_office.hpp"
#include "hub/consultation/record/transcript_requests.hpp"
#include "hub/consultation/record/transcript_views.hpp"
#include "hub/consultation/recording/said.hpp"

namespace rabt::consultation {

// Transcript of a session. Internally synchronised.
class Transcripts {
 public:
  explicit Transcripts(RecordOffice& office) : office_(office) {}

  Result<TranscriptView> read(const Caller& caller, const Asked<ListRecords>& asked);
  Result<SegmentView> add_segment(const Caller& caller, const Asked<AddSegment>& asked);
  // Adds the segments of a recording, also after the end. For workflows alone. Gives the number of
  // segments. A repeat changes nothing.
  Result<SegmentsWritten> add_transcript(const Caller& caller, const Asked<AddTranscript>& asked);
  // Adds the words that the video provider wrote down while it recorded, also after the end. For
  // the hub alone. Skips words that a client of the speaker has sent. Gives the number of segments
  // that were written. A repeat changes nothing.
  Result<SegmentsWritten> add_said(const Caller& caller, const Asked<AddSaid>& asked);

 private:
  RecordOffice& office_;
};

}  // namespace rabt::consultation
