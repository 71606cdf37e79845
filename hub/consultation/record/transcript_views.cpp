#include "hub/consultation/record/transcript_views.hpp"

#include <utility>

namespace rabt::consultation {

Segment segment_in(const Json& document) {
  return {.text = document.string_or("text", ""),
          .language = document.string_or("language", ""),
          .seq = document.int_or("seq", 0),
          .start_ms = document["startMs"].as_int64(),
          .end_ms = document["endMs"].as_int64(),
          .source = document.string_or("source", ""),
          .final = document.bool_or("final", true),
          .confidence = document["confidence"],
          .recording = document.string_or("recording", ""),
          .voice = document.string_or("voice", "")};
}

void write_segment(const Segment& segment, Json& out) {
  out.set("text", segment.text);
  out.set("language", segment.language.empty() ? Json() : Json(segment.language));
  out.set("seq", segment.seq);
  if (segment.start_ms) out.set("startMs", *segment.start_ms);
  if (segment.end_ms) out.set("endMs", *segment.end_ms);
  out.set("source", segment.source);
  out.set("final", segment.final);
  out.set("confidence", segment.confidence);
  if (!segment.recording.empty()) out.set("recording", segment.recording);
  if (!segment.voice.empty()) out.set("voice", segment.voice);
}

SegmentView segment_view(const Record& record) {
  return {
      .head = head_view(record), .segment = segment_in(record.document), .speaker = record.author};
}

Json to_json(const SegmentView& view) {
  Json out = to_json(view.head);
  write_segment(view.segment, out);
  out.set("speaker", view.speaker);
  return out;
}

Json to_json(const TranscriptView& view) {
  Json items = Json::array();
  for (const SegmentView& segment : view.items) items.push_back(to_json(segment));
  Json out =
      Json::object({{"session", view.session}, {"items", std::move(items)}, {"gaps", view.gaps}});
  if (!view.next.empty()) out.set("next", view.next);
  return out;
}

Json to_json(const SegmentsWritten& view) {
  return Json::object({{"segments", view.segments}});
}

}  // namespace rabt::consultation
