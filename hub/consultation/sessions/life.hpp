#pragma once

#include "hub/consultation/acts/acts.hpp"
#include "hub/consultation/sessions/life_requests.hpp"
#include "hub/consultation/sessions/reading.hpp"
#include "hub/consultation/sessions/session_requests.hpp"

namespace rabt::consultation {

// Acts that move a session from state to state, and change what it is about. Internally
// synchronised; every act blocks for one commit.
class SessionLife {
 public:
  SessionLife(Acts& acts, SessionReading& reading) : acts_(acts), reading_(reading) {}

  // Operations of docs/openapi.yaml. With the version of a request, change, assign and cancel are
  // refused after another change: precondition.failed.
  Result<SessionView> change(const Caller& caller, const Asked<ChangeSession>& asked);
  Result<SessionView> accept(const Caller& caller, const Asked<OfSession>& asked);
  Result<SessionView> decline(const Caller& caller, const Asked<DeclineSession>& asked);
  Result<SessionView> assign(const Caller& caller, const Asked<AssignSession>& asked);
  Result<SessionView> start(const Caller& caller, const Asked<OfSession>& asked);
  Result<SummaryView> end(const Caller& caller, const Asked<EndSession>& asked);
  Result<SessionView> cancel(const Caller& caller, const Asked<CancelSession>& asked);
  // Acts of workflows alone. All but the first also after the end; a session is linked to one
  // consultation once.
  Result<SessionView> set_insurance(const Caller& caller, const Asked<NoteInsurance>& asked);
  Result<SessionView> set_appointment(const Caller& caller, const Asked<LinkAppointment>& asked);
  Result<SessionView> link_consultation(const Caller& caller, const Asked<LinkInstance>& asked);
  Result<SessionView> set_billing(const Caller& caller, const Asked<NoteBilling>& asked);

  // The command that changes these members. The patient among them is the ULID of a person.
  [[nodiscard]] Result<Command> amending(const Session& session, Amendment members) const;
  // The command that gives a session to a person. Error invalid api.invalid: neither a doctor nor a
  // specialist.
  [[nodiscard]] Result<Command> assigning(const std::string& person) const;

 private:
  Acts& acts_;
  SessionReading& reading_;
};

}  // namespace rabt::consultation
