#include <algorithm>

#include "hub/base/utf8.hpp"
#include "hub/consultation/events/hearing.hpp"
#include "hub/consultation/record/record_service.hpp"

// Messages.
namespace rabt::consultation {

namespace {

// Errors not_found participant.unknown; conflict participant.waiting: who waits writes to those who
// may admit him.
Status may_write_to(const Membership& of, std::string_view to) {
  const auto peer = std::find_if(of.peers.begin(), of.peers.end(),
                                 [&](const auto& one) { return one.participant == to; });
  if (peer == of.peers.end())
    return not_found("participant.unknown", "to: nobody with this id takes part in the session");
  if (!of.waiting || peer->admits) return ok_status();
  return conflict("participant.waiting",
                  "to: who waits to be admitted writes to a host or a nurse alone");
}

}  // namespace

Answer RecordService::messages(const Ask& ask) {
  return list(ask, RecordKind::message, "session.read", &message_json);
}

Answer RecordService::send_message(const Ask& ask) {
  Fields fields(ask.body);
  fields.only({"text", "clientId", "to"});
  const std::string text = fields.needed_text("text");
  const std::string client = fields.text("clientId", 128);
  const std::string to = fields.text("to", 36);
  RABT_TRY_STATUS(fields.done());
  RABT_TRY(of, parts_.sessions.membership(ask));
  RABT_TRY(allowed, may_write(ask, of, RecordKind::message));
  if (!parts_.video.chat_enabled)
    return conflict("feature.disabled", "chat is switched off by video.chat");
  if (client.empty()) RABT_TRY_STATUS(not_over(of));

  RecordAct act{.record = fresh(ask, of, RecordKind::message), .also = {}};
  Json told = Json::object({{"message", act.record.id}, {"from", of.participant}});
  act.record.client = client;
  RABT_TRY(kept, screen(ask, of, parts_.chat, text, "chat", act));
  act.record.document.set("text", kept);
  if (!client.empty()) act.record.document.set("clientId", client);
  if (!to.empty()) {
    const auto participant = identity::ulid_of(to);
    if (!participant) return invalid("api.invalid", "to: it must be the id of a participant");
    RABT_TRY_STATUS(may_write_to(of, *participant));
    act.record.document.set("to", *participant);
    told.set("to", *participant);
  } else if (of.waiting) {
    act.record.document.set("audience", kForHosts);
    told.set("audience", kForHosts);
  }
  act.acts.emplace_back("chat.sent",
                        Json::object({{"message", act.record.id}, {"length", code_points(text)}}));
  act.events.emplace_back("message-sent", std::move(told));
  act.shape = &message_json;
  RABT_TRY_STATUS(book_.commit(allowed, ask, of, parts_.sessions, act));
  return message_json(act.record);
}

}  // namespace rabt::consultation
