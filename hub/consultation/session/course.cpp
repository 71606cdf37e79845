#include <algorithm>

#include "hub/base/clock.hpp"
#include "hub/consultation/session/step.hpp"

// Course of a session: its room, begin, presence and end, and what the clock does.
namespace rabt::consultation {

namespace {

// A room that the provider lost is opened again for so long.
constexpr std::int64_t kRoomPatienceMs = 5 * kMinuteMs;
// A request without a time is open for so long.
constexpr std::int64_t kRequestMs = 14LL * 24 * 60 * kMinuteMs;

// "provider_ended"
bool is_word(std::string_view text) {
  return text.size() <= 64 && std::all_of(text.begin(), text.end(), [](char c) {
           return c == '_' || (c >= 'a' && c <= 'z');
         });
}

// When a session to which all have come, and which never began, has failed: no media connected, or
// nobody started it.
std::int64_t never_begun_ms(const Session& session, std::int64_t planned_ms,
                            const VideoSettings& settings) {
  std::int64_t from = planned_ms;
  for (const Participant& participant : session.people.participants)
    from = std::max(from, participant.came_ms.value_or(from));
  return from + (session.schedule.minutes + settings.no_show_minutes) * kMinuteMs;
}

}  // namespace

Status may_be_in(const VideoSettings& settings, std::string_view region) {
  const std::vector<std::string>& allowed = settings.allowed_regions;
  if (allowed.empty() || region.empty() ||
      std::find(allowed.begin(), allowed.end(), region) != allowed.end())
    return ok_status();
  std::string names;
  for (const std::string& text : allowed) names += (names.empty() ? "" : ", ") + text;
  return conflict("residency.region", "the video provider works in the region " +
                                          std::string(region) +
                                          "; compliance.allowed_regions allows: " + names);
}

void open_room(Step& step) {
  Session& session = step.after();
  if (session.room.plugin.empty() || session.room.state == "asked" || session.room.state == "open")
    return;
  session.room.state = "asked";
  step.ask("open-room");
}

Status begin(Step& step, std::optional<bool> visit_open, std::string_view how) {
  Session& session = step.after();
  //
  if (visit_open && !*visit_open)
    return conflict("visit.closed", "the visit is CLOSED; a session starts only in an OPEN one");
  // those who may host, whether or not they have come.
  for (const Participant& participant : session.people.participants) {
    if (participant.admitted() && !licensed(participant, step.moment.settings))
      return conflict(
          "licence.missing",
          "a doctor or specialist of the session has shown no licence that is accepted");
  }
  session.status = SessionStatus::active;
  session.started_ms = step.moment.now.ms;
  open_room(step);
  if (!session.provider.empty()) step.change.busy = true;
  step.record("session.started", Json::object({{"how", how}}));
  step.tell("started");
  if (session.recording.mode == "auto" && step.moment.video) {
    if (const Status recorded = begin_recording(step, "care"); !recorded.ok())
      session.warn(recorded.error().code);
  }
  follow_presence(step);
  return ok_status();
}

void begin_by_itself(Step& step, std::optional<bool> visit_open) {
  Session& session = step.after();
  if (session.status != SessionStatus::scheduled && session.status != SessionStatus::waiting)
    return;
  if (!required_present(session, session.origin.joined_counts)) return;
  if (!session.people.ready_told) {
    session.people.ready_told = true;
    step.tell("ready");
  }
  if (session.origin.begins_by_call) return;
  const auto there = std::count_if(
      session.people.participants.begin(), session.people.participants.end(),
      [&](const Participant& participant) {
        return session.people.present(participant) ||
               (session.origin.joined_counts && participant.here && participant.admitted());
      });
  if (there < 2) return;
  if (awaits_identity(session, step.moment.settings, led_by_page(session))) {
    session.warn(kIdentityUnconfirmed);
    return;
  }
  Step trial = step;
  if (const Status begun = begin(trial, visit_open, "automatic"); begun.ok()) {
    step.change = std::move(trial.change);
  } else {
    session.warn(begun.error().code);
  }
}

void end_stays(Step& step, std::string_view participant, std::int64_t at_ms) {
  for (Stay& stay : step.after().people.stays) {
    if (stay.left_ms || (!participant.empty() && stay.participant != participant)) continue;
    stay.left_ms = std::max(stay.joined_ms, at_ms);
  }
}

void follow_presence(Step& step) {
  Session& session = step.after();
  const bool somebody = session.people.anybody_here();
  if (session.status == SessionStatus::scheduled && somebody) {
    session.status = SessionStatus::waiting;
    step.record("session.waiting");
    step.tell("waiting");
  } else if (session.status == SessionStatus::waiting && !somebody) {
    session.status = SessionStatus::scheduled;
  }
  const bool was_somebody =
      std::any_of(session.people.participants.begin(), session.people.participants.end(),
                  [](const Participant& participant) { return participant.was_here; });
  if (somebody || !was_somebody) {
    session.room.empty_since_ms.reset();
  } else if (!session.room.empty_since_ms) {
    session.room.empty_since_ms = step.moment.now.ms;
  }
}

void finish(Step& step, SessionStatus status, std::string_view reason) {
  Session& session = step.after();
  const bool was_active = session.status == SessionStatus::active;
  const std::vector<std::string> missing = missing_roles(session);
  end_stays(step, {}, step.moment.now.ms);
  const std::string recording = session.recording.running;
  end_recording(step);
  end_transcription(step);
  for (Participant& participant : session.people.participants) {
    if (participant.here || session.people.present(participant)) {
      participant.connection = "disconnected";
      participant.went_ms = step.moment.now.ms;
    }
    participant.here = false;
  }
  session.status = status;
  session.ended_ms = step.moment.now.ms;
  session.end.reason = std::string(reason);
  session.end.by = step.moment.who.actor;
  session.room.empty_since_ms.reset();
  session.room.gone_ms.reset();
  for (Invitation& invitation : session.people.invitations) {
    if (invitation.status == "pending") invitation.status = "expired";
  }
  if (!recording.empty()) step.ask("stop-recording", recording);
  if (session.room.state == "asked" || session.room.state == "open") step.ask("end-room");
  // Without a room there is nothing to ask for: SessionWork settles such recordings as `none`.
  if (session.recording.ever && !session.room.sid.empty()) {
    for (const std::string& room : session.room.earlier) step.ask("collect", room);
    step.ask("collect");
  }
  if (was_active && !session.provider.empty()) step.change.busy = false;
  if (!was_active) step.change.freed = true;
  // A word is told. Anything else is text that somebody wrote, and stays in the session.
  const Json why =
      Json::object({{"endReason", is_word(session.end.reason) ? session.end.reason : "other"}});
  switch (status) {
    case SessionStatus::completed: {
      const std::int64_t seconds = length_of(session, step.moment.now);
      step.record("session.ended", why);
      step.tell("ended", why);
      step.tell("completed",
                Json::object(
                    {{"durationSeconds", seconds},
                     {"durationMinutes", whole_minutes(seconds)},
                     {"consultationType", to_string(session.type)},
                     {"attendeeMinutes", whole_minutes(attendee_seconds(session, step.moment.now))},
                     {"endReason", why["endReason"]},
                     {"qualityScore",
                      session.line.quality_score ? Json(*session.line.quality_score) : Json()}}));
      break;
    }
    case SessionStatus::no_show: {
      Json roles = Json::array();
      for (const std::string& role : missing) roles.push_back(role);
      step.record("session.no_show", Json::object({{"missing", roles}}));
      step.tell("no-show", Json::object({{"missing", roles}}));
      break;
    }
    case SessionStatus::failed:
      step.record("session.failed", why);
      step.tell("failed", why);
      break;
    default:
      step.record("session.cancelled");
      step.tell("cancelled",
                Json::object({{"reschedulable", !session.ties.appointment.is_null()}}));
      break;
  }
}

std::optional<std::int64_t> due_at(const Session& session, const VideoSettings& settings) {
  std::optional<std::int64_t> due;
  const auto at = [&](std::int64_t ms) { due = due ? std::min(*due, ms) : ms; };
  // a late entry waits from its creation.
  const std::int64_t planned =
      std::max(session.schedule.at_ms.value_or(session.created_ms), session.created_ms);
  if (session.status == SessionStatus::requested) {
    at(session.schedule.at_ms ? planned + settings.no_show_minutes * kMinuteMs
                              : planned + kRequestMs);
  }
  if (session.status == SessionStatus::scheduled || session.status == SessionStatus::waiting) {
    if (!required_present(session, true)) {
      at(planned + settings.no_show_minutes * kMinuteMs);
    } else {
      at(never_begun_ms(session, planned, settings));
    }
  }
  if (session.status == SessionStatus::active) {
    at(session.started_ms.value_or(session.created_ms) + settings.max_session_minutes * kMinuteMs);
    if (session.room.empty_since_ms)
      at(*session.room.empty_since_ms + settings.empty_minutes * kMinuteMs);
  }
  if (!session.over() && session.room.gone_ms) at(*session.room.gone_ms + kRoomPatienceMs);
  return due;
}

Result<Change> on(Step step, const Tick& /*command*/) {
  Session& session = step.after();
  const std::int64_t now = step.moment.now.ms;
  const auto due = due_at(session, step.moment.settings);
  if (!due || *due > now) return nothing(step.before);
  if (session.room.gone_ms && *session.room.gone_ms + kRoomPatienceMs <= now &&
      (session.status == SessionStatus::active || session.status == SessionStatus::waiting)) {
    finish(step, SessionStatus::failed, "provider_lost");
  } else if (session.status == SessionStatus::active) {
    const bool empty =
        session.room.empty_since_ms &&
        *session.room.empty_since_ms + step.moment.settings.empty_minutes * kMinuteMs <= now;
    finish(step, SessionStatus::completed, empty ? "empty" : "time_limit");
  } else if (session.room.gone_ms) {
    // The room is empty, and is opened again when somebody comes.
    session.room.gone_ms.reset();
  } else if (session.status == SessionStatus::requested) {
    finish(step, SessionStatus::cancelled, "not_accepted");
  } else if (required_present(session, true)) {
    finish(step, SessionStatus::failed, "never_begun");
  } else {
    finish(step, SessionStatus::no_show, "no_show");
  }
  return done(std::move(step));
}

}  // namespace rabt::consultation
