#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "hub/api/requests/ask.hpp"
#include "hub/consultation/record/shared_requests.hpp"

// Readers of requests about messages, documents, feedback, follow-ups, detections and the line.
// Each names every mistake of the body.
namespace rabt::api {

[[nodiscard]] consultation::Asked<consultation::ReadQuality> read_quality_of(const Ask& ask);
[[nodiscard]] consultation::Asked<consultation::ReportQuality> report_quality_of(const Ask& ask);
// Members of a request, under the names that the body has for them. A level that is not there is
// `fallback`, or a mistake if that is empty.
[[nodiscard]] std::optional<consultation::Level> level_in(consultation::Fields& fields,
                                                          std::string_view name,
                                                          std::string_view fallback = {});
[[nodiscard]] std::optional<std::string> participant_in(consultation::Fields& fields,
                                                        std::string_view name);
[[nodiscard]] consultation::Asked<consultation::SetQualityLevel> set_quality_level_of(
    const Ask& ask);
[[nodiscard]] consultation::Asked<consultation::ListFeedback> list_feedback_of(const Ask& ask);
// The rating, under the name that the body has for it. None is a mistake.
[[nodiscard]] std::int64_t rating_in(consultation::Fields& fields, std::string_view name);
[[nodiscard]] consultation::Asked<consultation::GiveFeedback> give_feedback_of(const Ask& ask);
[[nodiscard]] consultation::Asked<consultation::PlanFollowUp> plan_follow_up_of(const Ask& ask);
[[nodiscard]] consultation::Asked<consultation::ReviewDetection> review_detection_of(
    const Ask& ask);
[[nodiscard]] consultation::Asked<consultation::SendMessage> send_message_of(const Ask& ask);
[[nodiscard]] consultation::Asked<consultation::DescribedDocument> described_document_of(
    const Ask& ask);
[[nodiscard]] consultation::Asked<consultation::ShareDocument> share_document_of(const Ask& ask);
[[nodiscard]] consultation::Asked<consultation::BeginDocument> begin_document_of(const Ask& ask);

}  // namespace rabt::api
