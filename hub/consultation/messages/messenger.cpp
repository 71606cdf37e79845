#include "hub/consultation/messages/messenger.hpp"

#include <algorithm>
#include <optional>

#include "hub/base/bytes.hpp"
#include "hub/base/clock.hpp"
#include "hub/consultation/acts/guardian.hpp"
#include "hub/consultation/messages/gateway.hpp"
#include "hub/consultation/messages/statements.hpp"
#include "hub/consultation/messages/texts.hpp"
#include "hub/consultation/rows/session_lane.hpp"
#include "hub/crypto/crypto.hpp"
#include "hub/phi/index_value.hpp"

namespace rabt::consultation {

namespace {

using store::Row;

constexpr std::string_view kAction = "notify.sms.send";
constexpr std::string_view kMail = "notify.email.send";

std::string language_of(const Session& session, const Participant& one, const Json& profile) {
  std::string language = one.guest.string_or("preferredLanguage", "");
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

// Names a message of a version of the schedule.
std::string key_of(const Session& session, const std::string& letter) {
  const std::string name =
      session.id + "/" + letter + "/" + std::to_string(session.schedule.version);
  return to_hex(crypto::sha256(name)).substr(0, 32);
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
          const auto kind = parse_message_kind(row.text(0));
          if (kind)
            found.push_back({.kind = *kind, .version = row.integer(1), .at_ms = row.integer(2)});
          return true;
        });
  }));
  return found;
}

Json Messenger::shown(const Outcome& outcome) {
  Json out = Json::object({{"kind", to_string(outcome.kind)}, {"outcome", outcome.outcome}});
  if (outcome.again) out.set("again", true);
  return out;
}

Status Messenger::note(const Session& session, const std::string& participant,
                       const Outcome& outcome) {
  const SessionParts& parts = acts_.parts();
  audit::Entry entry = Acts::entry_of(caller_of_hub(parts.tenant, "messages"), session);
  entry.act = "participant.told";
  entry.detail = shown(outcome);
  entry.detail.set("participant", participant);
  if (!outcome.guardian.empty()) entry.detail.set("guardian", outcome.guardian);
  const audit::Prepared prepared = parts.audit.prepare(entry);
  const store::Lane lane = lane_of(session.id);
  RABT_TRY_STATUS(parts.store.write(lane, [&](store::Transaction& transaction) -> Status {
    RABT_TRY_STATUS(store::run(
        transaction, sql::messages::kPutMessage,
        {session.tenant, session.id, participant, to_string(outcome.kind), session.schedule.version,
         outcome.outcome, parts.clock.now().ms, outcome.gateway_id}));
    return parts.audit.append(transaction, prepared);
  }));
  return outcome.gateway_id.empty() ? ok_status() : reports_.take_early(session.id, participant);
}

Status Messenger::note_disclosure(const Session& session, const Json& arguments) const {
  const SessionParts& parts = acts_.parts();
  const auto recipient = parts.actions.recipient(kNotifyRole, kAction, kNotifyVersion);
  if (!recipient) return ok_status();
  Json fields = Json::array();
  for (const auto& [name, value] : arguments.as_object()) fields.push_back(name);
  audit::Entry entry = Acts::entry_of(caller_of_hub(parts.tenant, "messages"), session);
  entry.act = "action.sent";
  entry.detail =
      Json::object({{"role", kNotifyRole},
                    {"task", "messages"},
                    {"recipient", recipient->plugin},
                    {"version", recipient->version},
                    {"host", recipient->hosts.empty() ? "none" : recipient->hosts.front()},
                    {"capability", std::string(kAction) + ":" + std::string(kNotifyVersion)},
                    {"fields", std::move(fields)}});
  const audit::Prepared prepared = parts.audit.prepare(entry);
  return parts.store.write(
      [&](store::Transaction& transaction) { return parts.audit.append(transaction, prepared); });
}

Result<std::string> Messenger::text_of(const Session& session, const Participant& one,
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
    RABT_TRY(link, invitations_.link_of(session.id, one.id));
    places["link"] = std::move(link);
  }
  return fill_template(text, places);
}

