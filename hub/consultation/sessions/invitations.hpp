#pragma once

#include "hub/consultation/acts/acts.hpp"
#include "hub/consultation/sessions/entry.hpp"

namespace rabt::consultation {

// Invitations to sessions. Internally synchronised.
class SessionInvitations {
 public:
  SessionInvitations(Acts& acts, SessionEntry& entry) : acts_(acts), entry_(entry) {}

  Answer list(const Ask& ask);
  // The answer alone has the code.
  Answer invite(const Ask& ask);
  // record: the invitation.
  Answer revoke(const Ask& ask);
  // {code}
  Answer accept(const Ask& ask);

  // The link of somebody who takes part, for a message that the hub itself sends; made unless there
  // is one.
  [[nodiscard]] Result<std::string> link_of(const std::string& session,
                                            const std::string& participant);

 private:
  // {participant, renew?}: of somebody who takes part. Gives the same link again unless it is
  // renewed.
  [[nodiscard]] Answer send(const Ask& ask, bool unasked);
  [[nodiscard]] Answer with_code(const Ask& ask, const Session& session,
                                 const Invitation& invitation, const std::string& code) const;
  [[nodiscard]] Status is_meant(const Session& session, const Invitation& invitation,
                                const Actor& who) const;

  Acts& acts_;
  SessionEntry& entry_;
};

}  // namespace rabt::consultation
