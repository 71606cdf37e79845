#pragma once

#include <memory>
#include <string_view>
#include <utility>

#include "hub/api/requests/clinical_requests.hpp"
#include "hub/api/requests/note_requests.hpp"
#include "hub/api/requests/record_list.hpp"
#include "hub/api/requests/transcript_requests.hpp"
#include "tests/consultation/asked_shared.hpp"
#include "tests/consultation/call_of.hpp"

namespace rabt::consultation {

// Records, asked as /api/v1 asks them: by JSON.
class AskedRecords : public AskedShared {
 public:
  void make(RecordParts parts) { records_ = std::make_unique<Records>(std::move(parts)); }
  void reset() { records_.reset(); }
  Records& operator*() { return *records_; }
  AskedRecords* operator->() { return this; }

  Answer notes(const Ask& ask) {
    return shown(records_->notes.list(ask.caller, api::list_records_of(ask)));
  }
  Answer write_note(const Ask& ask) {
    return shown(records_->notes.write(ask.caller, api::write_note_of(ask)));
  }
  Answer change_note(const Ask& ask) {
    return shown(records_->notes.change(ask.caller, api::change_note_of(ask)));
  }
  Answer add_addendum(const Ask& ask) {
    return shown(records_->notes.add_addendum(ask.caller, api::add_addendum_of(ask)));
  }
  Answer mark_note_in_error(const Ask& ask) {
    return shown(records_->notes.mark_in_error(ask.caller, api::mark_note_in_error_of(ask)));
  }
  Result<std::string> note_pdf(const Ask& ask) {
    return records_->note_papers.pdf(ask.caller, api::named_record_of(ask));
  }
  Answer chart_pdfs(const Ask& ask) {
    return shown(
        records_->note_papers.for_chart(ask.caller, ReadChartPdfs{.session = ask.session}));
  }
  Answer vitals(const Ask& ask) {
    return shown(records_->vitals.list(ask.caller, api::list_records_of(ask)));
  }
  Answer record_vitals(const Ask& ask) {
    return shown(records_->vitals.record(ask.caller, api::record_vitals_of(ask)));
  }
  Answer prescriptions(const Ask& ask) {
    return shown(records_->prescriptions.list(ask.caller, api::list_records_of(ask)));
  }
  Answer prescribe(const Ask& ask) {
    return shown(records_->prescriptions.prescribe(ask.caller, api::prescribe_of(ask)));
  }
  Answer prescription(const Ask& ask) {
    return shown(records_->prescriptions.read(ask.caller, api::named_record_of(ask)));
  }
  Answer cancel_prescription(const Ask& ask) {
    return shown(records_->prescriptions.cancel(ask.caller, api::cancel_prescription_of(ask)));
  }
  Answer dispense(const Ask& ask) {
    return shown(records_->prescriptions.dispense(ask.caller, api::record_dispensing_of(ask)));
  }
  Answer mark_dispensing_in_error(const Ask& ask) {
    return shown(records_->prescriptions.mark_dispensing_in_error(
        ask.caller, api::mark_dispensing_in_error_of(ask)));
  }
  Answer transcript(const Ask& ask) {
    return shown(records_->transcripts.read(ask.caller, api::list_records_of(ask)));
  }
  Answer add_segment(const Ask& ask) {
    return shown(records_->transcripts.add_segment(ask.caller, api::add_segment_of(ask)));
  }
  Answer add_transcript(const Ask& ask, const RecordedSpeech& speech = {}) {
    return shown(
        records_->transcripts.add_transcript(ask.caller, add_transcript_of(call_of(ask), speech)));
  }
  // {recording, said: [{key, participant, person?, role, at, endAt, text, confidence?}]}
  Answer add_said(const Ask& ask) {
    AddSaid add{
        .session = ask.session, .recording = ask.body.string_or("recording", ""), .said = {}};
    for (const Json& item : ask.body["said"].as_array())
      add.said.push_back({.key = item.string_or("key", ""),
                          .participant = item.string_or("participant", ""),
                          .person = item.string_or("person", ""),
                          .role = item.string_or("role", ""),
                          .at_ms = item.int_or("at", 0),
                          .end_ms = item.int_or("endAt", 0),
                          .text = item.string_or("text", ""),
                          .confidence = item["confidence"]});
    return shown(records_->transcripts.add_said(ask.caller, add));
  }

  Answer clinical_facts(const Ask& ask) {
    return shown(
        records_->reading.clinical_facts(ask.caller, read_clinical_facts_of(call_of(ask))));
  }
  Status allows(const Ask& ask, access::Right right) {
    return records_->office.allows(ask.caller, api::named_record_of(ask), right);
  }
  Result<Json> summary_of(const Ask& ask, const Membership& of) {
    return shown(records_->reading.summary_of(ask.caller, of));
  }
  Json live_content(const Membership& of, std::string_view type, const Json& data) {
    return records_->reading.live_content(of, type, data);
  }
};

}  // namespace rabt::consultation