Result<Messenger::Outcome> Messenger::send(const Session& session, const Participant& one,
                                           MessageKind kind, const OneTimeCode& code) {
  const SessionParts& parts = acts_.parts();
  Outcome out{.kind = kind, .outcome = "no_phone"};
  // The telephone of the record alone: whoever can book could read what goes to another one.
  if (one.person.empty()) return out;
  RABT_TRY(person, parts.directory.find(parts.tenant, one.person));
  const auto became = [&out](std::string outcome) {
    out.outcome = std::move(outcome);
    return out;
  };
  if (may_be_declined(kind) && !person.profile.bool_or("reminders", true))
    return became("declined");
  const Timestamp at{session.schedule.at_ms.value_or(parts.clock.now().ms)};
  RABT_TRY(by, guarded(parts, person, at));
  if (by.child && !by.guardian) return became("no_guardian");
  if (by.guardian) out.guardian = by.guardian->relation;
  const auto phone =
      phi::normalise(phi::IndexKind::phone,
                     by.guardian ? by.guardian->phone : person.profile.string_or("phone", ""));
  if (!phone.ok()) return out;
  const std::string language = language_of(session, one, person.profile);
  auto message = text_of(session, one, {.kind = kind, .code = code}, language);
  if (!message.ok() && message.error().code == "invitation.revoked") return became("no_link");
  if (!message.ok()) return message.error();
  std::string text = *std::move(message);
  if (text.empty()) return became("failed");
  const Letter letter{.name = one.id + "/" + std::string(to_string(kind)) + code.name,
                      .action = std::string(kAction),
                      .arguments = Json::object(
                          {{"to", *phone}, {"text", std::move(text)}, {"language", language}}),
                      .patient = session.naming.pseudonym,
                      .twice = is_about_time(kind),
                      .cause = cause_of(session, kind)};
  RABT_TRY(handed, hand_over(session, letter));
  out.until_ms = handed.until_ms;
  out.gateway_id = std::move(handed.gateway_id);
  out.again = handed.again;
  return became(std::move(handed.outcome));
}

Result<Messenger::Handed> Messenger::hand_over(const Session& session, const Letter& letter) {
  if (letter.cause) {
    RABT_TRY(until, limit_.take({.cause = *letter.cause,
                                 .address = letter.arguments["to"].as_string(),
                                 .letter = key_of(session, letter.name)}));
    if (until) {
      acts_.parts().log.warn(
          "message.held",
          {{"session", session.id}, {"cause", to_string(*letter.cause)}, {"until_ms", *until}});
      return Handed{.outcome = "held", .until_ms = until};
    }
  }
  RABT_TRY(handed, hand_over_once(session, letter));
  if (handed.outcome != "unknown" || !letter.twice) return handed;
  Letter again = letter;
  again.name += "/again";
  RABT_TRY(second, hand_over_once(session, again));
  second.again = true;
  return second;
}

std::optional<Messenger::Handed> Messenger::taken(const plugin::CallRequest& request) const {
  const plugin::ProbeAnswer answer = probe_gateway(acts_.parts().actions, request);
  if (answer.effect != plugin::ProbeAnswer::Effect::yes) return std::nullopt;
  return Handed{.outcome = "sent", .gateway_id = answer.output.string_or("messageId", "")};
}

Result<Messenger::Handed> Messenger::hand_over_once(const Session& session, const Letter& letter) {
  const SessionParts& parts = acts_.parts();
  const std::string key = key_of(session, letter.name);
  plugin::CallRequest request;
  request.tenant = session.tenant;
  request.instance = session.id;
  request.patient = letter.patient;
  request.role = std::string(kNotifyRole);
  request.action = letter.action;
  request.version = std::string(kNotifyVersion);
  request.arguments = letter.arguments;
  request.arguments.set("reference", key);
  if (!letter.patient.empty()) RABT_TRY_STATUS(note_disclosure(session, request.arguments));
  request.idempotency_key = key;
  request.deadline_unix_ms = parts.clock.now().ms + kGatewayMs;
  // A message whose answer was lost, before a crash or now, was sent if the gateway says so.
  if (auto before = taken(request)) return *std::move(before);
  const auto outcome = call_gateway(parts.actions, request);
  if (!outcome)
    return unavailable("message.not_sent", "the message gateway did not answer in time");
  const bool refused = outcome->output.string_or("status", "") == "failed";
  if (outcome->kind == workflow::OutcomeKind::done && !refused)
    return Handed{.outcome = "sent", .gateway_id = outcome->output.string_or("messageId", "")};
  if (outcome->kind == workflow::OutcomeKind::done ||
      outcome->kind == workflow::OutcomeKind::permanent) {
    const auto kind = std::string_view(letter.name).substr(letter.name.find('/') + 1);
    parts.log.warn("message.failed",
                   {{"session", session.id}, {"kind", kind}, {"code", outcome->code}});
    return Handed{.outcome = "failed"};
  }
  if (outcome->kind == workflow::OutcomeKind::ambiguous)
    return taken(request).value_or(Handed{.outcome = "unknown"});
  return unavailable("message.not_sent", "the message gateway did not take it: " + outcome->code);
}

bool Messenger::sends_codes() const {
  return is_on() && has_text(acts_.parts().house, template_of(MessageKind::second_proof));
}

Result<std::string> Messenger::send_code(const Session& session, const Participant& one,
                                         const OneTimeCode& code) {
  RABT_TRY(outcome, send(session, one, MessageKind::second_proof, code));
  if (outcome.until_ms)
    return unavailable(std::string(kTooManyMessages),
                       "as many messages as may be were sent to the telephone of the record within "
                       "an hour or a day; wait, or call the hospital");
  RABT_TRY_STATUS(note(session, one.id, outcome));
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
  for (const Participant& one : people) {
    if (!tells || one.role != PartRole::patient || !one.takes_part()) continue;
    RABT_TRY(before, told(session, one.id));
    if (was_told(before, *kind, session.schedule.version)) continue;
    RABT_TRY(outcome, send(session, one, *kind));
    said.push_back(shown(outcome));
    if (!outcome.until_ms) RABT_TRY_STATUS(note(session, one.id, outcome));
  }
  return Json::object({{"told", std::move(said)}});
}

