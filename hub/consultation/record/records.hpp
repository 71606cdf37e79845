#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "hub/access/access_control.hpp"
#include "hub/access/decide.hpp"
#include "hub/audit/audit_log.hpp"
#include "hub/base/clock.hpp"
#include "hub/base/ids.hpp"
#include "hub/base/random.hpp"
#include "hub/blob/blob_store.hpp"
#include "hub/consultation/acts/memberships.hpp"
#include "hub/consultation/record/clinical_facts.hpp"
#include "hub/consultation/record/clinical_requests.hpp"
#include "hub/consultation/record/clinical_views.hpp"
#include "hub/consultation/record/note_requests.hpp"
#include "hub/consultation/record/record_list.hpp"
#include "hub/consultation/record/record_summary.hpp"
#include "hub/consultation/record/shared_requests.hpp"
#include "hub/consultation/record/shared_text.hpp"
#include "hub/consultation/record/shared_views.hpp"
#include "hub/consultation/record/transcript_requests.hpp"
#include "hub/consultation/record/transcript_views.hpp"
#include "hub/consultation/recording/said.hpp"
#include "hub/consultation/request/ask.hpp"
#include "hub/consultation/request/settings.hpp"
#include "hub/identity/people.hpp"
#include "hub/keys/data_keys.hpp"
#include "hub/phi/detector.hpp"
#include "hub/store/store.hpp"

// Records of a session: messages, documents, notes, vital signs, prescriptions, transcript,
// feedback, follow-ups, quality of the line. All of it is sealed with the session's key, and none
// of it changes after the session has ended, but for what docs/consultation.md names.
namespace rabt::consultation {

// A document on its way in, sealed as it comes. Destroyed before finish() is ok, it leaves nothing
// behind. Not thread-safe.
class DocumentUpload {
 public:
  virtual ~DocumentUpload() = default;
  // The next bytes, cut anywhere. Errors: invalid document.too_large; unavailable blob.*.
  virtual Status take(std::string_view piece) = 0;
  // Compares the types that the caller names with the bytes that have come: a mistake is found by
  // the first KiB, before the rest is sent. Error invalid document.type.
  [[nodiscard]] virtual Status judge(std::string_view type,
                                     std::string_view content_type) const = 0;
  // One commit shares the document. Errors: invalid api.invalid, document.type, phi.exposed; those
  // of begin_document.
  virtual Result<DocumentView> finish(const Caller& caller,
                                      const Asked<DescribedDocument>& asked) = 0;
};

// Lists are {items: [...], next?}, oldest first, and hold a page that begins after the record of
// the parameter `after`; where more follow, `next` is the id after which they begin. Internally
// synchronised; every act blocks for one commit.
class Records {
 public:
  virtual ~Records() = default;

  virtual Result<RecordList<MessageView>> messages(const Caller& caller,
                                                   const Asked<ListRecords>& asked) = 0;
  virtual Result<MessageView> send_message(const Caller& caller,
                                           const Asked<SendMessage>& asked) = 0;
  virtual Result<RecordList<DocumentView>> documents(const Caller& caller,
                                                     const Asked<ListRecords>& asked) = 0;
  virtual Result<DocumentView> share_document(const Caller& caller,
                                              const Asked<ShareDocument>& asked) = 0;
  // The caller may share documents in the session now. Errors: denied authorisation.denied,
  // conflict session.<status>.
  virtual Result<std::unique_ptr<DocumentUpload>> begin_document(
      const Caller& caller, const Asked<BeginDocument>& asked) = 0;
  virtual Result<DocumentView> document(const Caller& caller, const Asked<NamedRecord>& asked) = 0;
  struct Content {
    std::string content_type;
    std::unique_ptr<blob::BlobReader> reader;
  };
  virtual Result<Content> document_content(const Caller& caller,
                                           const Asked<NamedRecord>& asked) = 0;

