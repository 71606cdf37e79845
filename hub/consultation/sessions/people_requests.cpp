#include "hub/consultation/sessions/people_requests.hpp"

#include <utility>

#include "hub/base/printable.hpp"
#include "hub/consultation/request/fields.hpp"

namespace rabt::consultation {

Asked<AddParticipant> add_participant_of(const Ask& ask) {
  Mistakes mistakes;
  ParticipantInput input = read_participant(ask.body, mistakes, "");
  RABT_TRY_STATUS(mistakes.status());
  return AddParticipant{.session = ask.session, .input = std::move(input)};
}

Asked<DenyParticipant> deny_participant_of(const Ask& ask) {
  return DenyParticipant{.session = ask.session,
                         .participant = ask.record,
                         .reason = tidy_text(ask.body.string_or("reason", ""))};
}

Json to_json(const WaitingView& view) {
  return Json::object({{"participant", to_json(view.participant)},
                       {"role", to_string(view.role)},
                       {"here", view.here},
                       {"since", to_iso8601(view.since)},
                       {"position", view.position}});
}

Json to_json(const TranscribingView& view) {
  return Json::object({{"session", view.session}, {"transcribing", view.transcribing}});
}

}  // namespace rabt::consultation
