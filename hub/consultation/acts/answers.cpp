#include "hub/consultation/acts/answers.hpp"

#include <algorithm>
#include <limits>

#include "hub/consultation/session/event_facts.hpp"
#include "hub/consultation/session/hijri.hpp"
#include "hub/consultation/session/standing_consents.hpp"

namespace rabt::consultation {

Json text_or_null(const std::string& text) {
  return text.empty() ? Json() : Json(text);
}
Json time_or_null(const std::optional<std::int64_t>& ms) {
  return ms ? Json(to_iso8601({*ms})) : Json();
}

Sight sight_of(const Session& session, const Actor& who, bool with_reason) {
  access::Facts facts = facts_of(session, who);
  facts.reason = with_reason;
  Sight sight;
  sight.person = who.person;
  sight.participant = who.part.participant;
  // Whoever holds a link shows only that he has it: what the visit is about he sees when a host has
  // let him in.
  const bool outside = !who.part.participant.empty() && !facts.is.has(access::Is::admitted);
  sight.clinical = !outside && access::decide(access::Right::session_clinical, facts).allowed;
  const Participant* const own = own_of(session, who);
  // Whoever opened the link anew may be another one: what was said before is not his own yet.
  if (outside && own != nullptr && own->waits_again) sight.participant.clear();
  sight.consents = (own != nullptr && own->admitted()) || facts.is.has(access::Is::treating) ||
                   (facts.is.has(access::Is::patient) && !outside) ||
                   access::decide(access::Right::session_list_all, facts).allowed;
  sight.names = sight.clinical || access::decide(access::Right::session_names, facts).allowed;
  return sight;
}

const Json& Names::of(const std::string& person) {
  const auto found = known_.find(person);
  if (found != known_.end()) return found->second;
  Json profile;
  if (const auto one = directory_.find(tenant_, person); one.ok()) profile = one->profile;
  return known_
      .emplace(person, Json::object({{"name", profile["name"]},
                                     {"nameAr", profile["nameAr"]},
                                     {"preferredLanguage", profile["language"]},
                                     {"saudiResident", profile["saudiResident"]},
                                     {"gender", profile["gender"]},
                                     {"genderPreference", profile["genderPreference"]}}))
      .first->second;
}

namespace {

std::optional<Timestamp> time_at(const std::optional<std::int64_t>& ms) {
  if (!ms) return std::nullopt;
  return Timestamp{*ms};
}

// Posted members of the participant come first, then the record of the person, then defaults.
void describe(const Participant& participant, const Json& record, bool all, Json& out) {
  if (!all) {
    const Json* name = participant.guest.find("name");
    if (name != nullptr || record.is_object())
      out.set("name", name != nullptr ? *name : record["name"]);
    if (record.is_object()) {
      out.set("record", Json::object({{"name", record["name"]}, {"nameAr", record["nameAr"]}}));
    }
    return;
  }
  out.set("preferredLanguage", "ar");
  out.set("saudiResident", false);
  if (record.is_object()) {
    out.set("name", record["name"]);
    for (const auto& [key, value] : record.as_object()) {
      if (!value.is_null() && key != "nameAr") out.set(key, value);
    }
    out.set("record", record);
  }
  for (const auto& [key, value] : participant.guest.as_object()) out.set(key, value);
}

}  // namespace

ParticipantView participant_view(const Session& session, const Participant& participant,
                                 const Sight& sight, Names& names, Timestamp now) {
  std::optional<std::int64_t> joined;
  std::optional<std::int64_t> left;
  bool still = false;
  std::string sid;
  for (const Stay& stay : session.people.stays) {
    if (stay.participant != participant.id) continue;
    joined = joined ? std::min(*joined, stay.joined_ms) : stay.joined_ms;
    if (stay.left_ms) {
      left = left ? std::max(*left, *stay.left_ms) : *stay.left_ms;
    } else {
      still = true;
    }
    if (stay.source != "synthetic") sid = stay.sid;
  }
  if (!left && !participant.here) left = participant.went_ms;
  ParticipantView view{.id = participant.id,
                       .number = participant.number,
                       .person = participant.person,
                       .role = participant.role,
                       .identity = participant.identity,
                       .admission = participant.admission,
                       .since = {participant.since_ms},
                       .admitted_by = participant.admitted_by,
                       .bypasses_waiting_room = participant.bypass,
                       .host = is_host(session, participant),
                       .organizer = participant.id == session.people.organizer,
                       .device_type = participant.device_type,
                       .browser_info = participant.browser_info,
                       .connection = participant.connection,
                       .here = participant.here,
                       .sid = std::move(sid),
                       .came = time_at(participant.came_ms),
                       .joined = time_at(joined),
                       .left = still ? std::nullopt : time_at(left),
                       .seconds = seconds_of(session, participant.id, now),
                       .created = {participant.created_ms}};
  if (!sight.names) return view;
  const bool own = (!participant.person.empty() && participant.person == sight.person) ||
                   (!sight.participant.empty() && participant.id == sight.participant);
  Json record = participant.record;
  if (record.is_null() && !participant.person.empty()) record = names.of(participant.person);
  describe(participant, record, sight.clinical || own, view.described);
  return view;
}

Json consent_json(const Json& consent) {
  Json out = consent;
  // recordVersion: of older hubs.
  for (const char* kept : {"link", "patient", "record", "recordVersion", "waiting"})
    out.mutable_object().erase(kept);
  return out;
}

Json consents_json(const Session& session, const Sight& sight) {
  Json out = Json::array();
  for (const Json& item : session.consents.all.as_array()) {
    const std::string by = item.string_or("by", "");
    const bool own = (!sight.person.empty() && by == sight.person) ||
                     (!sight.participant.empty() && by == guest_actor(sight.participant));
    if (!sight.consents && !own) continue;
    out.push_back(consent_json(item));
    if (!still_counts(session, item)) out.mutable_array().back().set("ended", true);
  }
  return out;
}

namespace {

std::vector<ParticipantView> people_of(const Session& session, const Sight& sight, Names& names,
                                       Timestamp now) {
  std::vector<ParticipantView> people;
  people.reserve(session.people.participants.size());
  for (const Participant& participant : session.people.participants)
    people.push_back(participant_view(session, participant, sight, names, now));
  return people;
}

// The context with the patient in it.
Json context_of(const Session& session, Json context) {
  if (!session.patient.empty() || context["patient"].is_null())
    context.set("patient", text_or_null(session.patient));
  return context;
}

ClinicalView clinical_view(const Session& session) {
  ClinicalView view{.insurance = session.payers.insurance,
                    .chief_complaint = session.topic.chief_complaint,
                    .notes = session.topic.notes,
                    .context = context_of(session, session.topic.context)};
  if (view.insurance.is_object()) view.insurance.mutable_object().erase("asked");
  view.context.set("appointment", session.ties.appointment);
  return view;
}

}  // namespace

// A table: one line a member.
SessionView session_view(const Session& session, const Sight& sight, Names& names, Timestamp now) {
  const Picture picture = picture_of(session.options.quality).value_or(Picture{1280, 720});
  SessionView view;
  view.id = session.id;
  view.number = session.number;
  view.version = session.version;
  view.type = session.type;
  view.status = session.status;
  view.booking = session.booking;
  view.ties = {.provider = session.provider,
               .patient = session.patient,
               .clinic = session.ties.clinic,
               .clinic_session = session.ties.clinic_session,
               .visit = session.ties.visit,
               .appointment = session.ties.appointment,
               .consultation = session.ties.consultation,
               .organizer = session.people.organizer,
               .follow_up_of = session.ties.follow_up_of};
  if (!session.ties.visit.empty()) view.ties.visit_number = session.ties.visit_number;
  view.plan = {.start = time_at(session.schedule.at_ms),
               .hijri = hijri_date({session.schedule.at_ms.value_or(session.created_ms)}),
               .minutes = session.schedule.minutes};
  view.course = {.started = time_at(session.started_ms), .ended = time_at(session.ended_ms)};
  if (session.over() && session.started_ms) view.course.seconds = length_of(session, now);
  view.most_participants = session.people.most;
  view.picture = {
      .quality = session.options.quality, .width = picture.width, .height = picture.height};
  view.waiting_room = session.options.waiting_room;
  view.recording = session.recording.mode;
  view.recording_active = !session.recording.running.empty();
  view.language = session.options.language;
  view.consents = consents_json(session, sight);
  view.identification = session.identification.latest;
  view.end = {.reason = session.end.reason, .by = session.end.by};
  view.quality_score = session.line.quality_score;
  view.ratings = session.line.ratings;
  view.room = {.name = session.room.name,
               .sid = session.room.sid,
               .plugin = session.room.plugin,
               .region = session.room.region};
  view.e2ee = session.options.e2ee;
  view.warnings = session.warnings;
  view.door = session.origin.door;
  view.created = {session.created_ms};
  view.created_by = session.origin.created_by;
  view.updated = {session.updated_ms};
  view.participants = people_of(session, sight, names, now);
  view.cancellation = session.end.cancellation;
  if (!sight.clinical && view.cancellation.is_object()) view.cancellation.set("reason", Json());
  if (sight.clinical) view.clinical = clinical_view(session);
  return view;
}

SummaryView summary_view(const Session& session, const Sight& sight, Names& names, Timestamp now) {
  SummaryView view{
      .id = session.id,
      .number = session.number,
      .type = session.type,
      .status = session.status,
      .started = time_at(session.started_ms),
      .ended = time_at(session.ended_ms),
      .seconds = length_of(session, now),
      .end_reason = session.end.reason,
      .quality_score = session.line.quality_score,
      .attendee_seconds = attendee_seconds(session, now),
      .participants = people_of(session, sight, names, now),
      .context = context_of(session, sight.clinical ? session.topic.context : Json::object())};
  if (sight.clinical) view.notes = session.topic.notes;
  return view;
}

namespace {

// Membership::reads_from_ms of somebody who waits. Whoever holds a link may be anybody: he reads
// what is written while he is seen waiting.
std::int64_t reads_from(const Session& session, const Participant& participant, bool by_link) {
  if (!by_link) return participant.waits_again ? participant.since_ms : 0;
  if (!participant.here) return std::numeric_limits<std::int64_t>::max();
  return std::max(participant.since_ms, opened_at(session, participant));
}

}  // namespace

Membership membership_of(const Session& session, const Actor& who, Timestamp now) {
  Membership out;
  out.tenant = session.tenant;
  out.session = session.id;
  out.number = session.number;
  out.type = std::string(to_string(session.type));
  out.status = session.status;
  out.version = session.version;
  out.data_key = session.data_key;
  out.provider = session.provider;
  out.patient = session.patient;
  out.patient_came = std::any_of(session.people.participants.begin(),
                                 session.people.participants.end(), [&](const Participant& one) {
                                   return one.role == PartRole::patient && was_in(session, one);
                                 });
  out.together_seconds = seconds_together(session, now);
  out.patient_pseudonym = session.naming.pseudonym;
  out.trace = who.trace;
  out.event_facts = event_facts(session);
  out.appointment = session.ties.appointment;
  out.video = session.room.plugin;
  out.started_ms = session.started_ms;
  out.ended_ms = session.ended_ms;
  if (const Participant* const own = own_of(session, who); own != nullptr) {
    out.participant = own->id;
    const PartRole role = acting_role(*own, who.roles);
    out.role = std::string(to_string(role));
    out.host = role == own->role && is_host(session, *own);
    out.admitted = own->admitted();
    out.waiting = own->admission == Admission::waiting;
    if (!who.part.participant.empty()) out.link = link_word(session, *own);
    if (out.waiting) out.reads_from_ms = reads_from(session, *own, !who.part.participant.empty());
    out.licence = own->licence;
  }
  out.quality = session.options.quality;
  out.transcribed = session.transcript.on;
  out.transcribable = may_be_transcribed(session).ok();
  out.language = session.options.language;
  out.words_refused = words_refused(session);
  for (const TranscriptGap& gap : session.transcript.gaps)
    out.transcript_gaps.push_back(
        Json::object({{"from", to_iso8601({gap.from_ms})},
                      {"to", gap.to_ms ? Json(to_iso8601({*gap.to_ms})) : Json()},
                      {"code", gap.code}}));
  out.host = out.host || who.system;
  out.administrator = who.roles.has_any(
      {identity::Role::admin, identity::Role::operator_, identity::Role::auditor});
  for (const Participant& participant : session.people.participants) {
    if (!participant.takes_part()) continue;
    out.readers.emplace_back(to_string(participant.role));
    const bool admits = participant.admitted() &&
                        (is_host(session, participant) || participant.role == PartRole::nurse);
    out.peers.push_back({.participant = participant.id, .admits = admits});
  }
  return out;
}

}  // namespace rabt::consultation
