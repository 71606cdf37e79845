#include "hub/consultation/record/transcript_requests.hpp"

#include <algorithm>

#include "hub/base/bytes.hpp"
#include "hub/consultation/request/fields.hpp"

namespace rabt::consultation {

namespace {

// The bytes of `audio`; empty when they are wrong.
std::string sound_in(Fields& fields) {
  const Json& given = fields.raw("audio");
  const auto bytes = from_base64(given.is_string() ? given.as_string() : std::string());
  if (bytes && !bytes->empty()) return std::string(as_text(*bytes));
  fields.wrong("audio", "it must be sound as base64 with padding");
  return {};
}

}  // namespace

void read_said(Fields& fields, AddSegment& out) {
  if (fields.has("audio")) {
    out.audio = sound_in(fields);
  } else {
    out.text = fields.needed_text("text");
  }
  out.seq = fields.integer("seq", 0, 1'000'000'000);
  out.language = fields.text("language", 35);
}

Asked<AddSegment> add_segment_of(const Ask& ask) {
  Fields fields(ask.body);
  fields.only({"text", "audio", "format", "seq", "language", "startMs", "endMs", "source", "final",
               "confidence"});
  AddSegment out{.session = ask.session};
  read_said(fields, out);
  out.start_ms = fields.integer("startMs", 0, kMostInSessionMs);
  out.end_ms = fields.integer("endMs", 0, kMostInSessionMs);
  if (out.start_ms && out.end_ms && *out.end_ms < *out.start_ms)
    fields.wrong("endMs", "it must not be before startMs");
  if (fields.number("confidence", 0, 1)) out.confidence = fields.raw("confidence");
  out.source = fields.word("source", {"asr", "provider", "browser"}, out.source);
  out.final = fields.boolean("final").value_or(true);
  RABT_TRY_STATUS(fields.done());
  return out;
}

Asked<AddTranscript> add_transcript_of(const Ask& ask, const RecordedSpeech& speech) {
  const Json& said = ask.body["segments"];
  if (!said.is_array() || said.size() > kMaxSegments)
    return invalid("api.invalid", "segments: it must be a list of at most 10000");
  AddTranscript out{.session = ask.session,
                    .recording = speech.recording,
                    .language = ask.body.string_or("language", ""),
                    .started_ms = speech.started_ms,
                    .offset_ms = speech.offset_ms,
                    .segments = {}};
  out.segments.reserve(said.size());
  for (const Json& segment : said.as_array()) {
    const std::int64_t from =
        std::clamp<std::int64_t>(segment.int_or("startMs", 0), 0, kMostInSessionMs);
    const std::int64_t to =
        std::clamp<std::int64_t>(segment.int_or("endMs", from), from, kMostInSessionMs);
    out.segments.push_back(
        {.start_ms = from,
         .end_ms = to,
         .text = segment.string_or("text", ""),
         .speaker = segment.string_or("speaker", ""),
         .confidence = segment["confidence"].is_number() ? segment["confidence"] : Json()});
  }
  return out;
}

}  // namespace rabt::consultation
