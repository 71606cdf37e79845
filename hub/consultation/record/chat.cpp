#include "hub/consultation/record/chat.hpp"

#include <algorithm>

#include "hub/base/utf8.hpp"
#include "hub/consultation/events/hearing.hpp"
#include "hub/consultation/record/rights.hpp"

namespace rabt::consultation {

namespace {

// Errors not_found participant.unknown; conflict participant.waiting: a waiting person writes only
// to people who may admit him.
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

Result<RecordList<MessageView>> Chat::list(const Caller& caller, const Asked<ListRecords>& asked) {
  RABT_TRY(found, office_.page(caller, asked, RecordKind::message));
  return list_of(std::move(found), &message_view);
}

Result<MessageView> Chat::send(const Caller& caller, const Asked<SendMessage>& asked) {
  RABT_TRY(request, asked);
  RABT_TRY(of, office_.member(caller, request.session));
  RABT_TRY(allowed, may_write(caller, of, RecordKind::message));
  if (!office_.parts().video.chat_enabled)
    return conflict("feature.disabled", "chat is switched off by video.chat");
  if (request.client.empty()) RABT_TRY_STATUS(not_over(of));

  RecordAct act{.record = office_.fresh(caller, of, RecordKind::message), .also = {}};
  Json data = Json::object({{"message", act.record.id}, {"from", of.participant}});
  act.record.client = request.client;
  RABT_TRY(kept, office_.screen(caller, of, office_.parts().chat, request.text, "chat", act));
  act.record.document.set("text", kept);
  if (!request.client.empty()) act.record.document.set("clientId", request.client);
  if (!request.to.empty()) {
    const auto participant = identity::ulid_of(request.to);
    if (!participant) return invalid("api.invalid", "to: it must be the id of a participant");
    RABT_TRY_STATUS(may_write_to(of, *participant));
    act.record.document.set("to", *participant);
    data.set("to", *participant);
  } else if (of.waiting) {
    act.record.document.set("audience", kForHosts);
    data.set("audience", kForHosts);
  }
  act.acts.emplace_back("chat.sent", Json::object({{"message", act.record.id},
                                                   {"length", code_points(request.text)}}));
  act.events.emplace_back("message-sent", std::move(data));
  act.shape = &shown_as<&message_view>;
  RABT_TRY_STATUS(office_.book().commit(allowed, caller, of, act));
  return message_view(act.record);
}

}  // namespace rabt::consultation
