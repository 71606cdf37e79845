#pragma once

#include "hub/consultation/sessions/sessions.hpp"
#include "tests/consultation/shown.hpp"

// Services of sessions as a door calls them: an ask in, JSON out.
namespace rabt::consultation {

class AskedEntry {
 public:
  explicit AskedEntry(SessionEntry& service) : service_(service) {}

  Answer join(const Ask& ask) { return shown(service_.join(ask.caller, join_call_of(ask))); }
  Answer token(const Ask& ask) { return shown(service_.token(ask.caller, of_participant(ask))); }
  Answer told_token(const Ask& ask) {
    return shown(service_.told_token(ask.caller, of_session(ask)));
  }
  Answer leave(const Ask& ask) { return service_.leave(ask.caller, of_participant(ask)); }

 private:
  SessionEntry& service_;
};

class AskedInvitations {
 public:
  explicit AskedInvitations(SessionInvitations& service) : service_(service) {}

  Answer list(const Ask& ask) { return shown(service_.list(ask.caller, of_session(ask))); }
  Answer invite(const Ask& ask) { return shown(service_.invite(ask.caller, inviting_of(ask))); }
  Answer revoke(const Ask& ask) { return shown(service_.revoke(ask.caller, of_invitation(ask))); }
  Answer accept(const Ask& ask) { return shown(service_.accept(ask.caller, of_code(ask))); }

 private:
  SessionInvitations& service_;
};

class AskedGuests {
 public:
  using Entering = SessionGuests::Entering;
  struct Entered {
    Json answer;
    identity::GuestProof proof;
  };
  explicit AskedGuests(SessionGuests& service) : service_(service) {}

  void send_codes_by(OneTimeCodes& codes) { service_.send_codes_by(codes); }
  Result<Entered> enter(const Ask& ask, const Entering& how) {
    RABT_TRY(entered, service_.enter(ask.caller, enter_by_link_of(ask), how));
    return Entered{.answer = to_json(entered.answer), .proof = entered.proof};
  }
  Answer preview(const Ask& ask) { return shown(service_.preview(of_code(ask))); }
  Answer send_code(const Ask& ask) { return shown(service_.send_code(ask.caller, of_code(ask))); }
  Result<std::optional<identity::Part>> part_of(const identity::GuestProof& proof) {
    return service_.part_of(proof);
  }

 private:
  SessionGuests& service_;
};

}  // namespace rabt::consultation
