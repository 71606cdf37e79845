#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "hub/base/json.hpp"
#include "hub/consultation/record/record_list.hpp"

// Answers about the transcript; to_json gives the form of docs/openapi.yaml.
namespace rabt::consultation {

// Words of a segment: members that its record keeps and its answer shows.
struct Segment {
  std::string text;
  // May be empty.
  std::string language{};
  std::int64_t seq = 0;
  // Since the session's start.
  std::optional<std::int64_t> start_ms{};
  std::optional<std::int64_t> end_ms{};
  // asr, provider, browser
  std::string source;
  bool final = true;
  // 0 to 1, with the digits it came with. May be null.
  Json confidence{};
  // ULID of the recording in which it was said. Empty where a client sent it.
  std::string recording{};
  // Voice that the recognition told from others. May be empty.
  std::string voice{};
};
[[nodiscard]] Segment segment_in(const Json& document);
// Sets {text, language, seq, startMs?, endMs?, source, final, confidence, recording?, voice?} in a
// record's document or in an answer.
void write_segment(const Segment& segment, Json& out);

struct SegmentView {
  RecordHead head;
  Segment segment;
  // ULID of the participant. May be empty.
  std::string speaker;
};
[[nodiscard]] SegmentView segment_view(const Record& record);
[[nodiscard]] Json to_json(const SegmentView& view);

struct TranscriptView {
  std::string session;
  // In the order in which it was said.
  std::vector<SegmentView> items;
  // As Membership::transcript_gaps.
  Json gaps;
  // ULID of the segment after which the next page begins. Empty on the last.
  std::string next;
};
[[nodiscard]] Json to_json(const TranscriptView& view);

struct SegmentsWritten {
  std::int64_t segments = 0;
};
[[nodiscard]] Json to_json(const SegmentsWritten& view);

}  // namespace rabt::consultation
