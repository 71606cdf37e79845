#include "hub/consultation/messages/letters.hpp"

#include "hub/base/bytes.hpp"
#include "hub/base/clock.hpp"
#include "hub/consultation/acts/outside_call.hpp"
#include "hub/consultation/messages/gateway.hpp"
#include "hub/crypto/crypto.hpp"

namespace rabt::consultation {

namespace {

// Code of a plugin of the role that has no gateway for mail: docs/plugins/capabilities.md.
constexpr std::string_view kNoGateway = "notify.no_email";

// Names a message, of a session by the version of its schedule.
std::string key_of(const Session* session, const std::string& letter) {
  const std::string name = session == nullptr ? letter
                                              : session->id + "/" + letter + "/" +
                                                    std::to_string(session->schedule.version);
  return to_hex(crypto::sha256(name)).substr(0, 32);
}

std::string id_of(const Session* session) {
  return session == nullptr ? std::string() : session->id;
}

}  // namespace

bool Letters::can_mail() const {
  return acts_.parts().actions.find(kNotifyRole, kSendMail, kNotifyVersion).has_value();
}

Status Letters::note_not_sent(const Session& session, const plugin::CallRequest& request,
                              const std::string& code) const {
  const SessionParts& parts = acts_.parts();
  audit::Entry entry = Acts::entry_of(caller_of_hub(parts.tenant, "messages"), session);
  entry.act = "action.ended";
  entry.patient = request.patient;
  entry.result = code;
  entry.detail = Json::object({{"role", kNotifyRole},
                               {"action", request.action},
                               {"task", "messages"},
                               {"reference", request.arguments.string_or("reference", "")},
                               {"outcome", workflow::to_string(workflow::OutcomeKind::permanent)}});
  const audit::Prepared prepared = parts.audit.prepare(entry);
  return parts.store.write(
      [&](store::Transaction& transaction) { return parts.audit.append(transaction, prepared); });
}

Result<Handed> Letters::hand_over(const Session* session, const Letter& letter) const {
  if (letter.cause) {
    RABT_TRY(until, limit_.take({.cause = *letter.cause,
                                 .address = letter.arguments["to"].as_string(),
                                 .letter = key_of(session, letter.name)}));
    if (until) {
      if (session != nullptr) {
        acts_.parts().log.warn(
            "message.held",
            {{"session", session->id}, {"cause", to_string(*letter.cause)}, {"until_ms", *until}});
      }
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

std::optional<Handed> Letters::taken(const plugin::CallRequest& request) const {
  const plugin::ProbeAnswer answer = probe_gateway(acts_.parts().actions, request);
  if (answer.effect != plugin::ProbeAnswer::Effect::yes) return std::nullopt;
  return Handed{.outcome = "sent", .gateway_id = answer.output.string_or("messageId", "")};
}

Result<Handed> Letters::hand_over_once(const Session* session, const Letter& letter) const {
  const SessionParts& parts = acts_.parts();
  const std::string key = key_of(session, letter.name);
  plugin::CallRequest request;
  request.tenant = parts.tenant;
  request.instance = id_of(session);
  request.patient = letter.patient;
  request.role = std::string(kNotifyRole);
  request.action = letter.action;
  request.version = std::string(kNotifyVersion);
  request.arguments = letter.arguments;
  request.arguments.set("reference", key);
  const bool disclosed = session != nullptr && !letter.patient.empty();
  if (disclosed) RABT_TRY_STATUS(note_disclosure(parts, *session, request, "messages"));
  request.idempotency_key = key;
  request.deadline_unix_ms = parts.clock.now().ms + kGatewayMs;
  // A message whose answer was lost, before a crash or now, was sent if the gateway says so.
  if (auto before = taken(request)) return *std::move(before);
  const auto outcome = call_gateway(parts.actions, request);
  if (!outcome && !letter.waits) return Handed{.outcome = "unknown"};
  if (!outcome)
    return unavailable("message.not_sent", "the message gateway did not answer in time");
  if (outcome->kind == workflow::OutcomeKind::ambiguous)
    return taken(request).value_or(Handed{.outcome = "unknown"});
  const bool is_away = outcome->kind == workflow::OutcomeKind::transient ||
                       outcome->kind == workflow::OutcomeKind::cancelled;
  if (is_away && letter.waits)
    return unavailable("message.not_sent", "the message gateway did not take it: " + outcome->code);
  const bool refused = outcome->output.string_or("status", "") == "failed";
  if (outcome->kind == workflow::OutcomeKind::done && !refused)
    return Handed{.outcome = "sent", .gateway_id = outcome->output.string_or("messageId", "")};
  if (letter.action == kSendMail && outcome->code == kNoGateway) {
    if (disclosed) RABT_TRY_STATUS(note_not_sent(*session, request, outcome->code));
    return Handed{.outcome = std::string(kNoMail)};
  }
  const auto kind = std::string_view(letter.name).substr(letter.name.find('/') + 1);
  parts.log.warn("message.failed",
                 {{"session", id_of(session)}, {"kind", kind}, {"code", outcome->code}});
  return Handed{.outcome = "failed"};
}

}  // namespace rabt::consultation
