#pragma once

#include <memory>
#include <string_view>
#include <utility>

#include "hub/api/requests/record_list.hpp"
#include "hub/api/requests/shared_requests.hpp"
#include "hub/consultation/record/records.hpp"
#include "tests/consultation/shown.hpp"

namespace rabt::consultation {

// A document on its way in, described by JSON.
class AskedUpload {
 public:
  explicit AskedUpload(std::unique_ptr<DocumentUpload> upload) : upload_(std::move(upload)) {}
  Status take(std::string_view piece) { return upload_->take(piece); }
  [[nodiscard]] Status judge(std::string_view type, std::string_view content_type) const {
    return upload_->judge(type, content_type);
  }
  Answer finish(const Ask& ask) {
    return shown(upload_->finish(ask.caller, api::described_document_of(ask)));
  }

 private:
  std::unique_ptr<DocumentUpload> upload_;
};

// Records that the participants of a session share, through the JSON calls of /api/v1.
class AskedShared {
 public:
  Answer messages(const Ask& ask) {
    return shown(records_->chat.list(ask.caller, api::list_records_of(ask)));
  }
  Answer send_message(const Ask& ask) {
    return shown(records_->chat.send(ask.caller, api::send_message_of(ask)));
  }
  Answer documents(const Ask& ask) {
    return shown(records_->documents.list(ask.caller, api::list_records_of(ask)));
  }
  Answer share_document(const Ask& ask) {
    return shown(records_->documents.share(ask.caller, api::share_document_of(ask)));
  }
  Result<std::unique_ptr<AskedUpload>> begin_document(const Ask& ask) {
    RABT_TRY(begun, records_->documents.begin(ask.caller, api::begin_document_of(ask)));
    return std::make_unique<AskedUpload>(std::move(begun));
  }
  Answer document(const Ask& ask) {
    return shown(records_->documents.read(ask.caller, api::named_record_of(ask)));
  }
  Result<Documents::Content> document_content(const Ask& ask) {
    return records_->documents.content(ask.caller, api::named_record_of(ask));
  }

  Answer feedback(const Ask& ask) {
    return shown(records_->feedback.list(ask.caller, api::list_feedback_of(ask)));
  }
  Answer give_feedback(const Ask& ask) {
    return shown(records_->feedback.give(ask.caller, api::give_feedback_of(ask)));
  }
  Answer follow_ups(const Ask& ask) {
    return shown(records_->follow_ups.list(ask.caller, api::list_records_of(ask)));
  }
  Answer plan_follow_up(const Ask& ask) {
    return shown(records_->follow_ups.plan(ask.caller, api::plan_follow_up_of(ask)));
  }
  Answer review_detection(const Ask& ask) {
    return shown(records_->detections.review(ask.caller, api::review_detection_of(ask)));
  }
  Answer quality(const Ask& ask) {
    return shown(records_->line.read(ask.caller, api::read_quality_of(ask)));
  }
  Answer report_quality(const Ask& ask) {
    return shown(records_->line.report(ask.caller, api::report_quality_of(ask)));
  }
  Answer set_quality_level(const Ask& ask) {
    return shown(records_->line.choose_level(ask.caller, api::set_quality_level_of(ask)));
  }

 protected:
  std::unique_ptr<Records> records_;
};

}  // namespace rabt::consultation
