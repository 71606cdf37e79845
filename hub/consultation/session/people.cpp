#include <algorithm>

#include "hub/consultation/session/step.hpp"

// Who takes part: waiting room, coming and going, invitations, consents, recording.
namespace rabt::consultation {

namespace {

constexpr std::int64_t kTwoYearsMs = 2LL * 366 * 24 * 3'600'000;

Json named(const Participant& one) {
  return Json::object({{"participant", one.id}, {"role", to_string(one.role)}});
}

// persons who are admitted and there, not devices.
std::int64_t crowd(const Session& is, std::string_view without) {
  return std::count_if(is.participants.begin(), is.participants.end(), [&](const Participant& one) {
    return one.id != without && one.admitted() && (one.here || is.present(one));
  });
}
Status room_for(const Session& is, const Participant& one) {
  //
  const std::int64_t most = is.provider_plugin == kP2p
                                ? std::min(is.max_participants, kMostP2pParticipants)
                                : is.max_participants;
  if (crowd(is, one.id) < most) return ok_status();
  return conflict("session.full", "there are " + std::to_string(most) +
                                      " persons in the session already, as many as it takes");
}

Result<Participant*> named_in(Step& step, std::string_view id) {
  Participant* const one = step.after().participant(id);
  if (one == nullptr)
    return not_found("participant.unknown", "the session has no such participant");
  return one;
}

// A stay begins. The same provider's id again changes nothing.
bool begin_stay(Step& step, Participant& one, std::string_view sid, std::int64_t at_ms,
                std::string_view source) {
  Session& is = step.after();
  for (const Stay& stay : is.stays) {
    if (stay.participant != one.id || stay.sid != sid) continue;
    // Some providers know a person by one name for every stay: who lost the line comes back under
    // it.
    if (!stay.left_ms || at_ms <= *stay.left_ms) return false;
  }
  is.stays.push_back({.participant = one.id,
                      .sid = std::string(sid),
                      .joined_ms = at_ms,
                      .left_ms = std::nullopt,
                      .source = std::string(source)});
  return true;
}

// Media end, and the tokens handed out so far open nothing.
void put_out(Step& step, const Participant& one) {
  if (step.after().room == "open") step.ask("remove-participant", one.id);
}

// Why the provider has not opened the room.
void clear_room_warnings(Session& is) {
  for (const char* one :
       {"video.room_refused", "video.room_unknown", "video.credentials", "residency.region"})
    is.clear_warning(one);
}

// The call to join counts, whatever the provider tells.
bool call_is_joining(const Session& is, const Moment& moment) {
  return is.joined_counts && moment.settings.provider_events;
}
void tell_joined(Step& step, const Participant& one) {
  step.record("participant.joined", named(one));
  step.tell("participant-joined", named(one));
}
void tell_left(Step& step, const Participant& one) {
  step.record("participant.left", named(one));
  step.tell("participant-left", named(one));
}

}  // namespace

Result<Change> on(Step step, const Join& command) {
  Session& is = step.after();
  Participant* const own = is.of_person(step.moment.who.person);
  RABT_TRY_STATUS(must_be_open(is, "scheduled, waiting or active"));
  if (is.status == SessionStatus::requested)
    return conflict("session.not_accepted",
                    "the session is requested, and only one that is scheduled can be joined");
  if (own->admitted()) RABT_TRY_STATUS(room_for(is, *own));
  //
  if (is.provider_plugin.empty())
    return unavailable("video.not_configured", "no video provider is bound to the role video");
  if (!command.device_type.empty()) own->device_type = command.device_type;
  if (!command.browser_info.empty()) own->browser_info = command.browser_info;
  step.change.participant = own->id;
  if (!own->here && own->admission == Admission::waiting) {
    own->since_ms = step.moment.now.ms;
    step.record("participant.waiting", named(*own));
    step.tell("participant-waiting", named(*own));
  }
  const bool comes = !own->here;
  own->here = true;
  own->was_here = true;
  if (!own->came_ms) own->came_ms = step.moment.now.ms;
  if (own->admitted()) {
    if (comes && call_is_joining(is, step.moment)) tell_joined(step, *own);
    open_room(step);
    // A second device of one person takes the place of the first: the stay goes on.
    if (!step.moment.settings.provider_events && !is.present(*own)) {
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
  Session& is = step.after();
  Participant* one = nullptr;
  if (command.participant.empty()) {
    one = is.of_person(step.moment.who.person);
  } else {
    RABT_TRY(found, named_in(step, command.participant));
    one = found;
  }
  step.change.participant = one->id;
  if (is.over() || (!one->here && !is.present(*one))) {
    Change same;
    same.after = step.before;
    same.unchanged = true;
    same.participant = one->id;
    return same;
  }
  one->here = false;
  one->went_ms = step.moment.now.ms;
  one->connection = "disconnected";
  end_stays(step, one->id, step.moment.now.ms);
  tell_left(step, *one);
  follow_presence(step);
  return done(std::move(step));
}

Result<Change> on(Step step, const Add& command) {
  Session& is = step.after();
  RABT_TRY_STATUS(must_be_open(is, "requested, scheduled, waiting or active"));
  const Participant& coming = command.participant;
  Participant* one = is.of_person(coming.person);
  // A guest is known by the id that his own system gives him.
  const std::string external = coming.guest.string_or("externalId", "");
  if (one == nullptr && coming.person.empty() && !external.empty()) {
    const auto known =
        std::find_if(is.participants.begin(), is.participants.end(), [&](const Participant& part) {
          return part.person.empty() && part.guest.string_or("externalId", "") == external;
        });
    if (known != is.participants.end()) one = &*known;
  }
  if (one != nullptr && one->takes_part()) {
    RABT_TRY_STATUS(may_take_part(step, coming));
    step.change.participant = one->id;
    if (!keep_posted(*one, command.participant.guest)) {
      step.change.unchanged = true;
      return std::move(step.change);
    }
    if (one->person.empty() && command.participant.guest.find("licenceNumber") != nullptr)
      one->licence = command.participant.licence;
    const Json what = Json::object({{"members", Json::array({"participants"})}});
    step.record("session.updated", what);
    step.tell("updated", what);
    return done(std::move(step));
  }
  if (one == nullptr) {
    RABT_TRY(added, bring_in(step, coming));
    one = added;
    one->brought_by = step.moment.who.person;
  } else {
    // Removed or denied before: only a host brings somebody back, and this is one.
    RABT_TRY_STATUS(may_take_part(step, coming));
    (void)keep_posted(*one, coming.guest);
    one->role = coming.role;
    one->account = coming.account;
    one->bypass = coming.bypass;
    one->brought_by = step.moment.who.person;
    one->admission = first_admission(is, *one);
    one->since_ms = step.moment.now.ms;
    RABT_TRY_STATUS(take_as_patient(step, *one));
  }
  step.change.participant = one->id;
  if (!licensed(*one, step.moment.settings)) is.warn("licence.missing");
  if (one->role == PartRole::family_member && !consent_stands(is, "family"))
    is.warn("consent.family_missing");
  step.record("participant.added", named(*one));
  step.tell("participant-added", named(*one));
  return done(std::move(step));
}

Result<Change> on(Step step, const Remove& command) {
  Session& is = step.after();
  RABT_TRY_STATUS(must_be_open(is, "requested, scheduled, waiting or active"));
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
  step.record("participant.removed", named(*one));
  step.tell("participant-removed", named(*one));
  follow_presence(step);
  return done(std::move(step));
}

Result<Change> on(Step step, const Admit& command) {
  Session& is = step.after();
  RABT_TRY_STATUS(must_be_open(is, "requested, scheduled, waiting or active"));
  RABT_TRY(one, named_in(step, command.participant));
  step.change.participant = one->id;
  if (one->admission == Admission::admitted)
    return conflict("participant.not_waiting", "the participant is admitted, and not waiting");
  if (!one->person.empty() && one->person == step.moment.who.person)
    return denied("authorisation.denied", "nobody admits himself: another host does");
  if (one->admission != Admission::waiting)
    RABT_TRY_STATUS(may(access::Right::session_run, is, step.moment.who));
  // His account, the patient's word or the type of the session may have changed since he came.
  RABT_TRY_STATUS(may_take_part(step, *one));
  RABT_TRY_STATUS(room_for(is, *one));
  // a guest's licence is looked at when he is let in.
  if (one->person.empty() && !licensed(*one, step.moment.settings))
    return conflict("licence.missing", "the guest has shown no licence that is accepted");
  one->admission = Admission::admitted;
  one->admitted_by = step.moment.who.actor;
  one->since_ms = step.moment.now.ms;
  step.record("participant.admitted", named(*one));
  step.tell("participant-admitted", named(*one));
  if (is.status != SessionStatus::requested) open_room(step);
  if (one->here) {
    if (!step.moment.settings.provider_events && !is.present(*one)) {
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
  Session& is = step.after();
  RABT_TRY_STATUS(must_be_open(is, "requested, scheduled, waiting or active"));
  RABT_TRY(one, named_in(step, command.participant));
  step.change.participant = one->id;
  if (one->admission != Admission::waiting)
    return conflict(
        "participant.not_waiting",
        "the participant is " + std::string(to_string(one->admission)) + ", and not waiting");
  one->admission = Admission::denied;
  one->here = false;
  one->since_ms = step.moment.now.ms;
  step.record("participant.denied", named(*one));
  step.tell("participant-denied", named(*one));
  follow_presence(step);
  return done(std::move(step));
}

Result<Change> on(Step step, const Invite& command) {
  Session& is = step.after();
  RABT_TRY_STATUS(must_be_open(is, "requested, scheduled, waiting or active"));
  RABT_TRY_STATUS(may_take_part(step, command.whom));
  Invitation invitation = command.invitation;
  invitation.created_ms = step.moment.now.ms;
  invitation.created_by = step.moment.who.actor;
  invitation.invited_by = step.moment.who.person;
  // Until an hour after the planned end.
  invitation.expires_ms = is.scheduled_ms.value_or(step.moment.now.ms);
  if (invitation.expires_ms < step.moment.now.ms) invitation.expires_ms = step.moment.now.ms;
  invitation.expires_ms += (is.planned_minutes + 60) * 60'000;
  is.invitations.push_back(invitation);
  const Json what =
      Json::object({{"invitation", invitation.id}, {"role", to_string(invitation.role)}});
  step.record("participant.invited", what);
  step.tell("participant-invited", what);
  return done(std::move(step));
}

Result<Change> on(Step step, const Revoke& command) {
  Session& is = step.after();
  const auto found =
      std::find_if(is.invitations.begin(), is.invitations.end(),
                   [&](const Invitation& one) { return one.id == command.invitation; });
  if (found == is.invitations.end())
    return not_found("invitation.unknown", "the session has no such invitation");
  if (found->status != "pending") return nothing(step.before);
  RABT_TRY_STATUS(must_be_open(is, "requested, scheduled, waiting or active"));
  found->status = "revoked";
  step.record("participant.invited", Json::object({{"invitation", found->id}, {"revoked", true}}));
  return done(std::move(step));
}

Result<Change> on(Step step, const AcceptInvitation& command) {
  Session& is = step.after();
  const auto found =
      std::find_if(is.invitations.begin(), is.invitations.end(),
                   [&](const Invitation& one) { return one.id == command.invitation; });
  const auto gone = [] {
    return conflict("invitation.expired", "the invitation is not valid any more");
  };
  if (found == is.invitations.end()) return gone();
  if (found->status == "accepted") {
    for (const Participant& one : is.participants) {
      if (one.invitation == found->id && one.person == command.participant.person &&
          one.takes_part()) {
        step.change.unchanged = true;
        step.change.participant = one.id;
        return std::move(step.change);
      }
    }
  }
  if (found->status != "pending" || found->expires_ms < step.moment.now.ms) return gone();
  RABT_TRY_STATUS(must_be_open(is, "requested, scheduled, waiting or active"));
  Participant coming = command.participant;
  coming.role = found->role;
  coming.invitation = found->id;
  coming.brought_by = found->invited_by;
  RABT_TRY_STATUS(may_take_part(step, coming));
  // a host comes in without being let in, so his licence is looked at here.
  if (!licensed(coming, step.moment.settings))
    return conflict("licence.missing",
                    "the invitation is for a " + std::string(to_string(found->role)) +
                        ", and no licence that is accepted is known of whoever accepts it");
  found->status = "accepted";
  Participant* one = is.of_person(command.participant.person);
  if (one != nullptr && one->admission == Admission::removed)
    return denied("participant.not_a_participant", "the participant was removed by a host");
  if (one == nullptr) {
    RABT_TRY(added, bring_in(step, std::move(coming)));
    one = added;
  }
  step.change.participant = one->id;
  step.record("participant.added", named(*one));
  step.tell("participant-added", named(*one));
  return done(std::move(step));
}

namespace {

// A guest has no account: a host writes down what he said, or the application that opened the
// session passes it on. Whoever has one speaks for himself.
Status may_speak_for(const Session& is, const Participant& guest, const Actor& who) {
  if (!guest.person.empty())
    return conflict("consent.own_word",
                    "who has an account gives or refuses the consent himself, without participant");
  const Participant* own = is.of_person(who.person);
  if (own == nullptr || is_host(is, *own)) return ok_status();
  return denied("authorisation.denied", "a host writes down what a guest has said");
}

// Refuses a consent that the patient has refused himself. In a session with a patient a
// consent of these kinds is the patient's; in a training everybody speaks for himself.
Status is_own_no(const Session& is, std::string_view kind, const Actor& who) {
  if (who.person == is.patient || !patient_refused(is, kind)) return ok_status();
  // A transcript needs everybody's own word besides.
  if (kind == "transcription") return ok_status();
  return conflict("consent.own_word", "the patient has refused a consent of kind " +
                                          std::string(kind) + " himself, and he alone gives it");
}

// The relatives leave the session.
void put_relatives_out(Step& step) {
  for (Participant& one : step.after().participants) {
    if (one.role != PartRole::family_member || !one.takes_part()) continue;
    one.admission = Admission::removed;
    one.here = false;
    end_stays(step, one.id, step.moment.now.ms);
    put_out(step, one);
    step.record("participant.removed", named(one));
    step.tell("participant-removed", named(one));
  }
  follow_presence(step);
}

}  // namespace

//
Result<Change> on(Step step, const RecordConsent& command) {
  Session& is = step.after();
  const Actor& who = step.moment.who;
  const std::string kind = command.consent.string_or("kind", "");
  RABT_TRY_STATUS(must_be_open(is, "requested, scheduled, waiting or active"));
  const bool given = command.consent.bool_or("given", true);
  Json consent = command.consent;
  if (const std::string guest = consent.string_or("participant", ""); !guest.empty()) {
    RABT_TRY(one, named_in(step, guest));
    RABT_TRY_STATUS(may_speak_for(is, *one, who));
  }
  if (given) RABT_TRY_STATUS(is_own_no(is, kind, who));
  consent.set("by", who.person.empty() ? who.actor : who.person);
  consent.set("at", to_iso8601(step.moment.now));
  is.consents.push_back(std::move(consent));
  step.record("consent.recorded", Json::object({{"kind", kind}, {"given", given}}));
  if (kind == "family" && given) is.clear_warning("consent.family_missing");
  // An emergency needs no consent; a no of the patient himself counts there, too.
  const bool counts = is.type != SessionType::emergency_consultation || patient_refused(is, kind);
  if (kind == "family" && !given && counts) put_relatives_out(step);
  // Behind what follows from it: who is taken out learns that first.
  step.tell("consent-recorded", Json::object({{"kind", kind}, {"given", given}}));
  const bool about_it =
      kind == "recording" || (kind == "training" && (is.recording_purpose == "training" ||
                                                     is.type == SessionType::training_session));
  if (about_it && !given && !is.recording_now.empty()) {
    step.ask("stop-recording", is.recording_now);
    end_recording(step);
  }
  return done(std::move(step));
}

Result<Change> on(Step step, const StartRecording& command) {
  Session& is = step.after();
  RABT_TRY_STATUS(must_be_open(is, "active"));
  if (is.status != SessionStatus::active)
    return conflict("session.not_started", "the session is " + std::string(to_string(is.status)) +
                                               ", and only one that is active is recorded");
  if (!is.recording_now.empty()) return nothing(is);
  RABT_TRY_STATUS(begin_recording(step, command.purpose));
  return done(std::move(step));
}

Result<Change> on(Step step, const StopRecording& /*command*/) {
  Session& is = step.after();
  RABT_TRY_STATUS(must_be_open(is, "active"));
  if (is.recording_now.empty()) return nothing(is);
  step.ask("stop-recording", is.recording_now);
  end_recording(step);
  return done(std::move(step));
}

// ---- What the provider writes down of what is said

namespace {

// Tells of a transcription before the one that runs. Clocks differ.
bool is_of_before(const Session& is, Timestamp at) {
  constexpr std::int64_t kSkewMs = 10'000;
  return at.ms < is.transcribed_ms - kSkewMs;
}
// Whether a stop that the provider tells of is the one before, which the hub asked for: until the
// provider hears that, the next one may have been asked for. By the provider's own clock, where it
// has told when the next one began.
enum class WhoseStop { own, others, unknown };
WhoseStop whose_stop(const Session& is, Timestamp at) {
  constexpr std::int64_t kOnItsWayMs = 60'000;
  if (is.transcript_ended_ms == 0) return WhoseStop::others;
  if (is.transcript_begun_ms != 0)
    return at.ms <= is.transcript_begun_ms ? WhoseStop::own : WhoseStop::others;
  return at.ms < is.transcript_ended_ms + kOnItsWayMs ? WhoseStop::unknown : WhoseStop::others;
}

// Error unavailable asr.not_configured, as of a hub without speech recognition.
Status must_transcribe(const Step& step) {
  if (step.moment.transcribes && !step.before.provider_plugin.empty()) return ok_status();
  return unavailable("asr.not_configured",
                     "the video provider of this session writes nothing down, and no speech "
                     "recognition listens during a call; send the text of the segments");
}

}  // namespace

Result<Change> on(Step step, const StartTranscription& /*command*/) {
  Session& is = step.after();
  RABT_TRY_STATUS(must_be_open(is, "active"));
  RABT_TRY_STATUS(must_transcribe(step));
  if (is.e2ee)
    return conflict("transcription.e2ee",
                    "a session that is encrypted end to end is not transcribed");
  if (is.room != "open")
    return conflict("transcription.no_room", "the video provider has no room of this session yet");
  RABT_TRY_STATUS(may_be_transcribed(is));
  if (is.transcribed) return nothing(is);
  is.transcribed = true;
  begin_transcription(step);
  step.record("transcript.started");
  step.tell("transcript-started");
  return done(std::move(step));
}

Result<Change> on(Step step, const StopTranscription& /*command*/) {
  Session& is = step.after();
  RABT_TRY_STATUS(must_be_open(is, "active"));
  RABT_TRY_STATUS(must_transcribe(step));
  if (!is.transcribed) return nothing(is);
  step.ask("stop-transcription");
  end_transcription(step);
  return done(std::move(step));
}

Result<Change> on(Step step, const TranscriptionLost& command) {
  Session& is = step.after();
  if (!is.transcribed || (command.at && is_of_before(is, *command.at))) return nothing(step.before);
  if (command.may_be_asked && command.at) {
    const WhoseStop whose = whose_stop(is, *command.at);
    if (whose == WhoseStop::own) return nothing(step.before);
    if (whose == WhoseStop::unknown) {
      // One that runs is not begun twice; one that was stopped after all begins again.
      step.ask("start-transcription");
      return done(std::move(step));
    }
  }
  // Nobody heard anything since it was interrupted.
  const bool lasts = !is.transcript_gaps.empty() && !is.transcript_gaps.back().to_ms;
  const std::int64_t since =
      lasts ? is.transcript_gaps.back().from_ms : command.at.value_or(step.moment.now).ms;
  if (lasts) is.transcript_gaps.pop_back();
  // An answer that was lost may have been a yes.
  step.ask("stop-transcription");
  end_transcription(step, command.code);
  is.begin_gap(since, command.code);
  return done(std::move(step));
}

Result<Change> on(Step step, const TranscriptionPaused& command) {
  Session& is = step.after();
  if (!is.transcribed || is_of_before(is, command.at)) return nothing(step.before);
  const bool paused = !is.transcript_gaps.empty() && !is.transcript_gaps.back().to_ms;
  if (paused == command.paused) return nothing(step.before);
  if (command.paused) {
    is.begin_gap(command.at.ms, "video.transcription_interrupted");
  } else {
    is.end_gap(command.at.ms);
  }
  step.tell(command.paused ? "transcript-interrupted" : "transcript-resumed");
  return done(std::move(step));
}

// News of one that was stopped meanwhile come late. Where none was ever asked for, the provider
// transcribes by a setting of its own, and nobody has consented.
Result<Change> on(Step step, const TranscriptionSeen& command) {
  constexpr std::string_view kUnasked = "transcription.unasked";
  // Clocks that are further apart leave it open which one began.
  constexpr std::int64_t kCloseMs = 1'000;
  Session& is = step.after();
  if (is.transcribed) {
    const bool of_before =
        is_of_before(is, command.at) || command.at.ms < is.transcript_ended_ms - kCloseMs;
    if (of_before || command.at.ms <= is.transcript_begun_ms) return nothing(step.before);
    is.transcript_begun_ms = command.at.ms;
    return done(std::move(step));
  }
  const bool told =
      std::find(is.warnings.begin(), is.warnings.end(), kUnasked) != is.warnings.end();
  if (is.over() || is.transcribed_ms != 0 || told) return nothing(step.before);
  is.warn(kUnasked);
  step.ask("stop-transcription");
  step.record("transcript.unasked");
  step.tell("transcript-unasked");
  return done(std::move(step));
}

// ---- What the provider told

namespace {

Participant* by_identity(Session& is, std::string_view identity) {
  for (Participant& one : is.participants) {
    if (one.identity == identity) return &one;
  }
  return nullptr;
}

}  // namespace

Result<Change> on(Step step, const ProviderJoined& command) {
  Session& is = step.after();
  Participant* const one = by_identity(is, command.identity);
  const std::int64_t at = command.at.ms;
  // A time from another world would make a stay of years.
  if (one == nullptr || at > step.moment.now.ms + 3'600'000 ||
      at < step.moment.now.ms - kTwoYearsMs)
    return nothing(step.before);
  // late news of the time before the end still count, and change attendances only.
  if (is.over() && at >= is.ended_ms.value_or(0)) return nothing(step.before);
  // A token that was handed out before may still open the room to somebody who was put out, or who
  // waits to be let in again.
  if (!is.over() && !one->admitted() && is.room == "open") {
    put_out(step, *one);
    return done(std::move(step));
  }
  if (!begin_stay(step, *one, command.sid, at, command.source)) return nothing(step.before);
  step.change.participant = one->id;
  if (is.over()) {
    is.stays.back().left_ms = is.ended_ms;
    return std::move(step.change);
  }
  const bool told = one->here && call_is_joining(is, step.moment);
  one->here = true;
  one->was_here = true;
  one->connection = "connected";
  if (!told) tell_joined(step, *one);
  hold_receivers(step);
  follow_presence(step);
  begin_by_itself(step, command.visit_open);
  return done(std::move(step));
}

Result<Change> on(Step step, const ProviderLeft& command) {
  Session& is = step.after();
  Participant* const one = by_identity(is, command.identity);
  if (one == nullptr) return nothing(step.before);
  const std::int64_t at = is.over() ? std::min(command.at.ms, is.ended_ms.value_or(0))
                                    : std::min(command.at.ms, step.moment.now.ms);
  Stay* found = nullptr;
  for (Stay& stay : is.stays) {
    if (stay.participant != one->id || stay.sid != command.sid) continue;
    if (found == nullptr || stay.joined_ms <= at) found = &stay;
  }
  if (found != nullptr) {
    Stay& stay = *found;
    const std::int64_t left = std::max(stay.joined_ms, at);
    if (stay.left_ms && (!is.over() || *stay.left_ms == left)) return nothing(step.before);
    stay.left_ms = left;
    step.change.participant = one->id;
    if (is.over()) return std::move(step.change);
    if (is.present(*one)) return done(std::move(step));
    one->here = false;
    one->connection = "disconnected";
    tell_left(step, *one);
    follow_presence(step);
    return done(std::move(step));
  }
  return nothing(step.before);
}

Result<Change> on(Step step, const RoomOpened& command) {
  Session& is = step.after();
  // The session ended meanwhile: whoever asked for the room ends it.
  if (is.over() || (is.room == "open" && is.room_sid == command.sid)) return nothing(step.before);
  constexpr std::size_t kMaxRooms = 100;
  const bool anew = !is.room_sid.empty();
  if (anew && is.room_sid != command.sid && is.recorded && is.earlier_rooms.size() < kMaxRooms)
    is.earlier_rooms.push_back(is.room_sid);
  is.room_sid = command.sid;
  if (!command.region.empty()) is.region = command.region;
  clear_room_warnings(is);
  // The provider chose another region than the binding names: nobody enters that room.
  if (const Status allowed = may_be_in(step.moment.settings, is.region); !allowed.ok()) {
    is.room = "closed";
    is.warn(allowed.error().code);
    step.ask("end-room");
    return done(std::move(step));
  }
  is.room = "open";
  is.room_gone_ms.reset();
  // What the room before was asked for, this one is asked for, too.
  if (anew && !is.recording_now.empty()) step.ask("start-recording", is.recording_now);
  if (anew && is.transcribed) begin_transcription(step);
  return done(std::move(step));
}

Result<Change> on(Step step, const RoomNotOpened& command) {
  Session& is = step.after();
  if (is.over() || is.room != "asked") return nothing(step.before);
  is.room = "closed";
  clear_room_warnings(is);
  is.warn(command.warning);
  if (is.status == SessionStatus::active && !is.room_gone_ms) is.room_gone_ms = step.moment.now.ms;
  return done(std::move(step));
}

Result<Change> on(const Step& step, const Look& /*command*/) {
  return nothing(step.before);
}

Result<Change> on(Step step, const RecordingLost& command) {
  Session& is = step.after();
  if (is.over()) return nothing(step.before);
  if (is.recording_now == command.recording) is.recording_now.clear();
  if (command.stop) step.ask("stop-recording", command.recording);
  is.warn("recording.failed");
  const Json what = Json::object({{"recording", command.recording}, {"code", command.code}});
  step.record("recording.failed", what);
  step.tell("recording-failed", what);
  return done(std::move(step));
}

Result<Change> on(Step step, const RecordingSeen& /*command*/) {
  constexpr std::string_view kUnasked = "recording.unasked";
  Session& is = step.after();
  if (is.over()) return nothing(step.before);
  if (!is.recording_now.empty()) {
    if (is.recording_confirmed) return nothing(step.before);
    is.recording_confirmed = true;
    is.clear_warning("recording.failed");
    step.tell("recording-confirmed", Json::object({{"recording", is.recording_now}}));
    return done(std::move(step));
  }
  // News of a recording that was stopped meanwhile come late. Where none was ever asked for, the
  // provider records by a setting of its own, and nobody has consented.
  if (is.recorded || is.warns(kUnasked)) return nothing(step.before);
  is.warn(kUnasked);
  step.ask("stop-recording");
  step.record("recording.unasked");
  step.tell("recording-unasked");
  return done(std::move(step));
}

Result<Change> on(Step step, const RoomEnded& command) {
  Session& is = step.after();
  if (is.over() || is.room != "open") return nothing(step.before);
  const std::int64_t at = std::min(command.at.ms, step.moment.now.ms);
  const bool somebody = is.anybody_here();
  for (Participant& one : is.participants) {
    if (!one.here && !is.present(one)) continue;
    if (one.admission == Admission::waiting) continue;
    one.here = false;
    one.connection = "disconnected";
    tell_left(step, one);
  }
  end_stays(step, {}, at);
  is.room = "closed";
  if (is.transcribed) is.begin_gap(at, "video.room_ended");
  // Before the start, and when a room was empty, the provider only tidied up: it is opened again
  // under the same name when somebody comes. So is a room that the provider lost.
  if (is.status == SessionStatus::active && somebody && !command.lost) {
    finish(step, SessionStatus::completed, "provider_ended");
  } else {
    follow_presence(step);
  }
  return done(std::move(step));
}

}  // namespace rabt::consultation
