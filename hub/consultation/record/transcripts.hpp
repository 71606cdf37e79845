#pragma once

#include "hub/consultation/record/record_list.hpp"
#include "hub/consultation/record/record_office.hpp"
#include "hub/consultation/record/speech_recogniser.hpp"
#include "hub/consultation/record/transcript_requests.hpp"
#include "hub/consultation/record/transcript_views.hpp"
#include "hub/consultation/recording/said.hpp"

namespace rabt::consultation {

// Transcript of a session. Internally synchronised.
class Transcripts {
 public:
  explicit Transcripts(RecordOffice& office) : office_(office), recogniser_(office) {}

  Result<TranscriptView> read(const Caller& caller, const Asked<ListRecords>& asked);
  // Sound becomes words by the role asr, with the consent of everybody who took part so far.
  // Errors: those of SpeechRecogniser::hear; conflict consent.transcription_missing,
  // session.<status>.
  Result<SegmentView> add_segment(const Caller& caller, const Asked<AddSegment>& asked);
  // Adds the segments of a recording, also after the end. For workflows alone. Gives the number of
  // segments. A repeat changes nothing.
  Result<SegmentsWritten> add_transcript(const Caller& caller, const Asked<AddTranscript>& asked);
  // Adds the words that the video provider wrote down while it recorded, also after the end. For
  // the hub alone. Skips words that a client of the speaker has sent. Gives the number of segments
  // that were written. A repeat changes nothing.
  Result<SegmentsWritten> add_said(const Caller& caller, const Asked<AddSaid>& asked);

 private:
  // heard: the words are those of sound, which needs more consent than a text that a client sends.
  Result<SegmentView> keep_segment(const Caller& caller, const AddSegment& request, bool heard);

  RecordOffice& office_;
  SpeechRecogniser recogniser_;
};

}  // namespace rabt::consultation
