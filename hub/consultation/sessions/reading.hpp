#pragma once

#include <vector>

#include "hub/consultation/acts/acts.hpp"
#include "hub/consultation/request/items_of.hpp"
#include "hub/consultation/sessions/reading_requests.hpp"
#include "hub/consultation/sessions/recordings.hpp"
#include "hub/consultation/sessions/session_requests.hpp"

namespace rabt::consultation {

// Readings of sessions, each of which is in the audit log before it is answered. Internally
// synchronised.
class SessionReading {
 public:
  SessionReading(Acts& acts, SessionRecordings& recordings)
      : acts_(acts), recordings_(recordings) {}

  Result<SessionView> get(const Caller& caller, const Asked<OfSession>& asked);
  // Only what the caller may see, filtered in SQL.
  Result<PageOf<SessionView>> list(const Caller& caller, const Asked<ListSessions>& asked,
                                   const Window& window);
  Result<SummaryView> summary(const Caller& caller, const Asked<OfSession>& asked) {
    return summarise(caller, asked, Reads::alone);
  }
  // The same as the answer to an act.
  Result<SummaryView> summary_after_act(const Caller& caller, const Asked<OfSession>& asked) {
    return summarise(caller, asked, Reads::after_act);
  }
  Result<SessionEventsView> events(const Caller& caller, const Asked<ReadEvents>& asked);
  // Sessions of an appointment, newest first, at most 20. For workflows; without those whose
  // appointment the patient alone named.
  Result<AppointmentSessions> of_appointment(const Caller& caller,
                                             const Asked<FindByAppointment>& asked);
  // Oldest first.
  Result<ItemsOf<RingView>> rings(const Caller& caller);

 private:
  // Error denied authorisation.denied.
  Result<SessionFilter> filter_of(const Caller& caller, const ListSessions& request) const;
  // True if none of these numbers, {system, value}, names the patient of the session, or one of
  // them names another person.
  Result<bool> is_of_another(const Session& session, const std::vector<Json>& numbers) const;
  Result<SummaryView> summarise(const Caller& caller, const Asked<OfSession>& asked, Reads reads);

  Acts& acts_;
  SessionRecordings& recordings_;
};

}  // namespace rabt::consultation