Result<std::vector<ToldStaff>> Messenger::staff_told(const Session& session,
                                                     const std::string& person) const {
  std::vector<ToldStaff> found;
  RABT_TRY_STATUS(acts_.parts().store.read([&](store::Connection& connection) {
    return connection.query(sql::messages::kTold, {session.tenant, session.id, person},
                            [&](const Row& row) {
                              if (const auto message = parse_staff_message(row.text(0)))
                                found.push_back({.message = *message, .version = row.integer(1)});
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
Result<Messenger::Handed> Messenger::send_staff(const Session& session, const std::string& id,
                                                StaffMessage message) {
  const SessionParts& parts = acts_.parts();
  RABT_TRY(person, parts.directory.find(parts.tenant, id));
  const std::string text(to_string(message));
  const std::string language = person.profile.string_or("language", "") == "en" ? "en" : "ar";
  std::map<std::string, std::string> places{
      {"phone", parts.house.phone},
      {"time", session.schedule.at_ms ? time_text({*session.schedule.at_ms}, language) : ""},
      {"link", parts.public_url + "/clinic"}};
  if (const auto name = parts.house.name.find(language); name != parts.house.name.end())
    places["hospital"] = name->second;
  const bool waits = message == StaffMessage::waits || message == StaffMessage::emergency;
  Letter letter{.name = id + "/" + text, .action = {}, .twice = !waits};
  if (message != StaffMessage::emergency)
    letter.cause = is_booked_by_patient(session) ? MessageCause::booked : MessageCause::visit;
  letter.arguments.set("text", fill_template(parts.house.texts.at(language).at(text), places));
  letter.arguments.set("language", language);
  const auto phone = phi::normalise(phi::IndexKind::phone, person.profile.string_or("phone", ""));
  const std::string mail = person.profile.string_or("email", "");
  if (phone.ok()) {
    letter.action = kAction;
    letter.arguments.set("to", *phone);
  } else if (!mail.empty() && parts.actions.find(kNotifyRole, kMail, kNotifyVersion)) {
    letter.action = kMail;
    letter.arguments.set("to", mail);
    letter.arguments.set("subject", places["hospital"].empty() ? "Rabt" : places["hospital"]);
  }
  Handed became{.outcome = "no_address"};
  if (!letter.action.empty()) {
    RABT_TRY(handed, hand_over(session, letter));
    became = std::move(handed);
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
  const bool again = std::any_of(before.begin(), before.end(), [&](const ToldStaff& one) {
    return one.message == *message && one.version == session.schedule.version;
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
  for (const Participant& one : people) {
    if (one.person.empty() || !needs_licence(one.role)) continue;
    hearer.gone = !one.takes_part();
    hearer.opened_it = one.person == one.brought_by;
    hearer.came = one.was_here;
    while (true) {
      RABT_TRY(before, staff_told(session, one.person));
      const DueStaff due = due_for_staff(session, before, acts_.parts().clock.now(), hearer);
      if (!due.now) {
        over = over && due.over;
        if (due.next_ms && (!next || *due.next_ms < *next)) next = due.next_ms;
        break;
      }
      RABT_TRY(handed, send_staff(session, one.person, *due.now));
      if (handed.until_ms) {
        over = false;
        next = std::min(next.value_or(*handed.until_ms), *handed.until_ms);
        break;
      }
      said.push_back(Json::object(
          {{"person", one.person}, {"kind", to_string(*due.now)}, {"outcome", handed.outcome}}));
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
  for (const Participant& one : people) {
    if (one.role != PartRole::patient || !one.takes_part()) continue;
    while (true) {
      RABT_TRY(before, told(session, one.id));
      const Timestamp now = acts_.parts().clock.now();
      const DueMessage due = due_message(session, before, now, {one.was_here, texts});
      if (!due.now) {
        over = over && due.over;
        if (due.next_ms && (!next || *due.next_ms < *next)) next = due.next_ms;
        break;
      }
      RABT_TRY(outcome, send(session, one, *due.now));
      if (outcome.until_ms) {
        over = false;
        next = std::min(next.value_or(*outcome.until_ms), *outcome.until_ms);
        break;
      }
      said.push_back(shown(outcome));
      RABT_TRY_STATUS(note(session, one.id, outcome));
    }
    RABT_TRY(followed, reports_.follow(session, one.id, caller.key));
    for (const MessageKind kind : followed.undelivered)
      said.push_back(Json::object({{"kind", to_string(kind)}, {"outcome", "undelivered"}}));
    if (!followed.next_ms) continue;
    over = false;
    next = std::min(next.value_or(*followed.next_ms), *followed.next_ms);
  }
  // A person who has to be told may still join the session.
  if (!session.over() && session.status != SessionStatus::active) over = false;
  return still(over, next, std::move(said));
}

}  // namespace rabt::consultation
