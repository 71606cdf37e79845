#include "hub/consultation/record/transcript_views.hpp"

#include <utility>

namespace rabt::consultation {

SegmentView segment_view(const Record& record) {
  const Json& document = record.document;
  return {.head = head_view(record),
          .text = document.string_or("text", ""),
          .language = document.string_or("language", ""),
          .seq = document.int_or("seq", 0),
          .start_ms = document["startMs"].as_int64(),
          .end_ms = document["endMs"].as_int64(),
          .source = document.string_or("source", ""),
          .final = document.bool_or("final", true),
          .confidence = document["confidence"],
          .recording = document.string_or("recording", ""),
          .voice = document.string_or("voice", ""),
          .speaker = record.author};
}

Json to_json(const SegmentView& view) {
  Json out = to_json(view.head);
  out.set("text", view.text);
  out.set("language", view.language.empty() ? Json() : Json(view.language));
  out.set("seq", view.seq);
  if (view.start_ms) out.set("startMs", *view.start_ms);
  if (view.end_ms) out.set("endMs", *view.end_ms);
  out.set("source", view.source);
  out.set("final", view.final);
  out.set("confidence", view.confidence);
  if (!view.recording.empty()) out.set("recording", view.recording);
  if (!view.voice.empty()) out.set("voice", view.voice);
  out.set("speaker", view.speaker);
  return out;
}

Json to_json(const TranscriptView& view) {
  Json items = Json::array();
  for (const SegmentView& one : view.items) items.push_back(to_json(one));
  Json out =
      Json::object({{"session", view.session}, {"items", std::move(items)}, {"gaps", view.gaps}});
  if (!view.next.empty()) out.set("next", view.next);
  return out;
}

Json to_json(const SegmentsWritten& view) {
  return Json::object({{"segments", view.segments}});
}

}  // namespace rabt::consultation
