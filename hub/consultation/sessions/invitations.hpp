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

 private:
  Acts& acts_;
  SessionEntry& entry_;
};

}  // namespace rabt::consultation
