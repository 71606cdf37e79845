#include "hub/consultation/sessions/invitation_requests.hpp"

#include <algorithm>

#include "hub/consultation/acts/answers.hpp"

namespace rabt::consultation {

InvitationView invitation_view(const Session& session, const Invitation& one, bool guests,
                               Timestamp now) {
  const std::int64_t expires_ms = std::max(one.expires_ms, expiry_of(session, one));
  const bool late = one.status == "pending" && expires_ms < now.ms;
  InvitationView view{.id = one.id,
                      .person = one.person,
                      .participant = one.participant,
                      .role = one.role,
                      .status = late ? "expired" : one.status,
                      .expires = {expires_ms},
                      .created = {one.created_ms}};
  if (guests) view.guest = one.guest;
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
