#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "hub/consultation/acts/acts.hpp"
#include "hub/consultation/sessions/entry.hpp"
#include "hub/consultation/sessions/guest_requests.hpp"
#include "hub/consultation/sessions/invitation_requests.hpp"
#include "hub/consultation/sessions/second_proof.hpp"
#include "hub/identity/guests.hpp"

namespace rabt::consultation {

// Invitation of a code, in the session as it is now.
struct FoundInvitation {
  Session session;
  Invitation invitation;
  // The generation that the code is of; -1 when it is an earlier one.
  std::int64_t generation = 0;
};

// Those who come by the link of an invitation, without an account. Internally synchronised.
class SessionGuests final : public identity::Guests {
 public:
  SessionGuests(Acts& acts, SessionEntry& entry) : acts_(acts), entry_(entry), proof_(acts) {}
  // Before the first request: SecondProof::send_by.
  void send_codes_by(OneTimeCodes& codes) { proof_.send_by(codes); }

  struct Entering {
    // Returns the browser's proof of the session, once the code has led to the session.
    std::function<identity::GuestProof(std::string_view session)> held;
    // A name of the request that the page repeats until it has an answer. May be empty.
    std::string tap;
  };
  struct Entered {
    TakenUpView answer;
    // Proof that the browser keeps.
    identity::GuestProof proof;
  };
  // Opens the door of the invitation: the browser is bound to its participant. A second browser
  // needs a second proof, and the first one's cookie is void then. Errors: not_found
  // invitation.unknown; conflict invitation.expired, invitation.revoked, invitation.used; denied
  // invitation.needs_account; those of who may take part, and of SecondProof::check. Each refusal
  // is audited.
  [[nodiscard]] Result<Entered> enter(const Caller& caller, const Asked<EnterByLink>& asked,
                                      const Entering& how);
  // Changes nothing. Errors: as enter, but for invitation.used.
  [[nodiscard]] Result<LinkPreviewView> preview(const Asked<OfCode>& asked);
  // Sends the code of a second proof: SecondProof::send_code, and its errors; those of preview;
  // conflict invitation.used where the link is open, or nothing sends codes. Each refusal is
  // audited.
  [[nodiscard]] Result<CodeSentView> send_code(const Caller& caller, const Asked<OfCode>& asked);
  // Asks the person of the record in his app: SecondProof::ask_app, and its errors; those of
  // send_code where the app is asked for no link of this kind. Each refusal is audited.
  [[nodiscard]] Result<IdentityAskedView> ask_app(const Caller& caller, const Asked<OfCode>& asked);

  Result<std::optional<identity::Part>> part_of(const identity::GuestProof& proof) override;

 private:
  [[nodiscard]] Result<Entered> try_to_enter(const Caller& caller, const Asked<EnterByLink>& asked,
                                             const Entering& how);
  // Name of the second proof that was given and holds; empty where the hospital takes none.
  [[nodiscard]] Result<std::string> proof_of(const FoundInvitation& found, const GivenProof& given);
  // Invitation of a link that needs a second proof, for which this one is offered. Errors: those of
  // preview; conflict invitation.used.
  [[nodiscard]] Result<FoundInvitation> needing(const Asked<OfCode>& asked,
                                                std::string_view proof) const;
  [[nodiscard]] Result<CodeSentView> try_to_send_code(const Asked<OfCode>& asked);
  [[nodiscard]] Result<IdentityAskedView> try_to_ask_app(const Asked<OfCode>& asked);
  [[nodiscard]] Result<std::string> index_of(std::string_view kind, std::string_view value) const;
  void note_refused(const Caller& caller, const Error& error);

  Acts& acts_;
  SessionEntry& entry_;
  SecondProof proof_;
};

// Codes of invitations: typed by hand, or opened as a link. Derived from the invitation and how
// often it was sent, so that a reminder has the same one; stored nowhere.
[[nodiscard]] std::string code_of(const keys::Lease& lease, std::string_view invitation,
                                  std::int64_t generation);
// Error not_found invitation.unknown.
[[nodiscard]] Result<FoundInvitation> invitation_of(const Acts& acts, std::string_view code);
// The blind index under which a code is found.
[[nodiscard]] std::string code_index(const keys::Lease& lease, std::string_view code);

}  // namespace rabt::consultation
