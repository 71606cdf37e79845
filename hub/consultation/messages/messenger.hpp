#pragma once

#include <map>
#include <string>
#include <vector>

#include "hub/consultation/acts/acts.hpp"
#include "hub/consultation/messages/due.hpp"
#include "hub/consultation/sessions/invitations.hpp"

namespace rabt::consultation {

// Tells patients of their visits through the role `notify`. The link of a visit is written into a
// message when it is sent: it is in no workflow, journal or log. Internally synchronised; a message
// blocks until the gateway has answered.
class Messenger {
 public:
  Messenger(Acts& acts, SessionInvitations& invitations) : acts_(acts), invitations_(invitations) {}

  // Sends what is due now in the session. {over, waitSeconds, told: [{kind, outcome}]}: over when
  // nothing will be due any more, waitSeconds until the next message, null when only a change of
  // the session can make one due. The same call again sends nothing twice. Errors: not_found
  // session.unknown; unavailable message.not_sent, to be called again.
  Answer tell(const Ask& ask);

 private:
  struct Outcome {
    MessageKind kind = MessageKind::booked;
    std::string outcome;
  };
  [[nodiscard]] bool is_on() const;
  [[nodiscard]] Result<std::vector<ToldMessage>> told(const Session& session,
                                                      const std::string& participant) const;
  [[nodiscard]] Status note(const Session& session, const std::string& participant,
                            const Outcome& outcome);
  // "sent", "no_phone", "no_link" (somebody took the link back), "failed".
  [[nodiscard]] Result<std::string> send(const Session& session, const Participant& one,
                                         MessageKind kind);
  [[nodiscard]] Result<std::string> text_of(const Session& session, const Participant& one,
                                            MessageKind kind, const std::string& language);
  [[nodiscard]] Status note_disclosure(const Session& session, const Json& arguments) const;

  Acts& acts_;
  SessionInvitations& invitations_;
};

}  // namespace rabt::consultation
