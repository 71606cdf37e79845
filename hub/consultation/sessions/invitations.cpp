#include "hub/consultation/sessions/invitations.hpp"

#include <algorithm>
#include <utility>

#include "hub/base/check.hpp"
#include "hub/consultation/acts/answers.hpp"
#include "hub/consultation/request/fields.hpp"
#include "hub/consultation/sessions/guests.hpp"

namespace rabt::consultation {

Answer SessionInvitations::list(const Ask& ask) {
  const Actor who = Acts::actor_of(ask);
  RABT_TRY(session, acts_.visible(ask));
  RABT_TRY_STATUS(may(access::Right::invitations_see, session, who));
  RABT_TRY_STATUS(acts_.audit_reading(ask, "session:" + session.id, &session,
                                      Json::object({{"what", "invitations"}})));
  Json items = Json::array();
  for (const Invitation& one : session.people.invitations)
    items.push_back(
        invitation_json(session, one, sight_of(session, who, false), acts_.parts().clock.now()));
  return Json::object({{"items", std::move(items)}});
}

Answer SessionInvitations::invite(const Ask& ask) {
  if (ask.body.find("participant") != nullptr) return send(ask, false);
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
  RABT_TRY(lease, acts_.parts().keys.lease(acts_.parts().tenant));
  const std::string code = code_of(lease, invitation.id, 1);
  const std::string index = code_index(lease, code);
  return acts_.act_and_answer(
      ask.caller, ask.session,
      [&](const Session& is) -> Result<Command> {
        RABT_TRY(known, acts_.persons().as_known(is, whom));
        return Command(Invite{invitation, std::move(known)});
      },
      {.shape = [&](const Session& session, const Change&) -> Answer {
         return with_code(ask, session, session.people.invitations.back(), code);
       },
       .also =
           [&](store::Transaction& transaction, const Change& change) {
             return SessionRows::put_code(transaction, change.after.tenant, index, change.after.id,
                                          invitation.id);
           }});
}

Answer SessionInvitations::with_code(const Ask& ask, const Session& session,
                                     const Invitation& invitation, const std::string& code) const {
  Json answer = invitation_json(session, invitation, sight_of(session, Acts::actor_of(ask), false),
                                acts_.parts().clock.now());
  answer.set("code", code);
  const std::string& url = acts_.parts().public_url;
  // Behind # it is in no log and no Referer.
  if (!url.empty()) answer.set("link", url + "/i#" + code);
  return answer;
}

Answer SessionInvitations::send(const Ask& ask, bool unasked) {
  RABT_TRY_STATUS(acts_.allows(ask.caller, ask.session, access::Right::invitation_send));
  Fields members(ask.body);
  Send command{.invitation = acts_.parts().ids.next().text(), .unasked = unasked};
  const std::string participant = members.text("participant", 64);
  command.renew = members.boolean("renew").value_or(false);
  for (const std::string_view other : {"person", "phone", "email", "name"}) {
    if (members.has(other)) members.wrong(other, "it is known of the participant; leave it out");
  }
  if (participant.empty() && members.good()) members.wrong("participant", "it must name one");
  RABT_TRY_STATUS(members.done());
  RABT_TRY(lease, acts_.parts().keys.lease(acts_.parts().tenant));
  const auto invited = [&](const Session& session, const Change& change) -> const Invitation& {
    const auto at =
        std::find_if(session.people.invitations.begin(), session.people.invitations.end(),
                     [&](const Invitation& one) { return one.id == change.invitation; });
    RABT_CHECK(at != session.people.invitations.end());
    return *at;
  };
  return acts_.act_and_answer(
      ask.caller, ask.session,
      [&](const Session& is) -> Result<Command> {
        command.participant = record_of(is, participant);
        return Command(command);
      },
      {.shape = [&](const Session& session, const Change& change) -> Answer {
         const Invitation& one = invited(session, change);
         return with_code(ask, session, one, code_of(lease, one.id, one.generation));
       },
       .also = [&](store::Transaction& transaction, const Change& change) -> Status {
         const Invitation& one = invited(change.after, change);
         const std::string index = code_index(lease, code_of(lease, one.id, one.generation));
         return SessionRows::put_code(transaction, change.after.tenant, index, change.after.id,
                                      one.id);
       }});
}

Result<std::string> SessionInvitations::link_of(const std::string& session,
                                                const std::string& participant) {
  Ask ask = ask_of_hub(acts_.parts().tenant, "messages");
  ask.session = session;
  ask.body = Json::object({{"participant", participant}});
  RABT_TRY(sent, send(ask, true));
  return sent.string_or("link", "");
}

Answer SessionInvitations::revoke(const Ask& ask) {
  const std::string id = identity::ulid_of(ask.record).value_or("");
  return acts_.act_and_answer(
      ask.caller, ask.session,
      [&](const Session&) -> Result<Command> { return Command(Revoke{id}); },
      {.shape = [&](const Session& session, const Change&) -> Answer {
        for (const Invitation& one : session.people.invitations) {
          if (one.id == id)
            return invitation_json(session, one, sight_of(session, Acts::actor_of(ask), false),
                                   acts_.parts().clock.now());
        }
        return not_found("invitation.unknown", "the session has no such invitation");
      }});
}

// Whoever is signed in takes nobody else's part: a family shares its telephones.
Status SessionInvitations::is_meant(const Session& is, const Invitation& invitation,
                                    const Actor& who) const {
  const Participant* const meant = is.participant(invitation.participant);
  if (meant == nullptr || meant->person == who.person) return ok_status();
  const bool other = !meant->person.empty() || meant->role == PartRole::patient;
  if (!other) return ok_status();
  RABT_TRY(known, acts_.persons().is_named_by(*meant, who.person));
  if (known) return ok_status();
  return denied("authorisation.denied",
                "the invitation is for somebody else: sign out, and open the link again");
}

Answer SessionInvitations::accept(const Ask& ask) {
  const Actor who = Acts::actor_of(ask);
  if (who.person.empty())
    return denied("authorisation.denied",
                  "a link is for a person: no application takes anybody's part by it");
  RABT_TRY(code, read_code(ask.body));
  RABT_TRY(found, invitation_of(acts_, code));
  if (found.generation < 0)
    return conflict("invitation.revoked", "a newer link was sent for this invitation");
  const auto of_session = [](Json answer, const Session& session) {
    answer.set("session", session.id);
    answer.set("roomName", session.room.name);
    return answer;
  };
  const auto take_up = [&](const Session& is) -> Result<Command> {
    for (const Invitation& one : is.people.invitations) {
      if (one.id != found.invitation.id) continue;
      if (!one.person.empty() && one.person != who.person)
        return denied("authorisation.denied", "the invitation is for somebody else");
      RABT_TRY_STATUS(is_meant(is, one, who));
      RABT_TRY(command, acts_.persons().accepting(is, one, who.person));
      return Command(std::move(command));
    }
    return not_found("invitation.unknown", "there is no invitation with this code");
  };
  const auto shape = [&](const Session& session, const Change& change) -> Answer {
    RABT_TRY(answer, entry_.admission_shape(ask)(session, change));
    return of_session(std::move(answer), session);
  };
  RABT_TRY(acted, acts_.act(ask, found.session.id, take_up, {.strangers = true, .shape = shape}));
  RABT_TRY(answer, entry_.admission_answer(ask, acted));
  return of_session(std::move(answer), acted.session);
}

}  // namespace rabt::consultation
