#include "hub/consultation/sessions/people_requests.hpp"

namespace rabt::consultation {

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
