#pragma once

#include <optional>
#include <string>
#include <variant>

#include "hub/base/clock.hpp"
#include "hub/base/json.hpp"
#include "hub/consultation/request/answer.hpp"
#include "hub/consultation/request/fields.hpp"
#include "hub/consultation/session/input.hpp"
#include "hub/consultation/session/session.hpp"
#include "hub/consultation/sessions/entry_requests.hpp"

namespace rabt::consultation {

// Invites somebody who does not take part yet.
struct InviteNewcomer {
  ParticipantInput input;
  // Mistakes of the form. Those of the person join them, so that one answer names them all.
  Mistakes mistakes{};
};
// Sends the link of somebody who takes part: the same again unless it is renewed.
struct SendLink {
  // ULID, UUID or number.
  std::string participant;
  bool renew = false;
};
// The member `participant` tells the one from the other.
struct Inviting {
  std::string session;
  std::variant<InviteNewcomer, Asked<SendLink>> whom;
};

struct OfInvitation {
  std::string session;
  // ULID or UUID.
  std::string invitation;
};

// The code of an invitation: typed by hand, or opened as a link.
struct OfCode {
  std::string code;
};

struct InvitationView {
  std::string id;
  // ULIDs. Empty where it is for nobody who is known, or for nobody who takes part yet.
  std::string person;
  std::string participant;
  PartRole role = PartRole::observer;
  // pending, accepted, declined, revoked, expired
  std::string status;
  Timestamp expires;
  Timestamp created;
  // Invitation::guest, for those who may see it.
  std::optional<Json> guest{};
  // Only the answer to whoever invites has them. No link where the hub has no address.
  std::optional<std::string> code{};
  std::optional<std::string> link{};
};
[[nodiscard]] Json to_json(const InvitationView& view);
// As it is now. guests: whether the caller sees what is known of guests.
[[nodiscard]] InvitationView invitation_view(const Session& session, const Invitation& invitation,
                                             bool guests, Timestamp now);

// Answer to somebody who has taken up an invitation.
struct TakenUpView {
  AdmissionView admission;
  std::string session;
  // Name of the child whose guardian comes; null where the record has none.
  std::optional<Json> comes_for{};
  std::string room_name;
};
// The admission, and {session, comesFor?, roomName}.
[[nodiscard]] Json to_json(const TakenUpView& view);

}  // namespace rabt::consultation
