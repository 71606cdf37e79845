#include "hub/consultation/session/event_facts.hpp"

#include <string>

#include "hub/consultation/session/session.hpp"

namespace rabt::consultation {

Json event_facts(const Session& session) {
  const auto text = [](const std::string& value) { return value.empty() ? Json() : Json(value); };
  return Json::object({{"session", session.id},
                       {"sessionNumber", session.number},
                       {"type", to_string(session.type)},
                       {"bookingType", text(session.booking)},
                       {"status", to_string(session.status)},
                       {"visit", text(session.ties.visit)},
                       {"clinic", text(session.ties.clinic)},
                       // Which one it is stays sealed: its number may lead to the person.
                       {"hasAppointment", has_known_appointment(session)},
                       {"namesAppointment", !session.ties.appointment.is_null()},
                       {"consultation", text(session.ties.consultation)},
                       {"provider", text(session.provider)},
                       {"patient", text(session.naming.pseudonym)}});
}

}  // namespace rabt::consultation
