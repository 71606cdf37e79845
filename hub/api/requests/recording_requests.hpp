#pragma once

#include "hub/consultation/sessions/recording_requests.hpp"

// Readers of requests about recordings.
namespace rabt::api {

// The reason stands in the head of the request, or in its body.
[[nodiscard]] consultation::Asked<consultation::WithdrawRecording> withdraw_recording_of(
    const consultation::Ask& ask);

}  // namespace rabt::api
