#include "hub/api/requests/recording_requests.hpp"

#include <string>
#include <utility>

#include "hub/base/printable.hpp"

namespace rabt::api {

using consultation::Ask;
using consultation::Asked;
using consultation::WithdrawRecording;

Asked<WithdrawRecording> withdraw_recording_of(const Ask& ask) {
  std::string reason =
      ask.caller.reason.empty() ? tidy_text(ask.body.string_or("reason", "")) : ask.caller.reason;
  if (reason.empty()) return invalid("api.invalid", "reason: is needed to withdraw a recording");
  return WithdrawRecording{.recording = ask.record, .reason = std::move(reason)};
}

}  // namespace rabt::api
