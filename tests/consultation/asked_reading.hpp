#pragma once

#include "hub/api/requests/reading_requests.hpp"
#include "hub/api/requests/session_requests.hpp"
#include "hub/consultation/sessions/reading.hpp"
#include "tests/consultation/asked_recordings.hpp"
#include "tests/consultation/call_of.hpp"

namespace rabt::consultation {

// Readings of sessions, asked as the API asks them.
class AskedReading {
 public:
  explicit AskedReading(SessionReading& reading) : reading_(reading) {}

  Answer get(const Ask& ask) { return shown(reading_.get(ask.caller, api::of_session(ask))); }
  Result<Page> list(const Ask& ask, const Window& window) {
    return shown_page(reading_.list(ask.caller, api::list_sessions_of(ask), window));
  }
  Answer summary(const Ask& ask) {
    return shown(reading_.summary(ask.caller, api::of_session(ask)));
  }
  Answer events(const Ask& ask) {
    return shown(reading_.events(ask.caller, api::read_events_of(ask)));
  }
  Answer of_appointment(const Ask& ask) {
    return shown(reading_.of_appointment(ask.caller, find_by_appointment_of(call_of(ask))));
  }
  Answer rings(const Ask& ask) { return shown(reading_.rings(ask.caller)); }

 private:
  SessionReading& reading_;
};

}  // namespace rabt::consultation
