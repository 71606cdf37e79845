#pragma once

#include "hub/consultation/acts/acts.hpp"
#include "hub/consultation/sessions/reading.hpp"

namespace rabt::consultation {

// Acts that move a session from state to state, and change what it is about. Internally
// synchronised; every act blocks for one commit.
class SessionLife {
 public:
  SessionLife(Acts& acts, SessionReading& reading) : acts_(acts), reading_(reading) {}

  // Operations of docs/openapi.yaml. With the version of an ask, change, assign and cancel are
  // refused after another change: precondition.failed. The answer is the session, of end the
  // summary.
  Answer change(const Ask& ask);
  Answer accept(const Ask& ask);
  Answer decline(const Ask& ask);
  Answer assign(const Ask& ask);
  Answer start(const Ask& ask);
  Answer end(const Ask& ask);
  Answer cancel(const Ask& ask);
  // Acts of workflows alone. {status, reference?}; {appointment}, also after the end;
  // {consultation}, once, also after the end; {billing}, also after the end.
  Answer set_insurance(const Ask& ask);
  Answer set_appointment(const Ask& ask);
  Answer link_consultation(const Ask& ask);
  Answer set_billing(const Ask& ask);

  // The command that changes these members: those of read_amendment().
  [[nodiscard]] Result<Command> amending(const Session& is, Json members) const;
  // The command that gives a session to a person. Error invalid api.invalid: neither a doctor nor a
  // specialist.
  [[nodiscard]] Result<Command> assigning(const std::string& person) const;

 private:
  Acts& acts_;
  SessionReading& reading_;
};

}  // namespace rabt::consultation