  virtual Result<RecordList<NoteView>> notes(const Caller& caller,
                                             const Asked<ListRecords>& asked) = 0;
  virtual Result<NoteView> write_note(const Caller& caller, const Asked<WriteNote>& asked) = 0;
  virtual Result<NoteView> change_note(const Caller& caller, const Asked<ChangeNote>& asked) = 0;
  virtual Result<NoteView> add_addendum(const Caller& caller, const Asked<AddAddendum>& asked) = 0;
  virtual Result<RecordList<VitalsView>> vitals(const Caller& caller,
                                                const Asked<ListRecords>& asked) = 0;
  virtual Result<VitalsView> record_vitals(const Caller& caller,
                                           const Asked<RecordVitals>& asked) = 0;
  virtual Result<RecordList<PrescriptionView>> prescriptions(const Caller& caller,
                                                             const Asked<ListRecords>& asked) = 0;
  virtual Result<PrescriptionView> prescribe(const Caller& caller,
                                             const Asked<Prescribe>& asked) = 0;
  virtual Result<PrescriptionView> prescription(const Caller& caller,
                                                const Asked<NamedRecord>& asked) = 0;
  virtual Result<PrescriptionView> cancel_prescription(const Caller& caller,
                                                       const Asked<CancelPrescription>& asked) = 0;
  virtual Result<TranscriptView> transcript(const Caller& caller,
                                            const Asked<ListRecords>& asked) = 0;
  virtual Result<SegmentView> add_segment(const Caller& caller, const Asked<AddSegment>& asked) = 0;
  // For workflows alone: what was said in a recording, also after the end. Gives the number of
  // segments. A repeat changes nothing.
  virtual Result<SegmentsWritten> add_transcript(const Caller& caller,
                                                 const Asked<AddTranscript>& asked) = 0;
  // For the hub alone: what the video provider wrote down while it recorded, also after the end.
  // Words that a client of the speaker has sent are passed over. Gives the number of segments that
  // were written. A repeat changes nothing.
  virtual Result<SegmentsWritten> add_said(const Caller& caller, const Asked<AddSaid>& asked) = 0;
  virtual Result<RecordList<FeedbackView>> feedback(const Caller& caller,
                                                    const Asked<ListFeedback>& asked) = 0;
  virtual Result<FeedbackView> give_feedback(const Caller& caller,
                                             const Asked<GiveFeedback>& asked) = 0;
  virtual Result<RecordList<FollowUpView>> follow_ups(const Caller& caller,
                                                      const Asked<ListRecords>& asked) = 0;
  virtual Result<FollowUpView> plan_follow_up(const Caller& caller,
                                              const Asked<PlanFollowUp>& asked) = 0;

  // A verdict on whether what the detector found was patient data.
  virtual Result<DetectionReviewView> review_detection(const Caller& caller,
                                                       const Asked<ReviewDetection>& asked) = 0;

  virtual Result<QualityView> quality(const Caller& caller, const Asked<ReadQuality>& asked) = 0;
  virtual Result<QualityReportedView> report_quality(const Caller& caller,
                                                     const Asked<ReportQuality>& asked) = 0;
  virtual Result<QualityLevelView> set_quality_level(const Caller& caller,
                                                     const Asked<SetQualityLevel>& asked) = 0;

  // Ok if the caller may write this to the record, whatever state it is in: note_write,
  // prescription_write. Errors: not_found record.unknown; those of the decision.
  virtual Status allows(const Caller& caller, const Asked<NamedRecord>& asked,
                        access::Right right) = 0;

  // For workflows alone: what clinicians wrote in the visit, as a payer and a record system take
  // it.
  virtual Result<ClinicalFactsView> clinical_facts(const Caller& caller,
                                                   const Asked<ReadClinicalFacts>& asked) = 0;
  // The caller's reading is in the audit log already.
  virtual Result<RecordSummary> summary_of(const Caller& caller, const Membership& of) = 0;
  // The opened record that an event of the live channel is about: a message, or a segment of the
  // transcript. Null for every other event, and when it cannot be opened now. `of` has the session
  // and its data key; who may see it is the channel's to decide, which was audited when it was
  // opened.
  virtual Json live_content(const Membership& of, std::string_view type, const Json& data) = 0;
};

struct RecordParts {
  store::Store& store;
  audit::AuditLog& audit;
  blob::BlobStore& blobs;
  keys::DataKeys& keys;
  access::AccessControl& access;
  const phi::Detector& detector;
  identity::Directory& people;
  Memberships& sessions;
  // Books a follow-up, as SessionCreation::create.
  std::function<Answer(const Ask&)> book;
  const Clock& clock;
  Random& random;
  UlidSource& ids;
  VideoSettings video;
  // Rules for patient data in messages, and in the text of documents.
  TextRules chat{};
  TextRules documents{};
};
[[nodiscard]] std::unique_ptr<Records> make_records(RecordParts parts);

}  // namespace rabt::consultation
