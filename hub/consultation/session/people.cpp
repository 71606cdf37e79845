#include <algorithm>

#include "hub/consultation/session/standing_consents.hpp"
#include "hub/consultation/session/step.hpp"

// Decisions about people: waiting room, coming and going.
namespace rabt::consultation {

namespace {

// persons who are admitted and there, not devices.
std::int64_t crowd(const Session& session, std::string_view without) {
  return std::count_if(session.people.participants.begin(), session.people.participants.end(),
                       [&](const Participant& participant) {
                         return participant.id != without && participant.admitted() &&
                                (participant.here || session.people.present(participant));
                       });
}
Status room_for(const Session& session, const Participant& participant) {
  //
  const std::int64_t most = session.room.plugin == kP2p
                                ? std::min(session.people.most, kMostP2pParticipants)
                                : session.people.most;
  if (crowd(session, participant.id) < most) return ok_status();
  return conflict("session.full", "there are " + std::to_string(most) +
                                      " persons in the session already, as many as it takes");
}

}  // namespace

Json named(const Participant& participant) {
  return Json::object({{"participant", participant.id}, {"role", to_string(participant.role)}});
}

Result<Participant*> named_in(Step& step, std::string_view id) {
  Participant* const one = step.after().participant(id);
  if (one == nullptr)
    return not_found("participant.unknown", "the session has no such participant");
  return one;
}

bool begin_stay(Step& step, Participant& participant, std::string_view sid, std::int64_t at_ms,
                std::string_view source) {
  Session& session = step.after();
  for (const Stay& stay : session.people.stays) {
    if (stay.participant != participant.id || stay.sid != sid) continue;
    // Some providers know a person by one name for every stay: a person who lost the line
    // comes back under the same name.
    if (!stay.left_ms || at_ms <= *stay.left_ms) return false;
  }
  session.people.stays.push_back({.participant = participant.id,
                                  .sid = std::string(sid),
                                  .joined_ms = at_ms,
                                  .left_ms = std::nullopt,
                                  .source = std::string(source)});
  if (!participant.in_ms && !session.over()) participant.in_ms = at_ms;
  return true;
}

void put_out(Step& step, const Participant& participant) {
  if (step.after().room.state == "open") step.ask("remove-participant", participant.id);
}

bool call_is_joining(const Session& session, const Moment& moment) {
  return session.origin.joined_counts && moment.settings.provider_events;
}

void tell_joined(Step& step, const Participant& participant) {
  step.record("participant.joined", named(participant));
  step.tell("participant-joined", named(participant));
}

void tell_left(Step& step, const Participant& participant) {
  step.record("participant.left", named(participant));
  step.tell("participant-left", named(participant));
}

Status no_second_patient(const Session& session, const Participant& coming) {
  if (coming.role != PartRole::patient) return ok_status();
  const auto& people = session.people.participants;
  // A patient who wants none of the family there stays the patient, also when he was put out:
  // whoever comes in that place may be a relative.
  const std::vector<Json> refusals = own_refusals(session, "family");
  const auto wants_none = [&](const Participant& one) {
    return std::any_of(refusals.begin(), refusals.end(), [&](const Json& refusal) {
      const std::string by = refusal.string_or("by", "");
      return by == guest_actor(one.id) || by == one.person;
    });
  };
  const bool other = std::any_of(people.begin(), people.end(), [&](const Participant& participant) {
    const bool same = participant.id == coming.id ||
                      (!participant.person.empty() && participant.person == coming.person);
    const bool stays =
        participant.takes_part() || participant.reference.is_object() || wants_none(participant);
    return participant.role == PartRole::patient && stays && !same;
  });
  if (!other && (session.patient.empty() || session.patient == coming.person)) return ok_status();
  return conflict("session.has_patient",
                  "the session has a patient: name that participant as `participant` to invite the "
                  "patient; somebody else takes part as family_member or observer");
}

Participant* known_in(Session& session, const Participant& coming) {
  if (!coming.person.empty()) {
    if (Participant* const own = session.of_person(coming.person)) return own;
    Participant* const named = session.participant(coming.id);
    return named != nullptr && named->person.empty() ? named : nullptr;
  }
  // A guest is known by the id that his own system gives him.
  const std::string external = coming.guest.string_or("externalId", "");
  for (Participant& participant : session.people.participants) {
    if (!participant.person.empty()) continue;
    const bool same =
        !external.empty() && participant.guest.string_or("externalId", "") == external;
    if (same || (coming.reference.is_object() && participant.reference == coming.reference))
      return &participant;
  }
  return nullptr;
}

Result<Change> on(Step step, const Join& command) {
  Session& session = step.after();
  Participant* const own = own_of(session, step.moment.who);
  RABT_TRY_STATUS(must_be_open(session, "scheduled, waiting or active"));
  if (session.status == SessionStatus::requested)
    return conflict("session.not_accepted",
                    "the session is requested, and only one that is scheduled can be joined");
  if (own->admitted()) RABT_TRY_STATUS(room_for(session, *own));
  //
  if (session.room.plugin.empty())
    return unavailable("video.not_configured", "no video provider is bound to the role video");
  if (step.moment.who.part.participant.empty()) end_links(step, own->id);
  if (!command.device_type.empty()) own->device_type = command.device_type;
  if (!command.browser_info.empty()) own->browser_info = command.browser_info;
  if (!command.location.empty()) own->guest.set("location", command.location);
  if (!command.callback_phone.empty()) own->guest.set("callbackPhone", command.callback_phone);
  step.change.participant = own->id;
  if (!own->here && own->admission == Admission::waiting) {
    own->since_ms = step.moment.now.ms;
    step.record("participant.waiting", named(*own));
    step.tell("participant-waiting", named(*own));
  }
  const bool comes = !own->here;
  // A page that asks again does not come: a link may have been sent since.
  if (comes && step.moment.who.part.participant.empty() && !own->person.empty())
    own->account_ms = step.moment.now.ms;
  own->here = true;
  own->by_page = step.moment.who.page;
  own->was_here = true;
  if (!own->came_ms) own->came_ms = step.moment.now.ms;
  if (own->admitted()) {
    if (!own->in_ms) own->in_ms = step.moment.now.ms;
    if (comes && call_is_joining(session, step.moment)) tell_joined(step, *own);
    open_room(step);
    // A second device of one person takes the place of the first: the stay goes on.
    if (!step.moment.settings.provider_events && !session.people.present(*own)) {
      own->connection = "connected";
      begin_stay(step, *own, command.stay, step.moment.now.ms, "synthetic");
      tell_joined(step, *own);
    }
  }
  follow_presence(step);
  begin_by_itself(step, command.visit_open);
  return done(std::move(step));
}

Result<Change> on(Step step, const Leave& command) {
  Session& session = step.after();
  Participant* participant = nullptr;
  if (command.participant.empty()) {
    participant = own_of(session, step.moment.who);
  } else {
    RABT_TRY(found, named_in(step, command.participant));
    participant = found;
  }
  step.change.participant = participant->id;
  if (session.over() || (!participant->here && !session.people.present(*participant))) {
    Change same;
    same.after = step.before;
    same.unchanged = true;
    same.participant = participant->id;
    return same;
  }
  participant->here = false;
  participant->went_ms = step.moment.now.ms;
  participant->connection = "disconnected";
  end_stays(step, participant->id, step.moment.now.ms);
  tell_left(step, *participant);
  follow_presence(step);
  return done(std::move(step));
}

namespace {

// Error conflict invitation.needs_account: a person adds somebody who has no way to come. Only the
// application that made the session gets the token of a clinician without an account; the ids of
// other systems lead to an account later, or to such an application.
Status can_come(const Step& step, const Participant& coming) {
  const bool named = coming.reference.is_object() || coming.guest.find("externalId") != nullptr ||
                     coming.guest.find("userId") != nullptr;
  if (!coming.person.empty() || !needs_licence(coming.role) || named ||
      step.moment.who.person.empty())
    return ok_status();
  return conflict("invitation.needs_account",
                  "a " + std::string(to_string(coming.role)) +
                      " without an account has no way to come: name the account, or let an "
                      "administrator enter the person and activate one");
}

}  // namespace

Result<Change> on(Step step, const Add& command) {
  Session& session = step.after();
  RABT_TRY_STATUS(must_be_open(session, "requested, scheduled, waiting or active"));
  Participant coming = command.participant;
  Participant* participant = known_in(session, coming);
  if (participant != nullptr) coming.id = participant->id;
  const bool recognised =
      participant != nullptr && participant->person.empty() && !coming.person.empty();
  if (recognised) RABT_TRY_STATUS(become(step, *participant, coming));
  if (participant != nullptr && participant->takes_part()) {
    RABT_TRY_STATUS(may_take_part(step, coming));
    step.change.participant = participant->id;
    if (!keep_posted(*participant, coming.guest) && !recognised) {
      step.change.unchanged = true;
      return std::move(step.change);
    }
    if (participant->person.empty() && coming.guest.find("licenceNumber") != nullptr)
      participant->licence = coming.licence;
    follow_provider(step);
    const Json what = Json::object({{"members", Json::array({"participants"})}});
    step.record("session.updated", what);
    step.tell("updated", what);
    return done(std::move(step));
  }
  if (participant == nullptr) {
    RABT_TRY(added, bring_in(step, coming));
    RABT_TRY_STATUS(can_come(step, coming));
    participant = added;
    participant->brought_by = step.moment.who.person;
  } else {
    // Removed or denied before: only a host brings somebody back, and this is one. As whom he spoke
    // stays.
    RABT_TRY_STATUS(may_take_part(step, coming));
    if (coming.role != participant->role)
      return conflict("participant.role_not_allowed",
                      "the participant took part as " + std::string(to_string(participant->role)) +
                          ", and comes back in that role alone");
    (void)keep_posted(*participant, coming.guest);
    // Whoever held a link of his before is nobody whom this host has seen.
    end_links(step, participant->id);
    participant->waits_again = false;
    participant->account = coming.account;
    participant->bypass = coming.bypass;
    participant->brought_by = step.moment.who.person;
    participant->admission = first_admission(session, *participant);
    participant->since_ms = step.moment.now.ms;
    RABT_TRY_STATUS(take_as_patient(step, *participant));
  }
  step.change.participant = participant->id;
  if (!licensed(*participant, step.moment.settings)) session.warn("licence.missing");
  if (participant->role == PartRole::family_member && !consent_stands(session, "family"))
    session.warn("consent.family_missing");
  step.record("participant.added", named(*participant));
  step.tell("participant-added", named(*participant));
  follow_provider(step);
  return done(std::move(step));
}

Result<Change> on(Step step, const Remove& command) {
  Session& session = step.after();
  RABT_TRY_STATUS(must_be_open(session, "requested, scheduled, waiting or active"));
  RABT_TRY(one, named_in(step, command.participant));
  step.change.participant = one->id;
  if (one->admission == Admission::removed) {
    step.change.unchanged = true;
    return std::move(step.change);
  }
  one->admission = Admission::removed;
  one->here = false;
  one->went_ms = step.moment.now.ms;
  one->connection = "disconnected";
  one->since_ms = step.moment.now.ms;
  end_stays(step, one->id, step.moment.now.ms);
  put_out(step, *one);
  end_links(step, one->id);
  step.record("participant.removed", named(*one));
  step.tell("participant-removed", named(*one));
  follow_provider(step);
  follow_presence(step);
  return done(std::move(step));
}

Result<Change> on(Step step, const Admit& command) {
  Session& session = step.after();
  RABT_TRY_STATUS(must_be_open(session, "requested, scheduled, waiting or active"));
  RABT_TRY(one, named_in(step, command.participant));
  step.change.participant = one->id;
  if (one->admission == Admission::admitted)
    return conflict("participant.not_waiting", "the participant is admitted, and not waiting");
  if (one == own_of(session, step.moment.who))
    return denied("authorisation.denied", "nobody admits himself: another host does");
  if (one->admission != Admission::waiting) {
    RABT_TRY_STATUS(may(access::Right::session_run, session, step.moment.who));
    end_links(step, one->id);
  }
  // His account, the patient's word or the type of the session may have changed since he came.
  RABT_TRY_STATUS(may_take_part(step, *one));
  RABT_TRY_STATUS(room_for(session, *one));
  // a guest's licence is looked at when he is let in.
  if (one->person.empty() && !licensed(*one, step.moment.settings))
    return conflict("licence.missing", "the guest has shown no licence that is accepted");
  one->admission = Admission::admitted;
  one->waits_again = false;
  one->admitted_by = step.moment.who.actor;
  keep_refusals(step, *one);
  one->since_ms = step.moment.now.ms;
  step.record("participant.admitted", named(*one));
  step.tell("participant-admitted", named(*one));
  if (session.status != SessionStatus::requested) open_room(step);
  if (one->here) {
    if (!one->in_ms) one->in_ms = step.moment.now.ms;
    if (!step.moment.settings.provider_events && !session.people.present(*one)) {
      one->connection = "connected";
      begin_stay(step, *one, step.moment.fresh_id, step.moment.now.ms, "synthetic");
      tell_joined(step, *one);
    }
  }
  follow_presence(step);
  begin_by_itself(step, std::nullopt);
  return done(std::move(step));
}

Result<Change> on(Step step, const Deny& command) {
  Session& session = step.after();
  RABT_TRY_STATUS(must_be_open(session, "requested, scheduled, waiting or active"));
  RABT_TRY(one, named_in(step, command.participant));
  step.change.participant = one->id;
  if (one->admission != Admission::waiting)
    return conflict(
        "participant.not_waiting",
        "the participant is " + std::string(to_string(one->admission)) + ", and not waiting");
  one->admission = Admission::denied;
  one->here = false;
  one->since_ms = step.moment.now.ms;
  end_links(step, one->id);
  step.record("participant.denied", named(*one));
  step.tell("participant-denied", named(*one));
  follow_presence(step);
  return done(std::move(step));
}

}  // namespace rabt::consultation
