#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "hub/base/json.hpp"
#include "hub/consultation/line/quality.hpp"
#include "hub/consultation/line/samples.hpp"
#include "hub/consultation/record/record_list.hpp"

// Answers about what all who take part in a session share; to_json gives the form of
// docs/openapi.yaml.
namespace rabt::consultation {

// Texts of a list of a kept document or event, and the list that they make.
[[nodiscard]] std::vector<std::string> texts_in(const Json& list);
[[nodiscard]] Json list_of_texts(const std::vector<std::string>& texts);

struct QualityView {
  std::string session;
  // Mean opinion score of the worst line; unset without samples.
  std::optional<double> score{};
  // Level of the caller's own line. Unset if he has none.
  std::optional<Level> level{};
  std::vector<LineSummary> participants;
  // Newest first.
  std::vector<RecentSample> recent;
};
[[nodiscard]] Json to_json(const QualityView& view);

struct QualityReportedView {
  Ladder ladder;
  // Number of samples that were taken.
  std::size_t accepted = 0;
};
[[nodiscard]] Json to_json(const QualityReportedView& view);

struct QualityLevelView {
  Level level = Level::standard;
  Frame frame{};
  // The provider has changed the picture itself.
  bool applied = false;
};
[[nodiscard]] Json to_json(const QualityLevelView& view);

struct FeedbackView {
  RecordHead head;
  std::int64_t rating = 0;
  std::optional<std::int64_t> connection_rating{};
  // Unset also where the caller may not read them.
  std::optional<std::string> comments{};
  RecordAuthor by;
  // ULID. Empty for a workflow.
  std::string participant{};
};
[[nodiscard]] FeedbackView feedback_view(const Record& record);
[[nodiscard]] Json to_json(const FeedbackView& view);

struct FollowUpView {
  RecordHead head;
  Timestamp due;
  std::int64_t planned_minutes = 0;
  // May be empty.
  std::string reason{};
  // ULID of the session that is booked for it. Empty if none is.
  std::string booked_session{};
  RecordAuthor created_by;
  // proposed, booked
  std::string status;
};
[[nodiscard]] FollowUpView follow_up_view(const Record& record);
[[nodiscard]] Json to_json(const FollowUpView& view);

struct DetectionReviewView {
  // As ReviewDetection, both.
  std::int64_t event = 0;
  std::string verdict;
  // Classes of patient data, as TextDecision::kinds.
  std::vector<std::string> kinds;
};
[[nodiscard]] Json to_json(const DetectionReviewView& view);

// Findings of the detector of patient data in a text.
struct Screened {
  // As TextDecision::kinds.
  std::vector<std::string> kinds;
  bool masked = false;
};

struct MessageView {
  RecordHead head;
  Screened phi;
  std::string text;
  // As SendMessage::client.
  std::string client{};
  // ULID of the participant. Empty for everybody.
  std::string to{};
  // kForHosts, or empty.
  std::string audience{};
  RecordAuthor author;
  // ULID of the participant. Empty for a workflow.
  std::string from{};
};
[[nodiscard]] MessageView message_view(const Record& record);
[[nodiscard]] Json to_json(const MessageView& view);

struct DocumentView {
  RecordHead head;
  // Findings in its title and its text.
  Screened phi;
  // As DescribedDocument, these four.
  std::string type;
  std::string title{};
  std::string content_type;
  std::vector<std::string> shown_to;
  std::int64_t bytes = 0;
  // Hexadecimal.
  std::string sha256;
  RecordAuthor shared_by;
  // The detector read not all of it: pictures, for one.
  bool unscreened = false;
  bool withheld = false;
};
// True if family members do not see a document of somebody else: not all of it was read by the
// detector, and no doctor, specialist or nurse has shared it.
[[nodiscard]] bool is_withheld(const Record& record);
[[nodiscard]] DocumentView document_view(const Record& record);
[[nodiscard]] Json to_json(const DocumentView& view);

}  // namespace rabt::consultation
