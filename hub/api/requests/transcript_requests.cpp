#include "hub/api/requests/transcript_requests.hpp"

#include <string>

#include "hub/base/bytes.hpp"

namespace rabt::api {

using consultation::AddSegment;
using consultation::Asked;
using consultation::Fields;
using consultation::kMostInSessionMs;

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

}  // namespace rabt::api
