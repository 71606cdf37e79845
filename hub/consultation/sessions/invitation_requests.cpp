#include "hub/consultation/sessions/invitation_requests.hpp"

#include <algorithm>
#include <utility>

#include "hub/base/typed_code.hpp"
#include "hub/consultation/acts/answers.hpp"

namespace rabt::consultation {

namespace {

// Letters of a code in base32, and digits of a code of builds before migration 0046.
constexpr std::size_t kCodeLetters = 26;
constexpr std::size_t kEarlierDigits = 32;
constexpr std::size_t kMaxParticipant = 64;

Asked<SendLink> send_link_of(const Ask& ask) {
  Fields members(ask.body);
  SendLink request{.participant = members.text("participant", kMaxParticipant),
                   .renew = members.boolean("renew").value_or(false)};
  for (const std::string_view other : {"person", "phone", "email", "name"}) {
    if (members.has(other)) members.wrong(other, "it is known of the participant; leave it out");
  }
  if (request.participant.empty() && members.good())
    members.wrong("participant", "it must name one");
  RABT_TRY_STATUS(members.done());
  return request;
}

}  // namespace

Inviting inviting_of(const Ask& ask) {
  if (ask.body.find("participant") != nullptr)
    return {.session = ask.session, .whom = send_link_of(ask)};
  InviteNewcomer request;
  request.input = read_participant(ask.body, request.mistakes, "");
  return {.session = ask.session, .whom = std::move(request)};
}

Asked<OfInvitation> of_invitation(const Ask& ask) {
  return OfInvitation{.session = ask.session, .invitation = ask.record};
}

Asked<OfCode> of_code(const Ask& ask) {
  std::string code = typed_code(ask.body.string_or("code", ""));
  if (code.size() != kCodeLetters && code.size() != kEarlierDigits)
    return invalid("api.invalid", "code: must be the code of an invitation");
  return OfCode{.code = std::move(code)};
}

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
