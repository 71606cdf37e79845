#pragma once

#include <vector>

#include "hub/consultation/acts/acts.hpp"
#include "hub/consultation/sessions/recordings.hpp"

namespace rabt::consultation {

// Readings of sessions, each of which is in the audit log before it is answered. Internally
// synchronised.
class SessionReading {
 public:
  SessionReading(Acts& acts, SessionRecordings& recordings)
      : acts_(acts), recordings_(recordings) {}

  Answer get(const Ask& ask);
  // Filters of the query: status, type, provider, patient, visit, clinic, appointment, from, to,
  // role. Only what the caller may see, filtered in SQL.
  Result<Page> list(const Ask& ask, const Window& window);
  Answer summary(const Ask& ask) { return summarise(ask, Reads::alone); }
  // The same as the answer to an act.
  Answer summary_after_act(const Ask& ask) { return summarise(ask, Reads::after_act); }
  // In pages: `after` of the query is the `next` of the page before.
  Answer events(const Ask& ask);
  // {sessions: [{session, consultation, status, startEpoch, otherPatient}]}: sessions of an
  // appointment, newest first, at most 20. body: appointment, and the patient's numbers, {system,
  // value} as `patient` and more of them as `identifiers`, without which no session is another
  // patient's. For workflows; without those whose appointment the patient alone named.
  Answer of_appointment(const Ask& ask);
  // {items: [{session, number, specialty, language, since, until}]}: emergencies for which the
  // caller is rung now, oldest first.
  Answer rings(const Ask& ask);

 private:
  // True if none of these numbers, {system, value}, names the patient of the session, or one of
  // them names another person.
  Result<bool> is_of_another(const Session& session, const std::vector<Json>& numbers) const;
  Answer summarise(const Ask& ask, Reads reads);

  Acts& acts_;
  SessionRecordings& recordings_;
};

}  // namespace rabt::consultation
