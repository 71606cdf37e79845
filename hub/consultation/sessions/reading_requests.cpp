#include "hub/consultation/sessions/reading_requests.hpp"

#include <utility>

namespace rabt::consultation {

Json to_json(const SessionEventsView& view) {
  Json items = Json::array();
  for (const SessionEventView& item : view.items)
    items.push_back(Json::object({{"seq", item.seq},
                                  {"type", item.type},
                                  {"at", to_iso8601(item.at)},
                                  {"actor", item.actor},
                                  {"data", item.data}}));
  Json out = Json::object({{"items", std::move(items)}});
  if (view.next) out.set("next", std::to_string(*view.next));
  return out;
}

Json to_json(const AppointmentSessions& view) {
  Json sessions = Json::array();
  for (const AppointmentSession& session : view.sessions) {
    sessions.push_back(Json::object(
        {{"session", session.session},
         {"consultation", session.consultation.empty() ? Json() : Json(session.consultation)},
         {"status", to_string(session.status)},
         {"startEpoch", session.start ? Json(session.start->ms / 1000) : Json()},
         {"otherPatient", session.other_patient},
         {"anotherPerson", session.another_person},
         {"cause", session.cause.empty() ? Json() : Json(session.cause)},
         {"billing", session.billing}}));
  }
  return Json::object({{"sessions", std::move(sessions)}});
}

Json to_json(const RingView& view) {
  return Json::object({{"session", view.session},
                       {"number", view.number},
                       {"specialty", view.specialty},
                       {"language", view.language},
                       {"since", to_iso8601(view.since)},
                       {"until", to_iso8601(view.until)}});
}

}  // namespace rabt::consultation
