#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "hub/consultation/acts/acts.hpp"
#include "hub/consultation/messages/channel.hpp"
#include "hub/consultation/messages/due.hpp"
#include "hub/consultation/messages/letters.hpp"
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
      : acts_(acts), invitations_(invitations), reports_(acts), letters_(acts) {}

  // Sends what is due now in the session, and follows what the gateway took. {over, waitSeconds,
  // told: [{kind, outcome}]}: over when nothing will be due any more, waitSeconds until the next
  // message or the next question to the gateway, null when only a change of the session can make
  // one due. A message that did not arrive while it is of use is told once, as undelivered. One
  // that no telephone took goes by mail: {kind, outcome: "sent", channel: "mail", sms: how the SMS
  // ended}, or, where the mail failed, too, the outcome of the SMS with mail: how the mail ended.
  // The same call again sends nothing twice. Errors: not_found session.unknown; unavailable
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
  [[nodiscard]] Result<std::string> send_code(const Session& session,
                                              const Participant& participant,
                                              const OneTimeCode& code) override;

 private:
  // {over, waitSeconds, told}
  [[nodiscard]] Json still(bool over, const std::optional<std::int64_t>& next_ms, Json said) const;
  struct Outcome {
    MessageKind kind = MessageKind::booked;
    Channel channel = Channel::sms;
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
  // {kind, outcome}; channel unless it is SMS, and again where it was sent once more.
  [[nodiscard]] static Json shown(const Outcome& outcome);
  // End of a message that was sent by one channel, or by both.
  [[nodiscard]] static Json shown(const Outcome& sms, const std::optional<Outcome>& mail);
  // In one commit.
  [[nodiscard]] Status note(const Session& session, const std::string& participant,
                            const std::vector<Outcome>& outcomes);
  [[nodiscard]] Result<std::vector<ToldStaff>> staff_told(const Session& session,
                                                          const std::string& person) const;
  [[nodiscard]] Status note_staff(const Session& session, const std::string& person,
                                  StaffMessage message, const std::string& outcome);
  // "sent", "no_address", "failed", "unknown"; noted. "held" is not.
  [[nodiscard]] Result<Handed> send_staff(const Session& session, const std::string& id,
                                          StaffMessage message);
  // Matter of a message.
  struct Matter {
    MessageKind kind = MessageKind::booked;
    Channel channel = Channel::sms;
    // Code of a second proof.
    OneTimeCode code{};
  };
  // Receiver of a message, by the record.
  struct Receiver {
    // Set if no message may leave: "declined" (the patient wants no reminders), "no_phone",
    // "no_mail", "no_guardian" (the record of a child names none).
    std::string none;
    std::string address{};
    std::string language{};
    // Relation of the guardian of a child.
    std::string guardian{};
  };
  [[nodiscard]] Result<Receiver> receiver_of(const Session& session, const Participant& participant,
                                             const Matter& matter) const;
  // Receiver::none, or "sent", "no_link" (somebody took the link back), "failed", "unknown",
  // "held".
  [[nodiscard]] Result<Outcome> send(const Session& session, const Participant& participant,
                                     const Matter& matter);
  // End of the mail of a message that no telephone took; sends the mail unless its end was noted.
  struct Mailed {
    // Unset where no mail may leave: the role or the record has none, the patient declines it, the
    // message is of no use any more, or as many have left for the address as may.
    std::optional<Outcome> outcome{};
    bool noted = false;
    // End of the quiet hours that hold it.
    std::optional<std::int64_t> until_ms{};
  };
  [[nodiscard]] Result<Mailed> by_mail(const Session& session, const Participant& participant,
                                       MessageKind kind);
  // Sends what is due, by mail where no telephone takes it, and notes it. What is held is not
  // noted.
  struct Told {
    Json shown{};
    std::optional<std::int64_t> until_ms{};
  };
  [[nodiscard]] Result<Told> tell_due(const Session& session, const Participant& participant,
                                      MessageKind kind);
  // Messages that did not arrive, and how their mails ended.
  struct Followed {
    std::vector<Json> told{};
    std::optional<std::int64_t> next_ms{};
  };
  [[nodiscard]] Result<Followed> follow(const Session& session, const Participant& participant,
                                        const std::string& call);
  [[nodiscard]] Result<std::string> text_of(const Session& session, const Participant& participant,
                                            const Matter& matter, const std::string& language);

  Acts& acts_;
  SessionInvitations& invitations_;
  MessageReports reports_;
  const Letters letters_;
};

}  // namespace rabt::consultation
