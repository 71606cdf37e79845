#pragma once

#include "hub/api/requests/day_requests.hpp"
#include "hub/api/requests/entry_requests.hpp"
#include "hub/api/requests/guest_requests.hpp"
#include "hub/api/requests/invitation_requests.hpp"
#include "hub/api/requests/life_requests.hpp"
#include "hub/api/requests/people_requests.hpp"
#include "hub/api/requests/session_requests.hpp"
#include "hub/consultation/sessions/sessions.hpp"
#include "tests/consultation/call_of.hpp"
#include "tests/consultation/shown.hpp"

// Services of sessions as a door calls them: an ask in, JSON out.
namespace rabt::consultation {

class AskedLife {
 public:
  explicit AskedLife(SessionLife& service) : service_(service) {}

  Answer change(const Ask& ask) {
    return shown(service_.change(ask.caller, api::change_session_of(ask)));
  }
  Answer accept(const Ask& ask) { return shown(service_.accept(ask.caller, api::of_session(ask))); }
  Answer decline(const Ask& ask) {
    return shown(service_.decline(ask.caller, api::decline_session_of(ask)));
  }
  Answer assign(const Ask& ask) {
    return shown(service_.assign(ask.caller, api::assign_session_of(ask)));
  }
  Answer start(const Ask& ask) { return shown(service_.start(ask.caller, api::of_session(ask))); }
  Answer end(const Ask& ask) { return shown(service_.end(ask.caller, api::end_session_of(ask))); }
  Answer cancel(const Ask& ask) {
    return shown(service_.cancel(ask.caller, api::cancel_session_of(ask)));
  }
  Answer set_insurance(const Ask& ask) {
    return shown(service_.set_insurance(ask.caller, note_insurance_of(call_of(ask))));
  }
  Answer set_appointment(const Ask& ask) {
    return shown(service_.set_appointment(ask.caller, link_appointment_of(call_of(ask))));
  }
  Answer link_consultation(const Ask& ask) {
    return shown(service_.link_consultation(ask.caller, link_instance_of(call_of(ask))));
  }
  Answer set_billing(const Ask& ask) {
    return shown(service_.set_billing(ask.caller, note_billing_of(call_of(ask))));
  }

 private:
  SessionLife& service_;
};

class AskedDays {
 public:
  explicit AskedDays(SessionDays& service) : service_(service) {}

  Answer preview(const Ask& ask) {
    return shown(service_.preview(ask.caller, api::preview_day_of(ask)));
  }
  Answer apply(const Ask& ask) {
    return shown(service_.apply(ask.caller, api::change_day_of(ask)));
  }
  Answer list(const Ask& ask, const Window& page = {.limit = kMostOnPaper}) {
    RABT_TRY(list, service_.list(ask.caller, api::list_day_of(ask), page));
    next = list.next;
    return to_json(list);
  }
  // All of it, as a page to print and as a table.
  std::string page(const Ask& ask, std::string_view language) {
    const auto list = service_.list(ask.caller, api::list_day_of(ask), std::nullopt);
    return list.ok() ? service_.page_of(*list, language) : list.error().code;
  }
  std::string table(const Ask& ask, std::string_view language) {
    const auto list = service_.list(ask.caller, api::list_day_of(ask), std::nullopt);
    return list.ok() ? service_.table_of(*list, language) : list.error().code;
  }

  // Place of the page behind the last list.
  std::string next{};

 private:
  SessionDays& service_;
};

class AskedEntry {
 public:
  explicit AskedEntry(SessionEntry& service) : service_(service) {}

  Answer join(const Ask& ask) { return shown(service_.join(ask.caller, api::join_call_of(ask))); }
  Answer token(const Ask& ask) {
    return shown(service_.token(ask.caller, api::of_participant(ask)));
  }
  Answer told_token(const Ask& ask) {
    return shown(service_.told_token(ask.caller, api::of_session(ask)));
  }
  Answer leave(const Ask& ask) {
    return shown(service_.leave(ask.caller, api::of_participant(ask)));
  }

 private:
  SessionEntry& service_;
};

class AskedPeople {
 public:
  explicit AskedPeople(SessionPeople& service) : service_(service) {}

  Answer participants(const Ask& ask) {
    return shown(service_.participants(ask.caller, api::of_session(ask)));
  }
  Answer add_participant(const Ask& ask) {
    return shown(service_.add_participant(ask.caller, api::add_participant_of(ask)));
  }
  Answer remove_participant(const Ask& ask) {
    return shown(service_.remove_participant(ask.caller, api::of_participant(ask)));
  }
  Answer admit(const Ask& ask) {
    return shown(service_.admit(ask.caller, api::of_participant(ask)));
  }
  Answer deny(const Ask& ask) {
    return shown(service_.deny(ask.caller, api::deny_participant_of(ask)));
  }
  Answer waiting_room(const Ask& ask) {
    return shown(service_.waiting_room(ask.caller, api::of_session(ask)));
  }
  Answer consents(const Ask& ask) {
    return shown(service_.consents(ask.caller, api::of_session(ask)));
  }
  Answer record_consent(const Ask& ask) {
    return shown(service_.record_consent(ask.caller, api::give_consent_of(ask)));
  }
  Answer confirm_identity(const Ask& ask) {
    return shown(service_.confirm_identity(ask.caller, api::identify_patient_of(ask)));
  }
  Answer start_transcription(const Ask& ask) {
    return shown(service_.start_transcription(ask.caller, api::of_session(ask)));
  }
  Answer stop_transcription(const Ask& ask) {
    return shown(service_.stop_transcription(ask.caller, api::of_session(ask)));
  }

 private:
  SessionPeople& service_;
};

class AskedInvitations {
 public:
  explicit AskedInvitations(SessionInvitations& service) : service_(service) {}

  Answer list(const Ask& ask) { return shown(service_.list(ask.caller, api::of_session(ask))); }
  Answer invite(const Ask& ask) {
    return shown(service_.invite(ask.caller, api::inviting_of(ask)));
  }
  Answer revoke(const Ask& ask) {
    return shown(service_.revoke(ask.caller, api::of_invitation(ask)));
  }
  Answer accept(const Ask& ask) { return shown(service_.accept(ask.caller, api::of_code(ask))); }

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
    RABT_TRY(entered, service_.enter(ask.caller, api::enter_by_link_of(ask), how));
    return Entered{.answer = to_json(entered.answer), .proof = entered.proof};
  }
  Answer preview(const Ask& ask) { return shown(service_.preview(api::of_code(ask))); }
  Answer send_code(const Ask& ask) {
    return shown(service_.send_code(ask.caller, api::of_code(ask)));
  }
  Answer ask_app(const Ask& ask) { return shown(service_.ask_app(ask.caller, api::of_code(ask))); }
  Result<std::optional<identity::Part>> part_of(const identity::GuestProof& proof) {
    return service_.part_of(proof);
  }

 private:
  SessionGuests& service_;
};

}  // namespace rabt::consultation
