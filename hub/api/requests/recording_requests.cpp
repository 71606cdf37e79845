#include "hub/api/requests/recording_requests.hpp"

#include <string>
#include <utility>

#include "hub/base/printable.hpp"
#include "hub/consultation/request/fields.hpp"

namespace rabt::api {

using consultation::Asked;
using consultation::BeginRecording;
using consultation::Fields;
using consultation::ListRecordings;
using consultation::WithdrawRecording;

Asked<BeginRecording> begin_recording_of(const Ask& ask) {
  Fields members(ask.body);
  std::string purpose = purpose_in(members, "purpose");
  // Recordings are always sealed; the wish is taken and changes nothing.
  (void)members.boolean("encryptionRequired");
  RABT_TRY_STATUS(members.done());
  return BeginRecording{.session = ask.session, .purpose = std::move(purpose)};
}

Asked<ListRecordings> list_recordings_of(const Ask& ask) {
  return ListRecordings{.session = ask.session, .status = std::string(ask.parameter("status"))};
}

Asked<WithdrawRecording> withdraw_recording_of(const Ask& ask) {
  std::string reason =
      ask.caller.reason.empty() ? tidy_text(ask.body.string_or("reason", "")) : ask.caller.reason;
  if (reason.empty()) return invalid("api.invalid", "reason: is needed to withdraw a recording");
  return WithdrawRecording{.recording = ask.record, .reason = std::move(reason)};
}

}  // namespace rabt::api
