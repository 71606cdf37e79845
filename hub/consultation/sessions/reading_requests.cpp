#include "hub/consultation/sessions/reading_requests.hpp"

#include <utility>

namespace rabt::consultation {

Json to_json(const SessionEventsView& view) {
  Json items = Json::array();
  for (const SessionEventView& one : view.items)
    items.push_back(Json::object({{"seq", one.seq},
                                  {"type", one.type},
                                  {"at", to_iso8601(one.at)},
                                  {"actor", one.actor},
                                  {"data", one.data}}));
  Json out = Json::object({{"items", std::move(items)}});
  if (view.next) out.set("next", std::to_string(*view.next));
  return out;
}

Json to_json(const AppointmentSessions& view) {
  Json sessions = Json::array();
  for (const AppointmentSession& one : view.sessions) {
    sessions.push_back(
        Json::object({{"session", one.session},
                      {"consultation", one.consultation.empty() ? Json() : Json(one.consultation)},
                      {"status", to_string(one.status)},
                      {"startEpoch", one.start ? Json(one.start->ms / 1000) : Json()},
                      {"otherPatient", one.other_patient},
                      {"billing", one.billing}}));
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
