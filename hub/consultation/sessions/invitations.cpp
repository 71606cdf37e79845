#include "hub/consultation/sessions/invitations.hpp"

#include <utility>

#include "hub/base/typed_code.hpp"
#include "hub/consultation/acts/answers.hpp"

namespace rabt::consultation {

namespace {

// 128 bits.
constexpr std::size_t kCodeDigits = 32;

}  // namespace

Answer SessionInvitations::list(const Ask& ask) {
  const Actor who = Acts::actor_of(ask);
  RABT_TRY(session, acts_.visible(ask));
  RABT_TRY_STATUS(may(access::Right::invitations_see, session, who));
  RABT_TRY_STATUS(acts_.audit_reading(ask, "session:" + session.id, &session,
                                      Json::object({{"what", "invitations"}})));
  Json items = Json::array();
  for (const Invitation& one : session.invitations)
    items.push_back(invitation_json(one, sight_of(session, who, false), acts_.parts().clock.now()));
  return Json::object({{"items", std::move(items)}});
}

Answer SessionInvitations::invite(const Ask& ask) {
  Mistakes mistakes;
  const ParticipantInput input = read_participant(ask.body, mistakes, "");
  RABT_TRY(whom, acts_.persons().participant(Acts::actor_of(ask), input, mistakes, ""));
  if (whom.person.empty() && input.guest.string_or("email", "").empty() &&
      input.guest.string_or("phone", "").empty())
    mistakes.add("person", "it is needed, or email or phone");
  RABT_TRY_STATUS(mistakes.status());
  Invitation invitation;
  invitation.id = acts_.parts().ids.next().text();
  invitation.person = whom.person;
  invitation.guest = input.guest;
  invitation.role = *input.role;
  // Shown once; what is stored cannot be turned back into it.
  const std::string code = acts_.persons().hex(kCodeDigits);
  RABT_TRY(lease, acts_.parts().keys.lease(acts_.parts().tenant));
  const std::string index = lease.blind_index("session.invitation", code);
  RABT_TRY(acted, acts_.act(ask, ask.session,
                            [&](const Session&) -> Result<Command> {
                              return Command(Invite{invitation, whom});
                            },
                            {.also = [&](store::Transaction& transaction, const Change& change) {
                              return SessionRows::put_code(transaction, change.after.tenant, index,
                                                           change.after.id, invitation.id);
                            }}));
  Json answer = invitation_json(acted.session.invitations.back(),
                                sight_of(acted.session, Acts::actor_of(ask), false),
                                acts_.parts().clock.now());
  answer.set("code", code);
  return answer;
}

Answer SessionInvitations::revoke(const Ask& ask) {
  const std::string id = identity::ulid_of(ask.record).value_or("");
  RABT_TRY(acted, acts_.act(ask, ask.session, [&](const Session&) -> Result<Command> {
    return Command(Revoke{id});
  }));
  for (const Invitation& one : acted.session.invitations) {
    if (one.id == id)
      return invitation_json(one, sight_of(acted.session, Acts::actor_of(ask), false),
                             acts_.parts().clock.now());
  }
  return not_found("invitation.unknown", "the session has no such invitation");
}

Answer SessionInvitations::accept(const Ask& ask) {
  const Actor who = Acts::actor_of(ask);
  const std::string code = typed_code(ask.body.string_or("code", ""));
  if (code.size() != kCodeDigits)
    return invalid("api.invalid", "code: must be the code of an invitation");
  RABT_TRY(invited, acts_.rows().of_code(acts_.parts().tenant, code));
  RABT_TRY(acted, acts_.act(ask, invited.session,
                            [&](const Session& is) -> Result<Command> {
                              for (const Invitation& one : is.invitations) {
                                if (one.id != invited.invitation) continue;
                                if (!one.person.empty() && one.person != who.person)
                                  return denied("authorisation.denied",
                                                "the invitation is for somebody else");
                                return Command(acts_.persons().accepting(one, who.person));
                              }
                              return not_found("invitation.unknown",
                                               "there is no invitation with this code");
                            },
                            {.strangers = true}));
  RABT_TRY(answer, entry_.admission_answer(ask, acted));
  answer.set("session", acted.session.id);
  answer.set("roomName", acted.session.room_name);
  return answer;
}

}  // namespace rabt::consultation
