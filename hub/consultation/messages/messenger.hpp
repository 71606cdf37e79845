#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "hub/consultation/acts/acts.hpp"
#include "hub/consultation/messages/due.hpp"
#include "hub/consultation/messages/message_limit.hpp"
#include "hub/consultation/messages/reports.hpp"
#include "hub/consultation/sessions/invitations.hpp"
#include "hub/consultation/sessions/second_proof.hpp"
#include "hub/consultation/sessions/session_requests.hpp"

namespace rabt::consultation {

// Requests of workflows. `session` is its ULID, UUID or number.
struct TellAtOnce {
  std::string session;
  // call_997
  std::string message;
};
struct TellDoctors {
  std::string session;
  // Time that a patient has waited when a doctor is told so.
  std::int64_t patience_seconds = 0;
};
struct TellStaff {
  std::string session;
  // ULID
  std::string person;
  // The text is staff_<message>: emergency.
  std::string message;
};

// Tells patients of their visits, and staff of its work, through the role `notify`. The link of a
// visit is written into a message when it is sent: it is in no workflow, journal or log. Internally
// synchronised; a message blocks until the gateway has answered.
class Messenger final : public OneTimeCodes {
 public:
  Messenger(Acts& acts, SessionInvitations& invitations)
      : acts_(acts), invitations_(invitations), reports_(acts), limit_(acts.parts()) {}

  // Sends what is due now in the session, and follows what the gateway took. {over, waitSeconds,
  // told: [{kind, outcome}]}: over when nothing will be due any more, waitSeconds until the next
  // message or the next question to the gateway, null when only a change of the session can make
  // one due. A message that did not arrive while it is of use is told once, as undelivered. The
  // same call again sends nothing twice. Errors: not_found session.unknown; unavailable
  // message.not_sent, to be called again.
  Answer tell(const Caller& caller, const OfSession& request);
  // Tells the patient of the session something at once, at any hour. {told: [{kind, outcome}]},
  // empty where nothing is told. Sends nothing twice. Errors as tell, and invalid message.unknown.
  Answer tell_at_once(const TellAtOnce& request);
  // Tells the doctors and specialists of the session what is due now: a visit is new, has moved,
  // was called off or given to another, or a patient waits for so long.
  // {over, waitSeconds, told: [{person, kind, outcome}]} as tell.
  Answer tell_doctors(const TellDoctors& request);
  // Tells a person of staff. {outcome: sent, no_address, failed, or off}: off where the hospital
  // has no text for it, or no gateway. Sends nothing twice. Errors as tell, and not_found
  // person.unknown.
  Answer tell_staff(const TellStaff& request);

  [[nodiscard]] bool sends_codes() const override;
  [[nodiscard]] Result<std::string> send_code(const Session& session, const Participant& one,
                                              const OneTimeCode& code) override;

 private:
  // {over, waitSeconds, told}
  [[nodiscard]] Json still(bool over, const std::optional<std::int64_t>& next_ms, Json said) const;
  // Message to the gateway.
  struct Letter {
    // Names the message: the same name is never sent twice.
    std::string name;
    std::string action;
    Json arguments = Json::object();
    // Pseudonym of the patient whose data it has. Empty when it has none.
    std::string patient{};
    // Sent once more, under another name, where nobody knows whether it arrived.
    bool twice = false;
    // Unset if no limit holds it: staff hears of every emergency.
    std::optional<MessageCause> cause{};
  };
  // The end of a letter: "sent", "failed", or "unknown", when the gateway's answer was lost and the
  // gateway cannot say; "held" when as many have left for its address as may.
  struct Handed {
    std::string outcome;
    // The gateway's id of a message that it took, or empty.
    std::string gateway_id{};
    // It was sent once more.
    bool again = false;
    // Time at which there is room for a letter that is held.
    std::optional<std::int64_t> until_ms{};
  };
  struct Outcome {
    MessageKind kind = MessageKind::booked;
    std::string outcome;
    std::string gateway_id{};
    bool again = false;
    // Relation of the guardian who was told in the place of a child. Empty for an adult.
    std::string guardian{};
    // Set if it is held; nothing is noted then.
    std::optional<std::int64_t> until_ms{};
  };
  [[nodiscard]] bool is_on() const;
  [[nodiscard]] Result<std::vector<ToldMessage>> told(const Session& session,
                                                      const std::string& participant) const;
  // {kind, outcome}, and again where it was sent once more.
  [[nodiscard]] static Json shown(const Outcome& outcome);
  [[nodiscard]] Status note(const Session& session, const std::string& participant,
                            const Outcome& outcome);
  [[nodiscard]] Result<std::vector<ToldStaff>> staff_told(const Session& session,
                                                          const std::string& person) const;
  [[nodiscard]] Status note_staff(const Session& session, const std::string& person,
                                  StaffMessage message, const std::string& outcome);
  // "sent", "no_address", "failed", "unknown"; noted. "held" is not.
  [[nodiscard]] Result<Handed> send_staff(const Session& session, const std::string& id,
                                          StaffMessage message);
  [[nodiscard]] Result<Handed> hand_over(const Session& session, const Letter& letter);
  [[nodiscard]] Result<Handed> hand_over_once(const Session& session, const Letter& letter);
  // Unset unless the gateway says that it took the message.
  [[nodiscard]] std::optional<Handed> taken(const plugin::CallRequest& request) const;
  // "sent", "declined" (the patient wants no reminders), "no_phone", "no_guardian" (the record of a
  // child names none), "no_link" (somebody took the link back), "failed", "unknown", "held".
  [[nodiscard]] Result<Outcome> send(const Session& session, const Participant& one,
                                     MessageKind kind, const OneTimeCode& code = {});
  // Matter of a message.
  struct Matter {
    MessageKind kind = MessageKind::booked;
    const OneTimeCode& code;
  };
  [[nodiscard]] Result<std::string> text_of(const Session& session, const Participant& one,
                                            const Matter& matter, const std::string& language);
  [[nodiscard]] Status note_disclosure(const Session& session, const Json& arguments) const;

  Acts& acts_;
  SessionInvitations& invitations_;
  MessageReports reports_;
  const MessageLimit limit_;
};

}  // namespace rabt::consultation
