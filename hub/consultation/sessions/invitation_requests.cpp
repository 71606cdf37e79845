#include "hub/consultation/sessions/invitation_requests.hpp"

#include <algorithm>

#include "hub/consultation/acts/answers.hpp"

namespace rabt::consultation {

InvitationView invitation_view(const Session& session, const Invitation& invitation, bool guests,
                               Timestamp now) {
  const std::int64_t expires_ms = std::max(invitation.expires_ms, expiry_of(session, invitation));
  const bool late = invitation.status == "pending" && expires_ms < now.ms;
  InvitationView view{.id = invitation.id,
                      .person = invitation.person,
                      .participant = invitation.participant,
                      .role = invitation.role,
                      .status = late ? "expired" : invitation.status,
                      .expires = {expires_ms},
                      .created = {invitation.created_ms}};
  if (guests) view.guest = invitation.guest;
  return view;
}

Json to_json(const InvitationView& view) {
  Json out = Json::object({{"id", view.id},
                           {"uuid", identity::uuid_of(view.id)},
                           {"person", text_or_null(view.person)},
                           {"participant", text_or_null(view.participant)},
                           {"role", to_string(view.role)},
                           {"status", view.status},
                           {"expiresAt", to_iso8601(view.expires)},
                           {"createdAt", to_iso8601(view.created)}});
  if (view.guest) {
    for (const auto& [key, value] : view.guest->as_object()) out.set(key, value);
  }
  if (view.code) out.set("code", *view.code);
  if (view.link) out.set("link", *view.link);
  return out;
}

Json to_json(const TakenUpView& view) {
  Json out = to_json(view.admission);
  out.set("session", view.session);
  if (view.comes_for) out.set("comesFor", *view.comes_for);
  out.set("roomName", view.room_name);
  return out;
}

}  // namespace rabt::consultation
