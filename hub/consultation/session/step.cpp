#include "hub/consultation/session/step.hpp"

#include <algorithm>

#include "hub/base/limits.hpp"
#include "hub/consultation/session/standing_consents.hpp"
#include "hub/schema/schema_regex.hpp"

namespace rabt::consultation {

namespace {

// "provider_ended"
bool is_word(std::string_view text) {
  return text.size() <= 64 && std::all_of(text.begin(), text.end(), [](char c) {
           return c == '_' || (c >= 'a' && c <= 'z');
         });
}

using identity::Licence;

constexpr std::int64_t kMinuteMs = 60'000;
// A room that the provider lost is opened again for so long.
constexpr std::int64_t kRoomPatienceMs = 5 * kMinuteMs;

}  // namespace

void Step::tell(std::string_view type, const Json& more) {
  const Session& is = change.after;
  Json data =
      Json::object({{"session", is.id},
                    {"sessionNumber", is.number},
                    {"type", to_string(is.type)},
                    {"bookingType", is.booking.empty() ? Json() : Json(is.booking)},
                    {"status", to_string(is.status)},
                    {"visit", is.visit.empty() ? Json() : Json(is.visit)},
                    {"clinic", is.clinic.empty() ? Json() : Json(is.clinic)},
                    // Which one it is stays sealed: its number may lead to the person.
                    {"hasAppointment", has_known_appointment(is)},
                    {"namesAppointment", !is.appointment.is_null()},
                    {"consultation", is.consultation.empty() ? Json() : Json(is.consultation)},
                    {"provider", is.provider.empty() ? Json() : Json(is.provider)},
                    {"patient", is.patient_pseudonym.empty() ? Json() : Json(is.patient_pseudonym)},
                    {"at", to_iso8601(moment.now)}});
  for (const auto& [key, value] : more.as_object()) data.set(key, value);
  change.events.push_back({std::string(type), std::move(data)});
}
void Step::ask(std::string_view kind, std::string_view subject) {
  change.effects.push_back({std::string(kind), std::string(subject)});
  ++change.after.effects;
}
void Step::record(std::string_view act, Json detail) {
  change.acts.push_back({std::string(act), std::move(detail)});
}

namespace {

// Error conflict consent.recording_missing unless those who are asked agree.
Status may_be_recorded(const Session& is, const VideoSettings& settings, std::string_view purpose) {
  // Everybody in a training speaks for himself.
  const auto agrees = [&](const std::string& person) {
    bool yes = false;
    for (const Json& consent : is.consents.all.as_array()) {
      if (consent.string_or("kind", "") == "training" && consent.string_or("by", "") == person &&
          still_counts(is, consent))
        yes = consent.bool_or("given", false);
    }
    return yes;
  };
  const auto missing = [](std::string_view kind) {
    return conflict("consent.recording_missing",
                    "recording needs a consent of kind " + std::string(kind));
  };
  if (is.type == SessionType::training_session) {
    for (const Participant& one : is.people.participants) {
      if (one.takes_part() && !agrees(one.person.empty() ? guest_actor(one.id) : one.person))
        return missing("training of every participant");
    }
  } else if (purpose == "training" && !consent_stands(is, "training")) {
    return missing("training");
  }
  const bool agreed = settings.consent_required_to_record ? consent_stands(is, "recording")
                                                          : !consent_refused(is, "recording");
  if (!agreed) return missing("recording");
  return ok_status();
}

// True if somebody has come into the session by this step.
bool somebody_came(const Session& before, const Session& is) {
  const auto there = [](const Session& session, const Participant& one) {
    return one.admitted() && (one.here || session.present(one));
  };
  return std::any_of(is.people.participants.begin(), is.people.participants.end(),
                     [&](const Participant& one) {
                       const Participant* const was = before.participant(one.id);
                       return there(is, one) && (was == nullptr || !there(before, *was));
                     });
}

// A recording that stood on a consent by a link ends with that link; that of a training, of which
// everybody is asked, ends when somebody comes who has not consented.
void follow_consents(Step& step) {
  const Session& is = step.after();
  if (is.recording.running.empty()) return;
  const auto& all = is.consents.all.as_array();
  const bool ended = std::any_of(all.begin(), all.end(), [&](const Json& one) {
    return still_counts(step.before, one) && !still_counts(is, one);
  });
  const bool joins = is.type == SessionType::training_session && somebody_came(step.before, is);
  if ((!ended && !joins) || may_be_recorded(is, step.moment.settings, is.recording.purpose).ok())
    return;
  step.ask("stop-recording", is.recording.running);
  end_recording(step);
}

}  // namespace

Result<Change> done(Step&& step) {
  // Somebody came who has not consented, or somebody took his consent back.
  if (step.after().transcript.on && !may_be_transcribed(step.after()).ok()) {
    step.ask("stop-transcription");
    end_transcription(step, "consent.transcription_missing");
  }
  follow_consents(step);
  step.change.after.updated_ms = step.moment.now.ms;
  return std::move(step.change);
}
Result<Change> nothing(const Session& session) {
  Change change;
  change.after = session;
  change.unchanged = true;
  return change;
}

Status not_own_patient(const Session& session) {
  if (session.patient.empty()) return ok_status();
  const bool treats = session.provider == session.patient;
  const auto& people = session.people.participants;
  const bool other = std::any_of(people.begin(), people.end(), [&](const Participant& one) {
    return one.person == session.patient && one.takes_part() && one.role != PartRole::patient;
  });
  if (!treats && !other) return ok_status();
  return conflict("session.own_patient",
                  "whom the session is about takes part as patient, and as nothing else: name "
                  "another doctor, or another patient");
}

Status must_be_open(const Session& session, std::string_view needed) {
  if (session.over()) return ended_error(session.status, needed);
  return ok_status();
}

const Participant* own_of(const Session& session, const Actor& who) {
  if (who.part.participant.empty()) return session.of_person(who.person);
  if (who.part.session != session.id) return nullptr;
  const Participant* const own = session.participant(who.part.participant);
  return own != nullptr && opens_by_link(own->role) ? own : nullptr;
}
Participant* own_of(Session& session, const Actor& who) {
  return const_cast<Participant*>(own_of(std::as_const(session), who));
}

PartRole acting_role(const Participant& own, identity::Roles account) {
  return may_act_as(account, own.role) ? own.role : PartRole::observer;
}

access::Facts facts_of(const Session& session, const Actor& who) {
  using access::Is;
  access::Facts facts{.roles = who.roles, .system = who.system};
  access::Relations& is = facts.is;
  // An application that opened the session for its own people runs it.
  is.add(Is::creator, who.person.empty() && who.roles.has(identity::Role::integration) &&
                          session.created_by == who.actor);
  is.add(Is::unclaimed, session.status == SessionStatus::requested && session.provider.empty());
  is.add(Is::calling, calls_doctors(session));
  const Participant* const own = own_of(session, who);
  if (who.person.empty() && own == nullptr) return facts;
  is.add(Is::treating, !who.person.empty() && who.person == session.provider &&
                           may_act_as(who.roles, PartRole::nurse) &&
                           (own == nullptr || own->takes_part()));
  // A participant who was denied or removed has no relation to the session any more, as patient and
  // as provider neither.
  const bool of_link = !who.part.participant.empty() && own != nullptr &&
                       own->role == PartRole::patient && own->person == session.patient;
  is.add(Is::patient, (of_link || (!who.person.empty() && who.person == session.patient)) &&
                          (own == nullptr || own->takes_part()));
  if (own == nullptr) {
    is.add(Is::invited, std::any_of(session.people.invitations.begin(),
                                    session.people.invitations.end(), [&](const Invitation& one) {
                                      return one.person == who.person && one.status == "pending";
                                    }));
    return facts;
  }
  const PartRole role = acting_role(*own, who.roles);
  is.add(Is::member);
  is.add(Is::takes_part, own->takes_part());
  is.add(Is::admitted, own->admitted());
  is.add(Is::host, role == own->role && is_host(session, *own));
  is.add(Is::staff, is_staff(role));
  is.add(Is::licensed, needs_licence(role));
  is.add(Is::doctor, role == PartRole::doctor);
  is.add(Is::specialist, role == PartRole::specialist);
  is.add(Is::nurse, role == PartRole::nurse);
  is.add(Is::patient_role, role == PartRole::patient);
  is.add(Is::observer, role == PartRole::observer);
  return facts;
}

Result<access::Allowed> may(access::Right right, const Session& session, const Actor& who) {
  return access::admit(right, facts_of(session, who));
}

Licence licence_of(std::string_view number, const std::vector<std::string>& patterns) {
  if (number.empty()) return Licence::missing;
  std::string folded;
  // Arabic digits, U+0660 to U+0669, and extended ones, U+06F0 to U+06F9, two bytes each.
  for (std::size_t i = 0; i < number.size(); ++i) {
    const auto lead = static_cast<unsigned char>(number[i]);
    const auto next = i + 1 < number.size() ? static_cast<unsigned char>(number[i + 1]) : 0U;
    if (lead == 0xD9 && next >= 0xA0 && next <= 0xA9) {
      folded += static_cast<char>('0' + (next - 0xA0));
      ++i;
    } else if (lead == 0xDB && next >= 0xB0 && next <= 0xB9) {
      folded += static_cast<char>('0' + (next - 0xB0));
      ++i;
    } else {
      folded += number[i];
    }
  }
  for (const std::string& pattern : patterns) {
    const auto compiled = schema::Pattern::compile(pattern);
    if (compiled.ok() && (*compiled)->found_in(folded)) return Licence::format_ok;
  }
  return Licence::missing;
}

bool licensed(const Participant& one, const VideoSettings& settings) {
  if (!needs_licence(one.role)) return true;
  switch (settings.licence) {
    case VideoSettings::Licence::off:
      return true;
    case VideoSettings::Licence::known:
      return one.licence == Licence::format_ok || one.licence == Licence::vouched ||
             one.licence == Licence::verified;
    case VideoSettings::Licence::verified:
      return one.licence == Licence::verified;
  }
  return false;
}

void open_room(Step& step) {
  Session& is = step.after();
  if (is.room.plugin.empty() || is.room.state == "asked" || is.room.state == "open") return;
  is.room.state = "asked";
  step.ask("open-room");
}

Status may_be_in(const VideoSettings& settings, std::string_view region) {
  const std::vector<std::string>& allowed = settings.allowed_regions;
  if (allowed.empty() || region.empty() ||
      std::find(allowed.begin(), allowed.end(), region) != allowed.end())
    return ok_status();
  std::string names;
  for (const std::string& one : allowed) names += (names.empty() ? "" : ", ") + one;
  return conflict("residency.region", "the video provider works in the region " +
                                          std::string(region) +
                                          "; compliance.allowed_regions allows: " + names);
}

Status provider_records(const Step& step) {
  if (!step.change.after.room.plugin.empty() && step.moment.records) return ok_status();
  return conflict("capability.recording",
                  "the video provider of this session cannot record; make a session without "
                  "`recording: auto`, or bind the role video to a provider that records");
}

namespace {

// True for somebody without an account whom a person calls staff: nobody knows that he is no
// relative. The session's own organizer, and whom a system brought, are known to the hospital.
bool is_unknown_staff(const Session& is, const Participant& coming, const Actor& who) {
  if (!coming.person.empty() || opens_by_link(coming.role) || coming.id == is.people.organizer)
    return false;
  const Participant* const known = is.participant(coming.id);
  return !(known != nullptr ? bringer_of(is, *known) : who.person).empty();
}

}  // namespace

Status may_take_part(const Step& step, const Participant& coming) {
  const Session& is = step.change.after;
  const PartRole role = coming.role;
  RABT_TRY_STATUS(role_allowed(is, role));
  // A person who comes himself has the roles that he signed in with, too.
  const Actor& who = step.moment.who;
  const identity::Roles own_roles = coming.person == who.person ? who.roles : identity::Roles{};
  const bool held = may_act_as(coming.account, role) || may_act_as(own_roles, role);
  if (!coming.person.empty() && !held)
    return conflict("participant.role_not_held",
                    "the account has no role in the tenant with which somebody takes part as " +
                        std::string(to_string(role)));
  RABT_TRY_STATUS(no_second_patient(is, coming));
  if (is_unwanted_relative(is, coming))
    return conflict("consent.own_word",
                    "the patient has put this relative out by his own word, and he alone lets the "
                    "relative in again");
  // Nobody knows of an observer without a role of the hospital that he is no relative.
  if (role == PartRole::observer && !works_here(coming.account) && !works_here(own_roles) &&
      patient_refused(is, "family"))
    return conflict("consent.own_word",
                    "the patient wants none of his family there: until he takes that back, who "
                    "observes needs an account with a role of the hospital");
  if (is_unknown_staff(is, coming, who) && patient_refused(is, "family"))
    return conflict("consent.own_word",
                    "the patient wants none of his family there: until he takes that back, who "
                    "comes as staff needs an account with a role of the hospital");
  if (is.room.plugin.empty() || !only_receives(is.type, role) || step.moment.receive_only)
    return ok_status();
  return conflict("capability.receive_only",
                  "the role " + std::string(to_string(role)) +
                      " only sees and hears, and the video provider of this session cannot keep "
                      "anybody from speaking");
}

Result<Participant*> bring_in(Step& step, Participant coming) {
  Session& is = step.after();
  RABT_TRY_STATUS(may_take_part(step, coming));
  const auto parts = std::count_if(is.people.participants.begin(), is.people.participants.end(),
                                   [](const Participant& part) { return part.takes_part(); });
  if (parts >= kMostParticipants)
    return conflict("session.full", "a session has at most 15 participants");
  if (is.people.participants.size() >= limits::kMaxSessionPeople)
    return conflict("session.full", "100 people took part in the session, as many as it knows");
  coming.admission = first_admission(is, coming);
  coming.since_ms = step.moment.now.ms;
  coming.created_ms = step.moment.now.ms;
  coming.number = static_cast<std::int64_t>(is.people.participants.size()) + 1;
  is.people.participants.push_back(std::move(coming));
  RABT_TRY_STATUS(take_as_patient(step, is.people.participants.back()));
  return &is.people.participants.back();
}

Status take_as_patient(Step& step, const Participant& coming) {
  Session& is = step.after();
  // The patient may come later, once.
  if (coming.role == PartRole::patient && is.patient.empty() && !coming.person.empty()) {
    is.patient = coming.person;
    is.patient_pseudonym = coming.pseudonym;
    is.patient_by = word_of(is, step.moment.who.person);
  }
  return not_own_patient(is);
}

std::string bringer_of(const Session& session, const Participant& one) {
  constexpr std::string_view kPerson = "person:";
  if (!one.brought_by.empty()) return one.brought_by;
  // The opener counts as having brought in those of whom an older hub wrote nothing down.
  const auto at = session.created_by.rfind(kPerson);
  return at == std::string::npos ? std::string() : session.created_by.substr(at + kPerson.size());
}

std::string word_of(const Session& session, const std::string& person) {
  std::string out = person;
  const Participant* one = session.of_person(person);
  while (one != nullptr) {
    const std::string by = bringer_of(session, *one);
    if (by.empty() || out.find(by) != std::string::npos) break;
    out += " " + by;
    one = session.of_person(by);
  }
  return out;
}

Admission first_admission(const Session& session, const Participant& coming) {
  // An `admin` without an account is no office: he waits like everybody else.
  const bool guest_office = coming.person.empty() && coming.role == PartRole::admin;
  const bool at_once = coming.bypass || (leads(session, coming) && !guest_office);
  return session.waiting_room && !at_once ? Admission::waiting : Admission::admitted;
}

Status begin_recording(Step& step, std::string_view purpose) {
  Session& is = step.after();
  if (!step.moment.settings.recording_enabled || is.recording.mode == "off")
    return conflict("capability.recording", "recording is switched off");
  if (is.e2ee)
    return conflict("recording.e2ee", "a session that is encrypted end to end is not recorded");
  RABT_TRY_STATUS(provider_records(step));
  RABT_TRY_STATUS(may_be_recorded(is, step.moment.settings, purpose));
  is.recording.running = step.moment.fresh_id;
  is.recording.purpose = std::string(purpose);
  is.recording.ever = true;
  step.change.recording_begun = is.recording.running;
  step.change.recording_purpose = std::string(purpose);
  open_room(step);
  is.recording.confirmed = false;
  step.ask("start-recording", is.recording.running);
  hold_receivers(step);
  step.record("recording.started", Json::object({{"recording", is.recording.running}}));
  step.tell("recording-started", Json::object({{"recording", is.recording.running}}));
  return ok_status();
}

void hold_receivers(Step& step) {
  const Session& is = step.after();
  if (!step.moment.holds_receivers) return;
  if (std::any_of(is.people.participants.begin(), is.people.participants.end(),
                  [&](const Participant& one) {
                    return one.takes_part() && only_receives(is.type, one.role);
                  }))
    step.ask("hold-receivers");
}

void end_recording(Step& step) {
  Session& is = step.after();
  if (is.recording.running.empty()) return;
  step.record("recording.stopped", Json::object({{"recording", is.recording.running}}));
  step.tell("recording-stopped", Json::object({{"recording", is.recording.running}}));
  step.change.recording_ended = is.recording.running;
  is.recording.running.clear();
}

void begin_transcription(Step& step) {
  Session& is = step.after();
  is.transcript.asked_ms = step.moment.now.ms;
  is.transcript.begun_ms = 0;
  is.end_gap(step.moment.now.ms);
  step.ask("start-transcription");
}

void end_transcription(Step& step, std::string_view code) {
  Session& is = step.after();
  if (!is.transcript.on) return;
  is.transcript.on = false;
  is.transcript.ended_ms = step.moment.now.ms;
  is.end_gap(step.moment.now.ms);
  Json why = Json::object();
  if (!code.empty()) why.set("code", code);
  step.record("transcript.stopped", why);
  step.tell("transcript-stopped", why);
}

Status begin(Step& step, std::optional<bool> visit_open, std::string_view how) {
  Session& is = step.after();
  //
  if (visit_open && !*visit_open)
    return conflict("visit.closed", "the visit is CLOSED; a session starts only in an OPEN one");
  // those who may host, whether or not they have come.
  for (const Participant& one : is.people.participants) {
    if (one.admitted() && !licensed(one, step.moment.settings))
      return conflict(
          "licence.missing",
          "a doctor or specialist of the session has shown no licence that is accepted");
  }
  is.status = SessionStatus::active;
  is.started_ms = step.moment.now.ms;
  open_room(step);
  if (!is.provider.empty()) step.change.busy = true;
  step.record("session.started", Json::object({{"how", how}}));
  step.tell("started");
  if (is.recording.mode == "auto" && step.moment.video) {
    if (const Status recorded = begin_recording(step, "care"); !recorded.ok())
      is.warn(recorded.error().code);
  }
  follow_presence(step);
  return ok_status();
}

void begin_by_itself(Step& step, std::optional<bool> visit_open) {
  Session& is = step.after();
  if (is.status != SessionStatus::scheduled && is.status != SessionStatus::waiting) return;
  if (!required_present(is, is.joined_counts)) return;
  if (!is.ready_told) {
    is.ready_told = true;
    step.tell("ready");
  }
  if (is.begins_by_call) return;
  const auto there = std::count_if(
      is.people.participants.begin(), is.people.participants.end(), [&](const Participant& one) {
        return is.present(one) || (is.joined_counts && one.here && one.admitted());
      });
  if (there < 2) return;
  if (awaits_identity(is, step.moment.settings, led_by_page(is))) {
    is.warn(kIdentityUnconfirmed);
    return;
  }
  Step trial = step;
  if (const Status begun = begin(trial, visit_open, "automatic"); begun.ok()) {
    step.change = std::move(trial.change);
  } else {
    is.warn(begun.error().code);
  }
}

void end_stays(Step& step, std::string_view participant, std::int64_t at_ms) {
  for (Stay& stay : step.after().people.stays) {
    if (stay.left_ms || (!participant.empty() && stay.participant != participant)) continue;
    stay.left_ms = std::max(stay.joined_ms, at_ms);
  }
}

void follow_presence(Step& step) {
  Session& is = step.after();
  const bool somebody = is.anybody_here();
  if (is.status == SessionStatus::scheduled && somebody) {
    is.status = SessionStatus::waiting;
    step.record("session.waiting");
    step.tell("waiting");
  } else if (is.status == SessionStatus::waiting && !somebody) {
    is.status = SessionStatus::scheduled;
  }
  const bool was_somebody =
      std::any_of(is.people.participants.begin(), is.people.participants.end(),
                  [](const Participant& one) { return one.was_here; });
  if (somebody || !was_somebody) {
    is.room.empty_since_ms.reset();
  } else if (!is.room.empty_since_ms) {
    is.room.empty_since_ms = step.moment.now.ms;
  }
}

void finish(Step& step, SessionStatus status, std::string_view reason) {
  Session& is = step.after();
  const bool was_active = is.status == SessionStatus::active;
  const std::vector<std::string> missing = missing_roles(is);
  end_stays(step, {}, step.moment.now.ms);
  const std::string recording = is.recording.running;
  end_recording(step);
  end_transcription(step);
  for (Participant& one : is.people.participants) {
    if (one.here || is.present(one)) {
      one.connection = "disconnected";
      one.went_ms = step.moment.now.ms;
    }
    one.here = false;
  }
  is.status = status;
  is.ended_ms = step.moment.now.ms;
  is.end_reason = std::string(reason);
  is.ended_by = step.moment.who.actor;
  is.room.empty_since_ms.reset();
  is.room.gone_ms.reset();
  for (Invitation& one : is.people.invitations) {
    if (one.status == "pending") one.status = "expired";
  }
  if (!recording.empty()) step.ask("stop-recording", recording);
  if (is.room.state == "asked" || is.room.state == "open") step.ask("end-room");
  // Without a room there is nothing to ask for: SessionWork settles such recordings as `none`.
  if (is.recording.ever && !is.room.sid.empty()) {
    for (const std::string& room : is.room.earlier) step.ask("collect", room);
    step.ask("collect");
  }
  if (was_active && !is.provider.empty()) step.change.busy = false;
  if (!was_active) step.change.freed = true;
  // A word is told. Anything else is text that somebody wrote, and stays in the session.
  const Json why = Json::object({{"endReason", is_word(is.end_reason) ? is.end_reason : "other"}});
  switch (status) {
    case SessionStatus::completed: {
      const std::int64_t seconds = length_of(is, step.moment.now);
      step.record("session.ended", why);
      step.tell("ended", why);
      step.tell(
          "completed",
          Json::object({{"durationSeconds", seconds},
                        {"durationMinutes", whole_minutes(seconds)},
                        {"consultationType", to_string(is.type)},
                        {"attendeeMinutes", whole_minutes(attendee_seconds(is, step.moment.now))},
                        {"endReason", why["endReason"]},
                        {"qualityScore", is.quality_score ? Json(*is.quality_score) : Json()}}));
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
      step.tell("cancelled", Json::object({{"reschedulable", !is.appointment.is_null()}}));
      break;
  }
}

namespace {

// A request without a time is open for so long.
constexpr std::int64_t kRequestMs = 14LL * 24 * 60 * kMinuteMs;

// When a session to which all have come, and which never began, has failed: no media connected, or
// nobody started it.
std::int64_t never_begun_ms(const Session& session, std::int64_t planned_ms,
                            const VideoSettings& settings) {
  std::int64_t from = planned_ms;
  for (const Participant& one : session.people.participants)
    from = std::max(from, one.came_ms.value_or(from));
  return from + (session.schedule.minutes + settings.no_show_minutes) * kMinuteMs;
}

}  // namespace

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
  Session& is = step.after();
  const std::int64_t now = step.moment.now.ms;
  const auto due = due_at(is, step.moment.settings);
  if (!due || *due > now) return nothing(step.before);
  if (is.room.gone_ms && *is.room.gone_ms + kRoomPatienceMs <= now &&
      (is.status == SessionStatus::active || is.status == SessionStatus::waiting)) {
    finish(step, SessionStatus::failed, "provider_lost");
  } else if (is.status == SessionStatus::active) {
    const bool empty =
        is.room.empty_since_ms &&
        *is.room.empty_since_ms + step.moment.settings.empty_minutes * kMinuteMs <= now;
    finish(step, SessionStatus::completed, empty ? "empty" : "time_limit");
  } else if (is.room.gone_ms) {
    // The room is empty, and is opened again when somebody comes.
    is.room.gone_ms.reset();
  } else if (is.status == SessionStatus::requested) {
    finish(step, SessionStatus::cancelled, "not_accepted");
  } else if (required_present(is, true)) {
    finish(step, SessionStatus::failed, "never_begun");
  } else {
    finish(step, SessionStatus::no_show, "no_show");
  }
  return done(std::move(step));
}

}  // namespace rabt::consultation
