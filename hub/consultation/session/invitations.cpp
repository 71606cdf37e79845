#include <algorithm>

#include "hub/base/limits.hpp"
#include "hub/consultation/session/step.hpp"

// Decisions about invitations, and about whoever comes by one.
namespace rabt::consultation {

namespace {

Error expired() {
  return conflict("invitation.expired", "the invitation is not valid any more");
}
Error revoked() {
  return conflict(
      "invitation.revoked",
      "the invitation was taken back, or a newer one was sent; open the newest link, or "
      "call the hospital");
}

Invitation* invitation_in(Session& session, std::string_view id) {
  const auto found =
      std::find_if(session.people.invitations.begin(), session.people.invitations.end(),
                   [&](const Invitation& invitation) { return invitation.id == id; });
  return found == session.people.invitations.end() ? nullptr : &*found;
}

bool is_late(const Session& session, const Invitation& invitation, Timestamp now) {
  return std::max(invitation.expires_ms, expiry_of(session, invitation)) < now.ms;
}

// The participant whom the invitation is for was removed.
bool is_gone(const Session& session, const Invitation& invitation) {
  if (invitation.participant.empty()) return false;
  const Participant* const one = session.participant(invitation.participant);
  return one == nullptr || !one->takes_part();
}

// Error conflict invitation.limit: links that were sent anew count each time.
Status has_place(const Session& session) {
  std::int64_t sent = 0;
  for (const Invitation& invitation : session.people.invitations)
    sent += std::max<std::int64_t>(invitation.generation, 1);
  if (sent < limits::kMaxSessionInvitations) return ok_status();
  return conflict("invitation.limit",
                  "the session has had 100 invitations, each sending of a link counted; make a new "
                  "session");
}

// Whoever is there as the participant leaves; the participant stays expected.
void shut_out(Step& step, Participant& participant) {
  if (!participant.here && !step.after().people.present(participant)) return;
  participant.here = false;
  participant.went_ms = step.moment.now.ms;
  participant.connection = "disconnected";
  end_stays(step, participant.id, step.moment.now.ms);
  put_out(step, participant);
  tell_left(step, participant);
}

// The same of whoever came by the link of the invitation.
void shut_out(Step& step, Invitation& invitation) {
  invitation.by_link = false;
  for (Participant& participant : step.after().people.participants) {
    if (participant.invitation == invitation.id) shut_out(step, participant);
  }
  follow_presence(step);
}

// True if the second proof shows whose the link is: a code to the telephone of the record, or an
// approval by the person whose number the record has. Many know a birth date.
bool shows_who(const Enter& command) {
  return command.second_proof == "code" || command.second_proof == "identity";
}

// True if the second proof shows the person of the record that the participant was booked with, and
// that nobody has changed since.
bool is_booked_record(const Participant& participant, const Enter& command) {
  return shows_who(command) && !participant.record_of.empty() &&
         participant.record_of == command.record_of &&
         participant.record_version == command.record_version;
}

// True if somebody has come as the participant before, or a host has let somebody in as him:
// whoever opens a link now may be another one, since staff can send it and open it itself.
bool has_come(const Participant& participant) {
  return participant.was_here || participant.in_ms || !participant.invitation.empty() ||
         !participant.admitted_by.empty();
}

// An admission is that of whoever a host has seen: a host looks at each who opens a link, also
// where nobody else waits, unless a second proof has shown who it is. proves: the browser that
// holds the visit gives that proof.
void keep_door(Step& step, Participant& participant, bool proves, const Enter& command) {
  if (!proves) shut_out(step, participant);
  const bool waits = participant.admission == Admission::waiting;
  if (is_booked_record(participant, command)) {
    // The booking had let him in, or a host had, before the link was opened anew.
    const bool had_place = participant.waits_again ||
                           first_admission(step.after(), participant) == Admission::admitted;
    if (waits && had_place) {
      participant.admission = Admission::admitted;
      participant.waits_again = false;
      participant.since_ms = step.moment.now.ms;
      keep_refusals(step, participant);
    }
  } else if (!proves && participant.admitted()) {
    participant.admission = Admission::waiting;
    participant.waits_again = has_come(participant);
    participant.since_ms = step.moment.now.ms;
  }
  follow_presence(step);
}

}  // namespace

void end_links(Step& step, std::string_view participant) {
  for (Invitation& link : step.after().people.invitations) {
    if (link.participant != participant || !link.by_link || link.status != "accepted") continue;
    shut_out(step, link);
    link.status = "pending";
    // The next browser that opens the link is another holder.
    ++link.moved;
    link.proven = 0;
  }
}

Status become(Step& step, Participant& participant, Participant person) {
  Session& session = step.after();
  person.id = participant.id;
  RABT_TRY_STATUS(may_take_part(step, person));
  participant.person = person.person;
  participant.account = person.account;
  participant.pseudonym = person.pseudonym;
  if (needs_licence(participant.role)) participant.licence = person.licence;
  participant.reference = Json();
  participant.numbers = Json::array();
  if (participant.role != PartRole::patient || !session.patient.empty())
    return not_own_patient(session);
  session.patient = person.person;
  session.naming.pseudonym = person.pseudonym;
  session.naming.by = word_of(session, bringer_of(session, participant));
  return not_own_patient(session);
}

bool is_there_under_account(const Session& session, const Invitation& invitation) {
  const Participant* const one = session.participant(invitation.participant);
  return one != nullptr && !one->person.empty() && one->takes_part() &&
         (one->here || session.people.present(*one));
}

bool came_since_sent(const Session& session, const Invitation& invitation) {
  const Participant* const one = session.participant(invitation.participant);
  if (one == nullptr || one->person.empty() || !one->takes_part()) return false;
  if (invitation.created_ms < one->account_ms.value_or(0)) return true;
  // He was let in, or asked to come in, since.
  return is_there_under_account(session, invitation) &&
         invitation.created_ms < std::max(one->since_ms, one->came_ms.value_or(0));
}

Status may_be_shown(const Session& session, const Invitation& invitation, std::int64_t generation,
                    Timestamp now) {
  if (invitation.status == "revoked" || invitation.generation != generation) return revoked();
  const bool open = invitation.status == "pending" || invitation.status == "accepted";
  if (!open || session.over() || is_late(session, invitation, now)) return expired();
  return is_gone(session, invitation) ? Status(revoked()) : ok_status();
}

Result<Change> on(Step step, const Invite& command) {
  Session& session = step.after();
  RABT_TRY_STATUS(must_be_open(session, "requested, scheduled, waiting or active"));
  RABT_TRY_STATUS(may_take_part(step, command.whom));
  RABT_TRY_STATUS(has_place(session));
  Invitation invitation = command.invitation;
  invitation.created_ms = step.moment.now.ms;
  invitation.created_by = step.moment.who.actor;
  invitation.invited_by = step.moment.who.person;
  invitation.generation = 1;
  invitation.expires_ms = expiry_of(session, invitation);
  session.people.invitations.push_back(invitation);
  const Json what =
      Json::object({{"invitation", invitation.id}, {"role", to_string(invitation.role)}});
  step.record("participant.invited", what);
  step.tell("participant-invited", what);
  return done(std::move(step));
}

Result<Change> on(Step step, const Revoke& command) {
  Session& session = step.after();
  Invitation* const found = invitation_in(session, command.invitation);
  if (found == nullptr)
    return not_found("invitation.unknown", "the session has no such invitation");
  // Whoever has an account and accepted takes part by that; a link goes on by the invitation.
  if (found->status != "pending" && !(found->status == "accepted" && found->by_link))
    return nothing(step.before);
  RABT_TRY_STATUS(must_be_open(session, "requested, scheduled, waiting or active"));
  found->status = "revoked";
  if (found->by_link) shut_out(step, *found);
  step.record("participant.invited", Json::object({{"invitation", found->id}, {"revoked", true}}));
  return done(std::move(step));
}

Result<Change> on(Step step, const AcceptInvitation& command) {
  Session& session = step.after();
  Invitation* const found = invitation_in(session, command.invitation);
  if (found == nullptr) return expired();
  if (found->status == "accepted") {
    for (const Participant& one : session.people.participants) {
      if (one.invitation == found->id && one.person == command.participant.person &&
          one.takes_part()) {
        step.change.unchanged = true;
        step.change.participant = one.id;
        return std::move(step.change);
      }
    }
  }
  if (found->status != "pending" || is_late(session, *found, step.moment.now)) return expired();
  RABT_TRY_STATUS(must_be_open(session, "requested, scheduled, waiting or active"));
  if (is_gone(session, *found)) return revoked();
  Participant coming = command.participant;
  coming.role = found->role;
  coming.invitation = found->id;
  coming.brought_by = found->invited_by;
  Participant* participant = known_in(session, coming);
  // The account of whom a booking named, and nobody knew then.
  const bool is_known = participant != nullptr;
  if (participant == nullptr) participant = session.participant(found->participant);
  if (participant != nullptr && !participant->person.empty() &&
      participant->person != coming.person)
    participant = nullptr;
  if (participant != nullptr) coming.id = participant->id;
  RABT_TRY_STATUS(may_take_part(step, coming));
  // a host comes in without being let in, so his licence is looked at here.
  if (!licensed(coming, step.moment.settings))
    return conflict("licence.missing",
                    "the invitation is for a " + std::string(to_string(found->role)) +
                        ", and no licence that is accepted is known of whoever accepts it");
  found->status = "accepted";
  // An account that nobody has named takes the place as any other holder of the link does.
  const bool takes_place = participant != nullptr && participant->person.empty() && !is_known;
  if (participant != nullptr && participant->person.empty())
    RABT_TRY_STATUS(become(step, *participant, coming));
  if (participant != nullptr && participant->admission == Admission::removed)
    return denied("participant.not_a_participant", "the participant was removed by a host");
  if (participant == nullptr) {
    RABT_TRY(added, bring_in(step, std::move(coming)));
    participant = added;
  }
  end_links(step, participant->id);
  if (takes_place) {
    const bool was_admitted = participant->admitted();
    keep_door(step, *participant, false, {});
    participant->waits_again = participant->waits_again || was_admitted;
  }
  step.change.participant = participant->id;
  step.record("participant.added", named(*participant));
  step.tell("participant-added", named(*participant));
  follow_provider(step);
  return done(std::move(step));
}

Result<Change> on(Step step, const Enter& command) {
  Session& session = step.after();
  Invitation* const found = invitation_in(session, command.invitation);
  if (found == nullptr) return expired();
  if (!opens_by_link(found->role))
    return denied("invitation.needs_account",
                  "a link makes nobody a " + std::string(to_string(found->role)) +
                      ": sign in, or let an administrator enter you and activate your account");
  if (found->status == "revoked" || found->generation != command.generation) return revoked();
  const std::string entered = found->participant;
  const bool holds = command.again && link_holds(session, *found, entered, step.moment.now);
  // The browser that holds the visit gives the second proof.
  const bool proves = holds && !command.second_proof.empty();
  if (holds && !proves) {
    step.change.participant = entered;
    step.change.unchanged = true;
    return std::move(step.change);
  }
  if (session.over()) return expired();
  if (is_gone(session, *found)) return revoked();
  const bool moves =
      !proves && found->status == "accepted" && found->by_link && !command.second_proof.empty();
  if (found->status == "accepted" && !moves && !proves)
    return conflict("invitation.used",
                    "the invitation was accepted already, in another browser or on another device; "
                    "call the hospital, which can send it again");
  if (found->status == "pending" && command.second_proof.empty() &&
      came_since_sent(session, *found))
    return conflict("invitation.used",
                    "whom the invitation is for has come under his account since it was sent, and "
                    "the hospital sends no code that shows who opens the link; call the hospital, "
                    "which can send it again");
  if ((found->status != "pending" && !moves && !proves) ||
      is_late(session, *found, step.moment.now))
    return expired();
  if (moves) {
    shut_out(step, *found);
    ++found->moved;
  }
  Participant* participant = session.participant(found->participant);
  if (participant == nullptr) {
    Participant coming = command.participant;
    coming.role = found->role;
    coming.brought_by = found->invited_by;
    RABT_TRY(added, bring_in(step, std::move(coming)));
    participant = added;
    step.record("participant.added", named(*participant));
    step.tell("participant-added", named(*participant));
  }
  // An older hub made links of one participant that were held side by side.
  if (!proves) end_links(step, participant->id);
  keep_door(step, *participant, proves, command);
  participant->invitation = found->id;
  found->status = "accepted";
  found->by_link = true;
  found->participant = participant->id;
  if (!proves) found->opened_ms = step.moment.now.ms;
  // Another browser holds it now: what the former one has shown does not count for it.
  if (moves) found->proven = 0;
  if (shows_who(command)) {
    found->proven = found->generation;
    found->proven_of = command.record_of;
    found->proven_record = command.record_version;
  }
  step.change.participant = participant->id;
  Json detail = Json::object({{"invitation", found->id}, {"participant", participant->id}});
  if (moves || proves) detail.set("secondProof", command.second_proof);
  step.record("invitation.accepted", std::move(detail));
  // Hosts learn that somebody holds a link now, before he asks to be let in.
  step.tell("updated", Json::object({{"members", Json::array({"invitations"})}}));
  return done(std::move(step));
}

Result<Change> on(Step step, const Send& command) {
  Session& session = step.after();
  RABT_TRY_STATUS(must_be_open(session, "requested, scheduled, waiting or active"));
  RABT_TRY(one, named_in(step, command.participant));
  if (!one->takes_part())
    return conflict(
        "participant.not_waiting",
        "the participant is " + std::string(to_string(one->admission)) + ", and gets no link");
  if (!opens_by_link(one->role))
    return conflict("invitation.needs_account",
                    "a link makes nobody a " + std::string(to_string(one->role)) +
                        ": an administrator enters the person and activates the account");
  const auto live = std::find_if(session.people.invitations.begin(),
                                 session.people.invitations.end(), [&](const Invitation& each) {
                                   return each.participant == one->id && each.generation > 0 &&
                                          each.status != "revoked";
                                 });
  step.change.participant = one->id;
  if (live != session.people.invitations.end() && !command.renew) {
    step.change.invitation = live->id;
    step.change.unchanged = true;
    return std::move(step.change);
  }
  const bool sent_before = std::any_of(
      session.people.invitations.begin(), session.people.invitations.end(),
      [&](const Invitation& each) { return each.participant == one->id && each.generation > 0; });
  if (command.unasked && live == session.people.invitations.end() && sent_before)
    return conflict("invitation.revoked",
                    "the link was taken back, and only a person sends another");
  RABT_TRY_STATUS(has_place(session));
  Invitation* invitation = live != session.people.invitations.end() ? &*live : nullptr;
  if (invitation == nullptr) {
    session.people.invitations.push_back({.id = command.invitation,
                                          .person = {},
                                          .role = one->role,
                                          .invited_by = step.moment.who.person,
                                          .participant = one->id});
    invitation = &session.people.invitations.back();
  }
  if (invitation->by_link) shut_out(step, *invitation);
  invitation->status = "pending";
  invitation->created_ms = step.moment.now.ms;
  invitation->created_by = step.moment.who.actor;
  ++invitation->generation;
  invitation->expires_ms = expiry_of(session, *invitation);
  step.change.invitation = invitation->id;
  const Json what = Json::object({{"invitation", invitation->id},
                                  {"participant", one->id},
                                  {"role", to_string(invitation->role)},
                                  {"generation", invitation->generation}});
  step.record("participant.invited", what);
  step.tell("participant-invited", what);
  return done(std::move(step));
}

Result<Change> on(Step step, const Recognise& command) {
  Session& session = step.after();
  RABT_TRY_STATUS(must_be_open(session, "requested, scheduled, waiting or active"));
  RABT_TRY(one, named_in(step, command.participant));
  if (!one->person.empty() || !one->takes_part() ||
      session.of_person(command.person.person) != nullptr)
    return nothing(step.before);
  Participant coming = command.person;
  coming.role = one->role;
  RABT_TRY_STATUS(become(step, *one, coming));
  step.record("participant.recognised", named(*one));
  step.tell("updated", Json::object({{"members", Json::array({"participants"})}}));
  follow_provider(step);
  return done(std::move(step));
}

}  // namespace rabt::consultation
