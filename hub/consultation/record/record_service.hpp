#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "hub/consultation/record/record_book.hpp"
#include "hub/consultation/record/record_list.hpp"
#include "hub/consultation/record/records.hpp"
#include "hub/consultation/record/rights.hpp"
#include "hub/consultation/request/fields.hpp"

namespace rabt::consultation {

// Records over the store. One file for each sort of record. Internally synchronised.
class RecordService final : public Records {
 public:
  explicit RecordService(RecordParts parts);

  Result<RecordList<MessageView>> messages(const Caller& caller,
                                           const Asked<ListRecords>& asked) override;
  Result<MessageView> send_message(const Caller& caller, const Asked<SendMessage>& asked) override;

  Result<RecordList<DocumentView>> documents(const Caller& caller,
                                             const Asked<ListRecords>& asked) override;
  Result<DocumentView> share_document(const Caller& caller,
                                      const Asked<ShareDocument>& asked) override;
  Result<std::unique_ptr<DocumentUpload>> begin_document(
      const Caller& caller, const Asked<BeginDocument>& asked) override;
  Result<DocumentView> document(const Caller& caller, const Asked<NamedRecord>& asked) override;
  Result<Content> document_content(const Caller& caller, const Asked<NamedRecord>& asked) override;

  Result<RecordList<NoteView>> notes(const Caller& caller,
                                     const Asked<ListRecords>& asked) override;
  Result<NoteView> write_note(const Caller& caller, const Asked<WriteNote>& asked) override;
  Result<NoteView> change_note(const Caller& caller, const Asked<ChangeNote>& asked) override;
  Result<NoteView> add_addendum(const Caller& caller, const Asked<AddAddendum>& asked) override;

  Result<RecordList<VitalsView>> vitals(const Caller& caller,
                                        const Asked<ListRecords>& asked) override;
  Result<VitalsView> record_vitals(const Caller& caller, const Asked<RecordVitals>& asked) override;
  Result<RecordList<PrescriptionView>> prescriptions(const Caller& caller,
                                                     const Asked<ListRecords>& asked) override;
  Result<PrescriptionView> prescribe(const Caller& caller, const Asked<Prescribe>& asked) override;
  Result<PrescriptionView> prescription(const Caller& caller,
                                        const Asked<NamedRecord>& asked) override;
  Result<PrescriptionView> cancel_prescription(const Caller& caller,
                                               const Asked<CancelPrescription>& asked) override;

  Result<TranscriptView> transcript(const Caller& caller, const Asked<ListRecords>& asked) override;
  Result<SegmentView> add_segment(const Caller& caller, const Asked<AddSegment>& asked) override;
  Result<SegmentsWritten> add_transcript(const Caller& caller,
                                         const Asked<AddTranscript>& asked) override;
  Result<SegmentsWritten> add_said(const Caller& caller, const Asked<AddSaid>& asked) override;
  Result<RecordList<FeedbackView>> feedback(const Caller& caller,
                                            const Asked<ListFeedback>& asked) override;
  Result<FeedbackView> give_feedback(const Caller& caller,
                                     const Asked<GiveFeedback>& asked) override;
  Result<RecordList<FollowUpView>> follow_ups(const Caller& caller,
                                              const Asked<ListRecords>& asked) override;
  Result<FollowUpView> plan_follow_up(const Caller& caller,
                                      const Asked<PlanFollowUp>& asked) override;

  Result<DetectionReviewView> review_detection(const Caller& caller,
                                               const Asked<ReviewDetection>& asked) override;

  Result<QualityView> quality(const Caller& caller, const Asked<ReadQuality>& asked) override;
  Result<QualityReportedView> report_quality(const Caller& caller,
                                             const Asked<ReportQuality>& asked) override;
  Result<QualityLevelView> set_quality_level(const Caller& caller,
                                             const Asked<SetQualityLevel>& asked) override;

  Status allows(const Caller& caller, const Asked<NamedRecord>& asked,
                access::Right right) override;
  Result<ClinicalFactsView> clinical_facts(const Caller& caller,
                                           const Asked<ReadClinicalFacts>& asked) override;
  Result<RecordSummary> summary_of(const Caller& caller, const Membership& of) override;
  Json live_content(const Membership& of, std::string_view type, const Json& data) override;

 private:
  class Upload;
  struct Found {
    Membership of;
    Record record;
  };

  // Relation of the caller to the session. Errors: those of Memberships::membership.
  [[nodiscard]] Result<Membership> member(const Caller& caller, std::string_view session);
  // A new record of the caller's, at the clock's time.
  [[nodiscard]] Record fresh(const Caller& caller, const Membership& of, RecordKind kind) const;
  // The record of this ULID, UUID or number, with what the caller is to its session. Errors:
  // not_found record.unknown; those of may_read; a record that is not shown is not found.
  [[nodiscard]] Result<Found> find(const Caller& caller, RecordKind kind, std::string_view name);
  // Records of one kind that the caller is shown, after the reading is in the audit log.
  [[nodiscard]] Result<RecordBook::Page> page(const Caller& caller, const Asked<ListRecords>& asked,
                                              RecordKind kind);
  [[nodiscard]] Status audit_reading(const Caller& caller, const Membership& of,
                                     std::string_view act, Json detail);
  // The text as it may be kept; adds the kinds to the document and the act to the audit log.
  // Error invalid phi.exposed, whose entry is durable.
  [[nodiscard]] Result<std::string> screen(const Caller& caller, const Membership& of,
                                           const TextRules& rules, std::string_view text,
                                           std::string_view where, RecordAct& act);
  [[nodiscard]] Result<access::Allowed> may_prescribe(const Caller& caller, const Membership& of);
  [[nodiscard]] Result<PrescriptionView> write_prescription(const Caller& caller,
                                                            const Prescribe& request);

  const RecordParts parts_;
  const RecordBook book_;
};

}  // namespace rabt::consultation
