#include "hub/api/requests/invitation_requests.hpp"

#include <utility>

#include "hub/base/typed_code.hpp"

namespace rabt::api {

using consultation::Asked;
using consultation::Fields;
using consultation::InviteNewcomer;
using consultation::Inviting;
using consultation::OfCode;
using consultation::OfInvitation;
using consultation::SendLink;

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

}  // namespace rabt::api
