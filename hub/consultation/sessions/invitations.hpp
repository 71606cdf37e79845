#pragma once

#include <string>

#include "hub/consultation/acts/acts.hpp"
#include "hub/consultation/request/items_of.hpp"
#include "hub/consultation/sessions/entry.hpp"
#include "hub/consultation/sessions/invitation_requests.hpp"
#include "hub/consultation/sessions/session_requests.hpp"

namespace rabt::consultation {

// Invitations to sessions. Internally synchronised.
class SessionInvitations {
 public:
  SessionInvitations(Acts& acts, SessionEntry& entry) : acts_(acts), entry_(entry) {}

  Result<ItemsOf<InvitationView>> list(const Caller& caller, const Asked<OfSession>& asked);
  // The answer alone has the code.
  Result<InvitationView> invite(const Caller& caller, const Inviting& inviting);
  Result<InvitationView> revoke(const Caller& caller, const Asked<OfInvitation>& asked);
  Result<TakenUpView> accept(const Caller& caller, const Asked<OfCode>& asked);

  // The link of somebody who takes part, for a message that the hub itself sends; made unless there
  // is one.
  [[nodiscard]] Result<std::string> link_of(const std::string& session,
                                            const std::string& participant);
  // Ends the links of the patient in sessions that name another record than the one they are read
  // as, whose telephone may have got them. For a merge of the record that is about to be undone.
  // The next link of an open session is a new one.
  [[nodiscard]] Status end_links_of_merged(const std::string& patient);

 private:
  [[nodiscard]] Status end_link(const Session& session, const Invitation& link, bool renew);
  [[nodiscard]] Result<InvitationView> invite_newcomer(const Caller& caller,
                                                       const std::string& reference,
                                                       InviteNewcomer request);
  [[nodiscard]] Result<InvitationView> send(const Caller& caller, const std::string& reference,
                                            const Asked<SendLink>& asked, bool unasked);
  [[nodiscard]] InvitationView shown(const Caller& caller, const Session& session,
                                     const Invitation& invitation) const;
  [[nodiscard]] InvitationView with_code(const Caller& caller, const Session& session,
                                         const Invitation& invitation,
                                         const std::string& code) const;
  [[nodiscard]] Status is_meant(const Session& session, const Invitation& invitation,
                                const Actor& who) const;

  Acts& acts_;
  SessionEntry& entry_;
};

}  // namespace rabt::consultation
