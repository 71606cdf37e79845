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
  return acts_.act_and_answer(
      ask,
      [&](const Session&) -> Result<Command> {
        return Command(Invite{invitation, whom});
      },
      {.shape = [&](const Session& session, const Change&) -> Answer {
         Json answer = invitation_json(session.invitations.back(),
                                       sight_of(session, Acts::actor_of(ask), false),
                                       acts_.parts().clock.now());
         answer.set("code", code);
         return answer;
       },
       .also =
           [&](store::Transaction& transaction, const Change& change) {
             return SessionRows::put_code(transaction, change.after.tenant, index, change.after.id,
                                          invitation.id);
           }});
}

Answer SessionInvitations::revoke(const Ask& ask) {
  const std::string id = identity::ulid_of(ask.record).value_or("");
  return acts_.act_and_answer(
      ask, [&](const Session&) -> Result<Command> { return Command(Revoke{id}); },
      {.shape = [&](const Session& session, const Change&) -> Answer {
        for (const Invitation& one : session.invitations) {
          if (one.id == id)
            return invitation_json(one, sight_of(session, Acts::actor_of(ask), false),
                                   acts_.parts().clock.now());
        }
        return not_found("invitation.unknown", "the session has no such invitation");
      }});
}

Answer SessionInvitations::accept(const Ask& ask) {
  const Actor who = Acts::actor_of(ask);
  const std::string code = typed_code(ask.body.string_or("code", ""));
  if (code.size() != kCodeDigits)
    return invalid("api.invalid", "code: must be the code of an invitation");
  RABT_TRY(invited, acts_.rows().of_code(acts_.parts().tenant, code));
  const auto of_session = [](Json answer, const Session& session) {
    answer.set("session", session.id);
    answer.set("roomName", session.room_name);
    return answer;
  };
  const auto take_up = [&](const Session& is) -> Result<Command> {
    for (const Invitation& one : is.invitations) {
      if (one.id != invited.invitation) continue;
      if (!one.person.empty() && one.person != who.person)
        return denied("authorisation.denied", "the invitation is for somebody else");
      return Command(acts_.persons().accepting(one, who.person));
    }
    return not_found("invitation.unknown", "there is no invitation with this code");
  };
  const auto shape = [&](const Session& session, const Change& change) -> Answer {
    RABT_TRY(answer, entry_.admission_shape(ask)(session, change));
    return of_session(std::move(answer), session);
  };
  RABT_TRY(acted, acts_.act(ask, invited.session, take_up, {.strangers = true, .shape = shape}));
  RABT_TRY(answer, entry_.admission_answer(ask, acted));
  return of_session(std::move(answer), acted.session);
}

}  // namespace rabt::consultation
