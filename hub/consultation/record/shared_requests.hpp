#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "hub/base/clock.hpp"
#include "hub/consultation/line/quality.hpp"
#include "hub/consultation/request/answer.hpp"
#include "hub/consultation/request/fields.hpp"

// Requests about what all who take part in a session share: the line, messages, documents,
// feedback, follow-ups.
namespace rabt::consultation {

struct ReadQuality {
  // ULID, UUID or number, here and in the other requests.
  std::string session;
};

// Figures that a client measured on its line in ten seconds.
struct MeasuredLine {
  // The time at which it is taken, if unset.
  std::optional<Timestamp> at{};
  // up, down
  std::string direction;
  double loss_percent = 0;
  double jitter_ms = 0;
  double rtt_ms = 0;
  std::optional<double> kbps{};
  std::optional<double> available_kbps{};
  // The figures that are shown again, in the digits in which they came.
  Json written = Json::object();
};
struct ReportQuality {
  std::string session;
  std::vector<MeasuredLine> samples;
};

struct SetQualityLevel {
  std::string session;
  // ULID. Unset for the lines of everybody.
  std::optional<std::string> participant{};
  Level level = Level::standard;
};

struct ListFeedback {
  std::string session;
};

struct GiveFeedback {
  std::string session;
  // 1 to 5, both.
  std::int64_t rating = 0;
  std::optional<std::int64_t> connection_rating{};
  // May be empty.
  std::string comments{};
};

// Names either `at` or `after_days`.
struct PlanFollowUp {
  std::string session;
  std::optional<Timestamp> at{};
  std::optional<std::int64_t> after_days{};
  std::int64_t planned_minutes = 30;
  // May be empty.
  std::string reason{};
  bool book = false;
  // Mistakes of the body, but for a time in the past, of which the service knows: its place is
  // behind the first `before_time` ones.
  Mistakes mistakes{};
  std::size_t before_time = 0;
};

// A verdict on a finding of the detector of patient data.
struct ReviewDetection {
  std::string session;
  // Number of the event phi-detected.
  std::int64_t event = 0;
  // correct, false_positive
  std::string verdict;
};

struct SendMessage {
  std::string session;
  std::string text;
  // Names the message where it may come twice. May be empty.
  std::string client{};
  // Participant, as it was written. Empty for everybody.
  std::string to{};
};

// A document as whoever shares it describes it.
struct DescribedDocument {
  std::string session;
  // As DocumentSigns::check takes them.
  std::string type;
  std::string content_type;
  // May be empty.
  std::string title{};
  // Roles. Empty for everybody who may read documents.
  std::vector<std::string> shown_to{};
};
// The members of a body, whatever others it has.
[[nodiscard]] Asked<DescribedDocument> described_document_in(Fields& fields, std::string session);

struct ShareDocument {
  DescribedDocument document;
  // The bytes, in base64.
  std::string data;
};
// The members of a body, whatever others it has.
[[nodiscard]] Asked<ShareDocument> shared_document_in(Fields& fields, std::string session);

struct BeginDocument {
  std::string session;
};

}  // namespace rabt::consultation
