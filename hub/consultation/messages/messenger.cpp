#include "hub/consultation/messages/messenger.hpp"

#include <algorithm>
#include <optional>

#include "hub/base/clock.hpp"
#include "hub/consultation/acts/guardian.hpp"
#include "hub/consultation/messages/gateway.hpp"
#include "hub/consultation/messages/staff_letter.hpp"
#include "hub/consultation/messages/statements.hpp"
#include "hub/consultation/messages/texts.hpp"
#include "hub/consultation/rows/session_lane.hpp"
#include "hub/phi/index_value.hpp"

namespace rabt::consultation {

namespace {

using store::Row;

constexpr std::string_view kSent = "sent";
constexpr std::string_view kFailed = "failed";
constexpr std::string_view kNoPhone = "no_phone";

std::string language_of(const Session& session, const Participant& participant,
                        const Json& profile) {
  std::string language = participant.guest.string_or("preferredLanguage", "");
  if (language.empty()) language = profile.string_or("language", "");
  if (language.empty()) language = session.options.language;
  return language == "en" ? "en" : "ar";
}

bool is_booked_by_patient(const Session& session) {
  return !session.origin.booked_by.empty() && (session.origin.booked_by == session.patient ||
                                               session.origin.booked_by == session.naming.written);
}

MessageCause cause_of(const Session& session, MessageKind kind) {
  if (kind == MessageKind::call_997) return MessageCause::emergency;
  const bool own = is_booked_by_patient(session);
  return own || kind == MessageKind::second_proof ? MessageCause::asked : MessageCause::visit;
}

// Address of the record by the channel. Empty when it has none.
std::string address_of(Channel channel, const Json& profile, const Guarded& by) {
  // A record has no mail of a guardian.
  if (channel == Channel::mail && by.guardian) return {};
  const bool mail = channel == Channel::mail;
  const auto address = phi::normalise(
      mail ? phi::IndexKind::email : phi::IndexKind::phone,
      by.guardian ? by.guardian->phone : profile.string_or(mail ? "email" : "phone", ""));
  return address.ok() ? *address : std::string();
}

// Whoever is in the call needs no message that leads there.
bool is_of_use(const Session& session, const Participant& participant, const ToldMessage& message) {
  const bool leads_in =
      message.kind == MessageKind::soon || message.kind == MessageKind::doctor_waits;
  return useful_until(session, message) > message.at_ms && !(leads_in && participant.was_here);
}

// Those that the hospital has texts for.
MessageKinds kinds_of(const House& house) {
  MessageKinds kinds;
  for (std::size_t i = 0; i < kMessageKinds; ++i) {
    kinds.set(i, has_text(house, template_of(static_cast<MessageKind>(i))));
  }
  return kinds;
}

}  // namespace

bool Messenger::is_on() const {
  const SessionParts& parts = acts_.parts();
  return !parts.public_url.empty() && !parts.house.texts.empty() &&
         parts.actions.bindings().contains(std::string(kNotifyRole));
}

Result<std::vector<ToldMessage>> Messenger::told(const Session& session,
                                                 const std::string& participant) const {
  std::vector<ToldMessage> found;
  RABT_TRY_STATUS(acts_.parts().store.read([&](store::Connection& connection) {
    return connection.query(
        sql::messages::kTold, {session.tenant, session.id, participant}, [&](const Row& row) {
          const auto kind = parse_message_kind(row.text(sql::messages::kTold["kind"]));
          if (kind)
            found.push_back({.kind = *kind,
                             .version = row.integer(sql::messages::kTold["version"]),
                             .at_ms = row.integer(sql::messages::kTold["at_ms"])});
          return true;
        });
  }));
  return found;
}

Json Messenger::shown(const Outcome& outcome) {
  Json out = Json::object({{"kind", to_string(outcome.kind)}, {"outcome", outcome.outcome}});
  if (outcome.channel != Channel::sms) out.set("channel", to_string(outcome.channel));
  if (outcome.again) out.set("again", true);
  return out;
}

Json Messenger::shown(const Outcome& sms, const std::optional<Outcome>& mail) {
  const bool mailed = mail && mail->outcome == kSent;
  Json out = shown(mailed ? *mail : sms);
  if (mailed) out.set("sms", sms.outcome);
  if (mail && !mailed) out.set("mail", mail->outcome);
  return out;
}

Status Messenger::note(const Session& session, const std::string& participant,
                       const std::vector<Outcome>& outcomes) {
  const SessionParts& parts = acts_.parts();
  std::vector<audit::Prepared> entries;
  bool taken = false;
  for (const Outcome& outcome : outcomes) {
    audit::Entry entry = Acts::entry_of(caller_of_hub(parts.tenant, "messages"), session);
    entry.act = "participant.told";
    entry.detail = shown(outcome);
    entry.detail.set("participant", participant);
    if (!outcome.guardian.empty()) entry.detail.set("guardian", outcome.guardian);
    entries.push_back(parts.audit.prepare(entry));
    taken = taken || !outcome.gateway_id.empty();
  }
  const std::int64_t now = parts.clock.now().ms;
  RABT_TRY_STATUS(
      parts.store.write(lane_of(session.id), [&](store::Transaction& transaction) -> Status {
        for (const Outcome& outcome : outcomes) {
          const MessageName name{.kind = outcome.kind, .channel = outcome.channel};
          RABT_TRY_STATUS(
              store::run(transaction, sql::messages::kPutMessage,
                         {session.tenant, session.id, participant, to_string(name),
                          session.schedule.version, outcome.outcome, now, outcome.gateway_id}));
        }
        for (const audit::Prepared& entry : entries)
          RABT_TRY_STATUS(parts.audit.append(transaction, entry));
        return ok_status();
      }));
  return taken ? reports_.take_early(session.id, participant) : ok_status();
}

Result<std::string> Messenger::text_of(const Session& session, const Participant& participant,
                                       const Matter& matter, const std::string& language) {
  const House& house = acts_.parts().house;
  const auto texts = house.texts.find(language);
  if (texts == house.texts.end()) return std::string();
  std::map<std::string, std::string> places{
      {"phone", house.phone},
      {"code", matter.code.digits},
      {"time", time_text({session.schedule.at_ms.value_or(0)}, language)}};
  if (const auto name = house.name.find(language); name != house.name.end())
    places["hospital"] = name->second;
  const std::string& text = texts->second.at(std::string(template_of(matter.kind)));
  // A visit that is over has none.
  if (!session.over() && text.find("{link}") != std::string::npos) {
    RABT_TRY(link, invitations_.link_of(session.id, participant.id));
    places["link"] = std::move(link);
  }
  return fill_template(text, places);
}

Result<Messenger::Receiver> Messenger::receiver_of(const Session& session,
                                                   const Participant& participant,
                                                   const Matter& matter) const {
  const SessionParts& parts = acts_.parts();
  const std::string none(matter.channel == Channel::mail ? kNoMail : kNoPhone);
  // The addresses of the record alone: whoever can book could read what goes to another one.
  if (participant.person.empty()) return Receiver{.none = none};
  RABT_TRY(person, parts.directory.find(parts.tenant, participant.person));
  if (may_be_declined(matter.kind) && !person.profile.bool_or("reminders", true))
    return Receiver{.none = "declined"};
  const Timestamp at{session.schedule.at_ms.value_or(parts.clock.now().ms)};
  RABT_TRY(by, guarded(parts, person, at));
  if (by.child && !by.guardian) return Receiver{.none = "no_guardian"};
  Receiver out{.none = {},
               .address = address_of(matter.channel, person.profile, by),
               .language = language_of(session, participant, person.profile),
               .guardian = by.guardian ? by.guardian->relation : std::string()};
  if (out.address.empty()) out.none = none;
  return out;
}

Result<Messenger::Outcome> Messenger::send(const Session& session, const Participant& participant,
                                           const Matter& matter) {
  RABT_TRY(to, receiver_of(session, participant, matter));
  Outcome out{.kind = matter.kind,
              .channel = matter.channel,
              .outcome = to.none,
              .guardian = std::move(to.guardian)};
  if (!to.none.empty()) return out;
  const auto became = [&out](std::string outcome) {
    out.outcome = std::move(outcome);
    return out;
  };
  auto message = text_of(session, participant, matter, to.language);
  if (!message.ok() && message.error().code == "invitation.revoked") return became("no_link");
  if (!message.ok()) return message.error();
  std::string text = *std::move(message);
  if (text.empty()) return became(std::string(kFailed));
  const bool mail = matter.channel == Channel::mail;
  const MessageName name{.kind = matter.kind, .channel = matter.channel};
  Letter letter{
      .name = participant.id + "/" + to_string(name) + matter.code.name,
      .action = std::string(mail ? kSendMail : kSendSms),
      .arguments = Json::object(
          {{"to", std::move(to.address)}, {"text", std::move(text)}, {"language", to.language}}),
      .patient = session.naming.pseudonym,
      .twice = !mail && is_about_time(matter.kind),
      // The desk calls if the mail cannot leave now.
      .waits = !mail,
      .cause = cause_of(session, matter.kind)};
  if (mail) letter.arguments.set("subject", mail_subject(acts_.parts().house, to.language));
  RABT_TRY(handed, letters_.hand_over(session, letter));
  out.until_ms = handed.until_ms;
  out.gateway_id = std::move(handed.gateway_id);
  out.again = handed.again;
  return became(std::move(handed.outcome));
}

Result<Messenger::Mailed> Messenger::by_mail(const Session& session, const Participant& participant,
                                             MessageKind kind) {
  const SessionParts& parts = acts_.parts();
  const std::string name = to_string(MessageName{.kind = kind, .channel = Channel::mail});
  std::string before;
  RABT_TRY_STATUS(parts.store.read([&](store::Connection& connection) {
    return connection.query(
        sql::messages::kMessageOutcome,
        {session.tenant, session.id, participant.id, name, session.schedule.version},
        [&](const Row& row) {
          before = row.text(sql::messages::kMessageOutcome["outcome"]);
          return false;
        });
  }));
  if (!before.empty()) {
    const bool left = before != kFailed && before != "unknown";
    return Mailed{.outcome = Outcome{.kind = kind,
                                     .channel = Channel::mail,
                                     .outcome = left ? std::string(kSent) : before},
                  .noted = true};
  }
  const Timestamp now = parts.clock.now();
  const ToldMessage message{.kind = kind, .version = session.schedule.version, .at_ms = now.ms};
  if (!letters_.can_mail() || !is_of_use(session, participant, message)) return Mailed{};
  const Matter matter{.kind = kind, .channel = Channel::mail};
  RABT_TRY(to, receiver_of(session, participant, matter));
  if (!to.none.empty()) return Mailed{};
  if (const auto until = quiet_hold(session, now)) return Mailed{.until_ms = until};
  RABT_TRY(outcome, send(session, participant, matter));
  if (outcome.until_ms || outcome.outcome == "no_link" || outcome.outcome == kNoMail)
    return Mailed{};
  return Mailed{.outcome = std::move(outcome)};
}

Result<Messenger::Told> Messenger::tell_due(const Session& session, const Participant& participant,
                                            MessageKind kind) {
  RABT_TRY(sms, send(session, participant, {.kind = kind}));
  if (sms.until_ms) return Told{.until_ms = sms.until_ms};
  std::vector<Outcome> ended{sms};
  std::optional<Outcome> mail;
  if (sms.outcome == kFailed || sms.outcome == kNoPhone) {
    RABT_TRY(mailed, by_mail(session, participant, kind));
    // The quiet hours have begun during the call: nothing is noted, and the message stays due.
    if (mailed.until_ms) return Told{.until_ms = mailed.until_ms};
    mail = std::move(mailed.outcome);
    if (mail && !mailed.noted) ended.push_back(*mail);
  }
  // Both at once: a repeat after a crash finds the message due, and goes on.
  RABT_TRY_STATUS(note(session, participant.id, ended));
  return Told{.shown = shown(sms, mail)};
}

Result<Messenger::Followed> Messenger::follow(const Session& session,
                                              const Participant& participant,
                                              const std::string& call) {
  RABT_TRY(followed, reports_.follow(session, participant.id, call));
  Followed out{.next_ms = followed.next_ms};
  const auto look_at = [&out](const std::optional<std::int64_t>& at_ms) {
    if (at_ms) out.next_ms = std::min(out.next_ms.value_or(*at_ms), *at_ms);
  };
  for (const MessageName& lost : followed.undelivered) {
    const Outcome first{.kind = lost.kind, .channel = lost.channel, .outcome = "undelivered"};
    Mailed mail;
    if (lost.channel == Channel::sms) {
      RABT_TRY(sent, by_mail(session, participant, lost.kind));
      mail = std::move(sent);
    }
    look_at(mail.until_ms);
    if (mail.until_ms) continue;
    // The gateway may say of the mail, too, that it did not arrive.
    if (mail.outcome) look_at(next_question({.at_ms = acts_.parts().clock.now().ms}, 0));
    if (mail.outcome && !mail.noted)
      RABT_TRY_STATUS(note(session, participant.id, {*mail.outcome}));
    out.told.push_back(shown(first, mail.outcome));
    RABT_TRY_STATUS(reports_.pass_on(session, participant.id, lost, call));
  }
  return out;
}

bool Messenger::sends_codes() const {
  return is_on() && has_text(acts_.parts().house, template_of(MessageKind::second_proof));
}

Result<std::string> Messenger::send_code(const Session& session, const Participant& participant,
                                         const OneTimeCode& code) {
  RABT_TRY(outcome, send(session, participant, {.kind = MessageKind::second_proof, .code = code}));
  if (outcome.until_ms)
    return unavailable(std::string(kTooManyMessages),
                       "as many messages as may be were sent to the telephone of the record within "
                       "an hour or a day; wait, or call the hospital");
  RABT_TRY_STATUS(note(session, participant.id, {outcome}));
  return outcome.outcome;
}

Answer Messenger::tell_at_once(const TellAtOnce& request) {
  RABT_TRY(session, acts_.load(request.session));
  const auto kind = parse_message_kind(request.message);
  if (kind != MessageKind::call_997)
    return invalid("message.unknown", "message: it must be call_997");
  Json said = Json::array();
  const bool tells =
      is_on() && has_text(acts_.parts().house, template_of(*kind)) && !session.over();
  const std::vector<Participant> people = session.people.participants;
  for (const Participant& person : people) {
    if (!tells || person.role != PartRole::patient || !person.takes_part()) continue;
    RABT_TRY(before, told(session, person.id));
    if (was_told(before, *kind, session.schedule.version)) continue;
    RABT_TRY(outcome, send(session, person, {.kind = *kind}));
    said.push_back(shown(outcome));
    if (!outcome.until_ms) RABT_TRY_STATUS(note(session, person.id, {outcome}));
  }
  return Json::object({{"told", std::move(said)}});
}

Result<std::vector<ToldStaff>> Messenger::staff_told(const Session& session,
                                                     const std::string& person) const {
  std::vector<ToldStaff> found;
  RABT_TRY_STATUS(acts_.parts().store.read([&](store::Connection& connection) {
    return connection.query(
        sql::messages::kTold, {session.tenant, session.id, person}, [&](const Row& row) {
          if (const auto message = parse_staff_message(row.text(sql::messages::kTold["kind"])))
            found.push_back(
                {.message = *message, .version = row.integer(sql::messages::kTold["version"])});
          return true;
        });
  }));
  return found;
}

Status Messenger::note_staff(const Session& session, const std::string& person,
                             StaffMessage message, const std::string& outcome) {
  const SessionParts& parts = acts_.parts();
  audit::Entry entry = Acts::entry_of(caller_of_hub(parts.tenant, "messages"), session);
  entry.act = "staff.told";
  entry.detail =
      Json::object({{"person", person}, {"kind", to_string(message)}, {"outcome", outcome}});
  const audit::Prepared prepared = parts.audit.prepare(entry);
  return parts.store.write(lane_of(session.id), [&](store::Transaction& transaction) -> Status {
    RABT_TRY_STATUS(store::run(
        transaction, sql::messages::kPutMessage,
        {session.tenant, session.id, person, to_string(message), session.schedule.version, outcome,
         parts.clock.now().ms, std::string_view("")}));
    return parts.audit.append(transaction, prepared);
  });
}

// The text has no patient data: a time, and the link to the page of the clinic.
Result<Handed> Messenger::send_staff(const Session& session, const std::string& id,
                                     StaffMessage message) {
  const SessionParts& parts = acts_.parts();
  RABT_TRY(person, parts.directory.find(parts.tenant, id));
  const std::string text(to_string(message));
  const std::string language = language_of_staff(person);
  const auto at_ms = session.schedule.at_ms;
  Letter letter = letter_to_staff(parts.house, person, text,
                                  {{"time", at_ms ? time_text({*at_ms}, language) : ""},
                                   {"link", parts.public_url + "/clinic"}},
                                  letters_.can_mail());
  letter.twice = message != StaffMessage::waits && message != StaffMessage::emergency;
  if (message != StaffMessage::emergency)
    letter.cause = is_booked_by_patient(session) ? MessageCause::booked : MessageCause::visit;
  Handed became{.outcome = "no_address"};
  if (!letter.action.empty()) {
    RABT_TRY(handed, letters_.hand_over(session, letter));
    if (handed.outcome != kNoMail) became = std::move(handed);
  }
  if (!became.until_ms) RABT_TRY_STATUS(note_staff(session, id, message, became.outcome));
  return became;
}

Answer Messenger::tell_staff(const TellStaff& request) {
  RABT_TRY(session, acts_.load(request.session));
  const std::string text = "staff_" + request.message;
  const auto message = parse_staff_message(text);
  const auto outcome = [](std::string_view word) { return Json::object({{"outcome", word}}); };
  if (!message || !is_on() || !has_text(acts_.parts().house, text)) return outcome("off");
  RABT_TRY(before, staff_told(session, request.person));
  const bool again = std::any_of(before.begin(), before.end(), [&](const ToldStaff& staff) {
    return staff.message == *message && staff.version == session.schedule.version;
  });
  if (again) return outcome("sent");
  RABT_TRY(became, send_staff(session, request.person, *message));
  return outcome(became.outcome);
}

Answer Messenger::tell_doctors(const TellDoctors& request) {
  RABT_TRY(session, acts_.load(request.session));
  Json said = Json::array();
  StaffHearer hearer{.patience_ms = request.patience_seconds * kSecondMs};
  for (std::size_t i = 0; i < kStaffMessages; ++i)
    hearer.texts.set(i, has_text(acts_.parts().house, to_string(static_cast<StaffMessage>(i))));
  if (!is_on() || hearer.texts.none()) return still(true, {}, std::move(said));
  bool over = session.over();
  std::optional<std::int64_t> next;
  const std::vector<Participant> people = session.people.participants;
  for (const Participant& person : people) {
    if (person.person.empty() || !needs_licence(person.role)) continue;
    hearer.gone = !person.takes_part();
    hearer.opened_it = person.person == person.brought_by;
    hearer.came = person.was_here;
    while (true) {
      RABT_TRY(before, staff_told(session, person.person));
      const DueStaff due = due_for_staff(session, before, acts_.parts().clock.now(), hearer);
      if (!due.now) {
        over = over && due.over;
        if (due.next_ms && (!next || *due.next_ms < *next)) next = due.next_ms;
        break;
      }
      RABT_TRY(handed, send_staff(session, person.person, *due.now));
      if (handed.until_ms) {
        over = false;
        next = std::min(next.value_or(*handed.until_ms), *handed.until_ms);
        break;
      }
      said.push_back(Json::object(
          {{"person", person.person}, {"kind", to_string(*due.now)}, {"outcome", handed.outcome}}));
    }
  }
  return still(over, next, std::move(said));
}

Json Messenger::still(bool over, const std::optional<std::int64_t>& next_ms, Json said) const {
  Json wait;
  if (next_ms) {
    const std::int64_t left = *next_ms - acts_.parts().clock.now().ms;
    wait = Json(std::max<std::int64_t>(1, (left + kSecondMs - 1) / kSecondMs));
  }
  return Json::object({{"over", over}, {"waitSeconds", wait}, {"told", std::move(said)}});
}

Answer Messenger::tell(const Caller& caller, const OfSession& request) {
  RABT_TRY(session, acts_.load(request.session));
  Json said = Json::array();
  if (!is_on()) return still(true, {}, std::move(said));
  bool over = true;
  std::optional<std::int64_t> next;
  const std::vector<Participant> people = session.people.participants;
  const MessageKinds texts = kinds_of(acts_.parts().house);
  for (const Participant& person : people) {
    if (person.role != PartRole::patient || !person.takes_part()) continue;
    while (true) {
      RABT_TRY(before, told(session, person.id));
      const Timestamp now = acts_.parts().clock.now();
      const DueMessage due = due_message(session, before, now, {person.was_here, texts});
      if (!due.now) {
        over = over && due.over;
        if (due.next_ms && (!next || *due.next_ms < *next)) next = due.next_ms;
        break;
      }
      RABT_TRY(became, tell_due(session, person, *due.now));
      if (became.until_ms) {
        over = false;
        next = std::min(next.value_or(*became.until_ms), *became.until_ms);
        break;
      }
      said.push_back(std::move(became.shown));
    }
    RABT_TRY(followed, follow(session, person, caller.key));
    for (Json& lost : followed.told) said.push_back(std::move(lost));
    if (!followed.next_ms) continue;
    over = false;
    next = std::min(next.value_or(*followed.next_ms), *followed.next_ms);
  }
  // A person who has to be told may still join the session.
  if (!session.over() && session.status != SessionStatus::active) over = false;
  return still(over, next, std::move(said));
}

}  // namespace rabt::consultation
