#include "hub/consultation/sessions/recording_requests.hpp"

#include <utility>

#include "hub/consultation/request/fields.hpp"

namespace rabt::consultation {

Asked<BeginRecording> begin_recording_of(const Ask& ask) {
  Fields members(ask.body);
  std::string purpose = purpose_in(members, "purpose");
  // Recordings are always sealed; the wish is taken and changes nothing.
  (void)members.boolean("encryptionRequired");
  RABT_TRY_STATUS(members.done());
  return BeginRecording{.session = ask.session, .purpose = std::move(purpose)};
}

std::string purpose_in(Fields& members, std::string_view name) {
  return members.word(name, {"care", "training"}, "care");
}

Asked<ListRecordings> list_recordings_of(const Ask& ask) {
  return ListRecordings{.session = ask.session, .status = std::string(ask.parameter("status"))};
}

}  // namespace rabt::consultation
