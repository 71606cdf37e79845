#include "hub/consultation/sessions/invitations.hpp"

#include <algorithm>
#include <set>
#include <utility>

#include "hub/base/check.hpp"
#include "hub/consultation/acts/answers.hpp"
#include "hub/consultation/request/fields.hpp"
#include "hub/consultation/rows/guest_rows.hpp"
#include "hub/consultation/rows/session_lane.hpp"
#include "hub/consultation/sessions/guests.hpp"

namespace rabt::consultation {

Result<ItemsOf<InvitationView>> SessionInvitations::list(const Caller& caller,
                                                         const Asked<OfSession>& asked) {
  RABT_TRY(request, asked);
  RABT_TRY(session, acts_.visible(caller, request.session));
  RABT_TRY_STATUS(may(access::Right::invitations_see, session, Acts::actor_of(caller)));
  RABT_TRY_STATUS(acts_.audit_reading(caller, "session:" + session.id, &session,
                                      Json::object({{"what", "invitations"}})));
  ItemsOf<InvitationView> all;
  for (const Invitation& invitation : session.people.invitations)
    all.items.push_back(shown(caller, session, invitation));
  return all;
}

Result<InvitationView> SessionInvitations::invite(const Caller& caller, const Inviting& inviting) {
  if (const auto* const newcomer = std::get_if<InviteNewcomer>(&inviting.whom))
    return invite_newcomer(caller, inviting.session, *newcomer);
  return send(caller, inviting.session, std::get<Asked<SendLink>>(inviting.whom), false);
}

Result<InvitationView> SessionInvitations::invite_newcomer(const Caller& caller,
                                                           const std::string& reference,
                                                           InviteNewcomer request) {
  const ParticipantInput& input = request.input;
  Mistakes& mistakes = request.mistakes;
  RABT_TRY(whom, acts_.persons().participant(Acts::actor_of(caller), input, mistakes, ""));
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
  return acts_.act_and_view(
      caller, reference,
      [&](const Session& session) -> Result<Command> {
        RABT_TRY(participant, acts_.persons().as_known(session, whom));
        return Command(Invite{invitation, std::move(participant)});
      },
      [&](const Session& session, const Change&) -> Result<InvitationView> {
        return with_code(caller, session, session.people.invitations.back(), code);
      },
      {.also = [&](store::Transaction& transaction, const Change& change) {
        return SessionRows::put_code(transaction, change.after.tenant, index, change.after.id,
                                     invitation.id);
      }});
}

InvitationView SessionInvitations::shown(const Caller& caller, const Session& session,
                                         const Invitation& invitation) const {
  const Sight sight = sight_of(session, Acts::actor_of(caller), false);
  return invitation_view(session, invitation, sight.clinical, acts_.parts().clock.now());
}

InvitationView SessionInvitations::with_code(const Caller& caller, const Session& session,
                                             const Invitation& invitation,
                                             const std::string& code) const {
  InvitationView view = shown(caller, session, invitation);
  view.code = code;
  const std::string& url = acts_.parts().public_url;
  // Behind # it is in no log and no Referer.
  if (!url.empty()) view.link = url + "/i#" + code;
  return view;
}

Result<InvitationView> SessionInvitations::send(const Caller& caller, const std::string& reference,
                                                const Asked<SendLink>& asked, bool unasked) {
  RABT_TRY_STATUS(acts_.allows(caller, reference, access::Right::invitation_send));
  RABT_TRY(request, asked);
  Send command{
      .invitation = acts_.parts().ids.next().text(), .renew = request.renew, .unasked = unasked};
  RABT_TRY(lease, acts_.parts().keys.lease(acts_.parts().tenant));
  const auto invited = [&](const Session& session, const Change& change) -> const Invitation& {
    const auto at =
        std::find_if(session.people.invitations.begin(), session.people.invitations.end(),
                     [&](const Invitation& one) { return one.id == change.invitation; });
    RABT_CHECK(at != session.people.invitations.end());
    return *at;
  };
  return acts_.act_and_view(
      caller, reference,
      [&](const Session& session) -> Result<Command> {
        command.participant = record_of(session, request.participant);
        return Command(command);
      },
      [&](const Session& session, const Change& change) -> Result<InvitationView> {
        const Invitation& one = invited(session, change);
        return with_code(caller, session, one, code_of(lease, one.id, one.generation));
      },
      {.also = [&](store::Transaction& transaction, const Change& change) -> Status {
        const Invitation& invitation = invited(change.after, change);
        const std::string index =
            code_index(lease, code_of(lease, invitation.id, invitation.generation));
        return SessionRows::put_code(transaction, change.after.tenant, index, change.after.id,
                                     invitation.id);
      }});
}

Result<std::string> SessionInvitations::link_of(const std::string& session,
                                                const std::string& participant) {
  const Caller caller = caller_of_hub(acts_.parts().tenant, "messages");
  RABT_TRY(sent, send(caller, session, SendLink{.participant = participant}, true));
  return sent.link.value_or("");
}

Status SessionInvitations::end_link(const Session& session, const Invitation& link, bool renew) {
  const SessionParts& parts = acts_.parts();
  // A session that is over stays unchanged: only the browser that holds the link loses it.
  if (session.over())
    return parts.store.write(lane_of(session.id), [&](store::Transaction& transaction) {
      return forget_link(transaction, parts.tenant, link);
    });
  if (renew) {
    const Caller caller = caller_of_hub(parts.tenant, "merges");
    const SendLink newer{.participant = link.participant, .renew = true};
    const auto sent = send(caller, session.id, newer, true);
    if (sent.ok()) return ok_status();
    // A session that has had as many links as it may have gets no newer one.
    if (sent.error().code != "invitation.limit") return sent.error();
  }
  RABT_TRY(revoked, acts_.act_as_hub(session.id, Revoke{link.id}));
  (void)revoked;
  return ok_status();
}

Status SessionInvitations::end_links_of_merged(const std::string& patient) {
  const std::string& tenant = acts_.parts().tenant;
  SessionFilter of_patient;
  of_patient.patient = patient;
  Window window;
  do {
    RABT_TRY(page, acts_.rows().list(tenant, of_patient, window));
    for (const Session& session : page.sessions) {
      if (session.naming.written.empty()) continue;
      std::set<std::string> renewed;
      for (const Invitation& link : session.people.invitations) {
        const Participant* const one = session.participant(link.participant);
        if (one == nullptr || !one->takes_part() || one->person != session.patient) continue;
        if (link.status == "revoked") continue;
        // Send renews the first link of a participant. An older hub drew codes by chance.
        const bool renew = link.generation > 0 && renewed.insert(one->id).second;
        RABT_TRY_STATUS(end_link(session, link, renew));
      }
    }
    window.cursor = std::move(page.next);
  } while (!window.cursor.empty());
  return ok_status();
}

Result<InvitationView> SessionInvitations::revoke(const Caller& caller,
                                                  const Asked<OfInvitation>& asked) {
  RABT_TRY(request, asked);
  const std::string id = identity::ulid_of(request.invitation).value_or("");
  return acts_.act_and_view(
      caller, request.session,
      [&](const Session&) -> Result<Command> { return Command(Revoke{id}); },
      [&](const Session& session, const Change&) -> Result<InvitationView> {
        for (const Invitation& invitation : session.people.invitations) {
          if (invitation.id == id) return shown(caller, session, invitation);
        }
        return not_found("invitation.unknown", "the session has no such invitation");
      });
}

// Whoever is signed in takes nobody else's part: a family shares its telephones.
Status SessionInvitations::is_meant(const Session& session, const Invitation& invitation,
                                    const Actor& who) const {
  const Participant* const meant = session.participant(invitation.participant);
  if (meant == nullptr || meant->person == who.person) return ok_status();
  const bool other = !meant->person.empty() || meant->role == PartRole::patient;
  if (!other) return ok_status();
  RABT_TRY(related, acts_.persons().is_named_by(*meant, who.person));
  if (related) return ok_status();
  return denied("authorisation.denied",
                "the invitation is for somebody else: sign out, and open the link again");
}

Result<TakenUpView> SessionInvitations::accept(const Caller& caller, const Asked<OfCode>& asked) {
  const Actor who = Acts::actor_of(caller);
  if (who.person.empty())
    return denied("authorisation.denied",
                  "a link is for a person: no application takes anybody's part by it");
  RABT_TRY(request, asked);
  RABT_TRY(found, invitation_of(acts_, request.code));
  if (found.generation < 0)
    return conflict("invitation.revoked", "a newer link was sent for this invitation");
  const auto of_session = [](AdmissionView admission, const Session& session) {
    return TakenUpView{
        .admission = std::move(admission), .session = session.id, .room_name = session.room.name};
  };
  const auto take_up = [&](const Session& session) -> Result<Command> {
    for (const Invitation& invitation : session.people.invitations) {
      if (invitation.id != found.invitation.id) continue;
      if (!invitation.person.empty() && invitation.person != who.person)
        return denied("authorisation.denied", "the invitation is for somebody else");
      RABT_TRY_STATUS(is_meant(session, invitation, who));
      RABT_TRY(command, acts_.persons().accepting(session, invitation, who.person));
      return Command(std::move(command));
    }
    return not_found("invitation.unknown", "there is no invitation with this code");
  };
  const auto shape = [&](const Session& session, const Change& change) -> Answer {
    RABT_TRY(admission, entry_.waiting_admission(caller, session, change));
    return to_json(of_session(std::move(admission), session));
  };
  RABT_TRY(acted,
           acts_.act(caller, found.session.id, take_up, {.strangers = true, .shape = shape}));
  RABT_TRY(admission, entry_.admission(caller, acted));
  return of_session(std::move(admission), acted.session);
}

}  // namespace rabt::consultation
