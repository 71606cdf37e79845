#pragma once

#include "hub/api/requests/ask.hpp"
#include "hub/consultation/record/transcript_requests.hpp"
#include "hub/consultation/request/answer.hpp"
#include "hub/consultation/request/fields.hpp"

// Readers of what was said. Each names every mistake of the body.
namespace rabt::api {

// The members text, audio, seq and language.
void read_said(consultation::Fields& fields, consultation::AddSegment& out);
[[nodiscard]] consultation::Asked<consultation::AddSegment> add_segment_of(const Ask& ask);

}  // namespace rabt::api
