#include "hub/consultation/sessions/entry_requests.hpp"

#include <utility>

namespace rabt::consultation {

namespace {

Json media_or_null(const std::optional<MediaView>& media) {
  return media ? to_json(*media) : Json();
}

}  // namespace

Json to_json(const MediaView& view) {
  Json grants = Json::array();
  for (const std::string_view grant : view.grants) grants.push_back(grant);
  return Json::object({{"provider", view.provider},
                       {"token", view.token},
                       {"roomName", view.room_name},
                       {"identity", view.identity},
                       {"url", view.url},
                       {"room", view.room},
                       {"iceServers", view.ice_servers},
                       {"meeting", view.meeting},
                       {"attendee", view.attendee},
                       {"grants", std::move(grants)},
                       {"expiresAt", to_iso8601(view.expires)}});
}

Json to_json(const HostTokenView& view) {
  Json out = to_json(view.media);
  out.set("participant", view.participant);
  out.set("role", to_string(view.role));
  return out;
}

Json to_json(const AdmissionView& view) {
  return Json::object({{"participant", to_json(view.participant)},
                       {"admission", to_string(view.admission)},
                       {"accessToken", view.access_token},
                       {"tokenUse", view.token_use}});
}

Json to_json(const JoinedView& view) {
  return Json::object({{"session", to_json(view.session)},
                       {"participant", to_json(view.own.participant)},
                       {"admission", to_string(view.own.admission)},
                       {"accessToken", view.own.access_token},
                       {"tokenUse", view.own.token_use},
                       {"media", media_or_null(view.media)}});
}

Json expiry_of(const std::optional<MediaView>& media) {
  return media ? Json(to_iso8601(media->expires)) : Json();
}

Json to_json(const TokenView& view) {
  return Json::object({{"token", view.token},
                       {"roomName", view.room_name},
                       {"sessionId", view.session},
                       {"participant", view.participant},
                       {"identity", view.identity},
                       {"provider", view.provider},
                       {"expiresAt", expiry_of(view.media)},
                       {"media", media_or_null(view.media)}});
}

}  // namespace rabt::consultation
