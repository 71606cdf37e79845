#pragma once

#include "hub/api/requests/ask.hpp"
#include "hub/consultation/request/answer.hpp"
#include "hub/consultation/sessions/recording_requests.hpp"

// Readers of requests about recordings.
namespace rabt::api {

[[nodiscard]] consultation::Asked<consultation::BeginRecording> begin_recording_of(const Ask& ask);
// ?status
[[nodiscard]] consultation::Asked<consultation::ListRecordings> list_recordings_of(const Ask& ask);
// The reason stands in the head of the request, or in its body.
[[nodiscard]] consultation::Asked<consultation::WithdrawRecording> withdraw_recording_of(
    const Ask& ask);

}  // namespace rabt::api
