#include "hub/consultation/acts/answers.hpp"

#include <algorithm>
#include <limits>

#include "hub/consultation/session/hijri.hpp"
#include "hub/consultation/session/standing_consents.hpp"

namespace rabt::consultation {

Json text_or_null(const std::string& text) {
  return text.empty() ? Json() : Json(text);
}
Json time_or_null(const std::optional<std::int64_t>& ms) {
  return ms ? Json(to_iso8601({*ms})) : Json();
}

namespace {

Json texts(const std::vector<std::string>& from) {
  Json out = Json::array();
  for (const std::string& one : from) out.push_back(one);
  return out;
}

// B-22: exactly what is so.
Json encryption_of(const Session& is) {
  return Json::object({{"media", "DTLS-SRTP"},
                       {"recording", "AES-256-GCM"},
                       {"documents", "AES-256-GCM"},
                       {"endToEnd", is.e2ee}});
}

}  // namespace

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

// Posted members of the participant come first, then the record of the person, then defaults.
void describe(const Participant& one, const Json& record, bool all, Json& out) {
  if (!all) {
    const Json* name = one.guest.find("name");
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
  for (const auto& [key, value] : one.guest.as_object()) out.set(key, value);
}

}  // namespace

Json participant_json(const Session& session, const Participant& one, const Sight& sight,
                      Names& names, Timestamp now) {
  std::optional<std::int64_t> joined;
  std::optional<std::int64_t> left;
  bool still = false;
  std::string sid;
  for (const Stay& stay : session.people.stays) {
    if (stay.participant != one.id) continue;
    joined = joined ? std::min(*joined, stay.joined_ms) : stay.joined_ms;
    if (stay.left_ms) {
      left = left ? std::max(*left, *stay.left_ms) : *stay.left_ms;
    } else {
      still = true;
    }
    if (stay.source != "synthetic") sid = stay.sid;
  }
  if (!left && !one.here) left = one.went_ms;
  Json out = Json::object({{"id", one.id},
                           {"uuid", identity::uuid_of(one.id)},
                           {"number", one.number},
                           {"person", text_or_null(one.person)},
                           {"role", to_string(one.role)},
                           {"identity", one.identity},
                           {"admission", to_string(one.admission)},
                           {"since", to_iso8601({one.since_ms})},
                           {"admittedBy", text_or_null(one.admitted_by)},
                           {"bypassWaitingRoom", one.bypass},
                           {"host", is_host(session, one)},
                           {"organizer", one.id == session.people.organizer},
                           {"deviceType", text_or_null(one.device_type)},
                           {"browserInfo", text_or_null(one.browser_info)},
                           {"connection", one.connection},
                           {"here", one.here},
                           {"participantSid", text_or_null(sid)},
                           {"cameAt", time_or_null(one.came_ms)},
                           {"joinedAt", time_or_null(joined)},
                           {"leftAt", still ? Json() : time_or_null(left)},
                           {"durationSeconds", seconds_of(session, one.id, now)},
                           {"durationMinutes", whole_minutes(seconds_of(session, one.id, now))},
                           {"createdAt", to_iso8601({one.created_ms})}});
  if (!sight.names) return out;
  const bool own = (!one.person.empty() && one.person == sight.person) ||
                   (!sight.participant.empty() && one.id == sight.participant);
  Json record = one.record;
  if (record.is_null() && !one.person.empty()) record = names.of(one.person);
  describe(one, record, sight.clinical || own, out);
  return out;
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
  for (const Json& one : session.consents.all.as_array()) {
    const std::string by = one.string_or("by", "");
    const bool own = (!sight.person.empty() && by == sight.person) ||
                     (!sight.participant.empty() && by == guest_actor(sight.participant));
    if (!sight.consents && !own) continue;
    out.push_back(consent_json(one));
    if (!still_counts(session, one)) out.mutable_array().back().set("ended", true);
  }
  return out;
}

// A table: one line a member.
Json session_json(const Session& is, const Sight& sight, Names& names, Timestamp now) {
  const Picture picture = picture_of(is.quality).value_or(Picture{1280, 720});
  const std::int64_t seconds = length_of(is, now);
  Json people = Json::array();
  for (const Participant& one : is.people.participants)
    people.push_back(participant_json(is, one, sight, names, now));
  Json out = Json::object(
      {{"id", is.id},
       {"uuid", identity::uuid_of(is.id)},
       {"number", is.number},
       {"version", is.version},
       {"type", to_string(is.type)},
       {"status", to_string(is.status)},
       {"bookingType", text_or_null(is.booking)},
       {"provider", text_or_null(is.provider)},
       {"patient", text_or_null(is.patient)},
       {"clinic", text_or_null(is.clinic)},
       {"clinicSession", text_or_null(is.clinic_session)},
       {"visit", text_or_null(is.visit)},
       {"visitNumber", is.visit.empty() ? Json() : Json(is.visit_number)},
       {"appointment", is.appointment},
       {"consultation", text_or_null(is.consultation)},
       {"organizer", text_or_null(is.people.organizer)},
       {"followUpOf", text_or_null(is.follow_up_of)},
       {"scheduledStart", time_or_null(is.schedule.at_ms)},
       {"scheduledStartHijri", hijri_date({is.schedule.at_ms.value_or(is.created_ms)})},
       {"plannedMinutes", is.schedule.minutes},
       {"startedAt", time_or_null(is.started_ms)},
       {"endedAt", time_or_null(is.ended_ms)},
       {"durationSeconds", is.over() && is.started_ms ? Json(seconds) : Json()},
       {"durationMinutes", is.over() && is.started_ms ? Json(whole_minutes(seconds)) : Json()},
       {"maxParticipants", is.people.most},
       {"quality", is.quality},
       {"qualityWidth", picture.width},
       {"qualityHeight", picture.height},
       {"waitingRoom", is.waiting_room},
       {"recording", is.recording.mode},
       {"recordingActive", !is.recording.running.empty()},
       {"language", is.language},
       {"consents", consents_json(is, sight)},
       {"identification", is.identification},
       {"endReason", text_or_null(is.end_reason)},
       {"endedBy", text_or_null(is.ended_by)},
       {"qualityScore", is.quality_score ? Json(*is.quality_score) : Json()},
       {"ratings", is.ratings},
       {"roomName", is.room.name},
       {"roomSid", text_or_null(is.room.sid)},
       {"providerPlugin", text_or_null(is.room.plugin)},
       {"region", text_or_null(is.room.region)},
       {"encryption", encryption_of(is)},
       {"e2ee", is.e2ee},
       {"warnings", texts(is.warnings)},
       {"door", is.door},
       {"createdAt", to_iso8601({is.created_ms})},
       {"createdBy", is.created_by},
       {"updatedAt", to_iso8601({is.updated_ms})},
       {"participants", std::move(people)}});
  Json cancellation = is.cancellation;
  if (!sight.clinical && cancellation.is_object()) cancellation.set("reason", Json());
  out.set("cancellation", std::move(cancellation));
  if (!sight.clinical) return out;
  Json insurance = is.insurance;
  if (insurance.is_object()) insurance.mutable_object().erase("asked");
  out.set("insurance", std::move(insurance));
  out.set("chiefComplaint", text_or_null(is.chief_complaint));
  out.set("notes", text_or_null(is.notes));
  Json context = is.context;
  if (!is.patient.empty() || context["patient"].is_null())
    context.set("patient", text_or_null(is.patient));
  context.set("appointment", is.appointment);
  out.set("context", std::move(context));
  return out;
}

Json summary_json(const Session& is, const Sight& sight, Names& names, Timestamp now) {
  const std::int64_t seconds = length_of(is, now);
  Json people = Json::array();
  for (const Participant& one : is.people.participants)
    people.push_back(participant_json(is, one, sight, names, now));
  Json out = Json::object({{"id", is.id},
                           {"uuid", identity::uuid_of(is.id)},
                           {"number", is.number},
                           {"type", to_string(is.type)},
                           {"status", to_string(is.status)},
                           {"startedAt", time_or_null(is.started_ms)},
                           {"endedAt", time_or_null(is.ended_ms)},
                           {"durationSeconds", seconds},
                           {"durationMinutes", whole_minutes(seconds)},
                           {"endReason", text_or_null(is.end_reason)},
                           {"qualityScore", is.quality_score ? Json(*is.quality_score) : Json()},
                           {"attendeeMinutes", whole_minutes(attendee_seconds(is, now))},
                           {"participants", std::move(people)}});
  Json context = sight.clinical ? is.context : Json::object();
  if (!is.patient.empty() || context["patient"].is_null())
    context.set("patient", text_or_null(is.patient));
  out.set("context", std::move(context));
  if (sight.clinical) out.set("sessionNotes", text_or_null(is.notes));
  return out;
}

namespace {

// Membership::reads_from_ms of somebody who waits. Whoever holds a link may be anybody: he reads
// what is written while he is seen waiting.
std::int64_t reads_from(const Session& is, const Participant& one, bool by_link) {
  if (!by_link) return one.waits_again ? one.since_ms : 0;
  if (!one.here) return std::numeric_limits<std::int64_t>::max();
  return std::max(one.since_ms, opened_at(is, one));
}

}  // namespace

Membership membership_of(const Session& is, const Actor& who, Timestamp now) {
  Membership out;
  out.tenant = is.tenant;
  out.session = is.id;
  out.number = is.number;
  out.type = std::string(to_string(is.type));
  out.status = is.status;
  out.version = is.version;
  out.data_key = is.data_key;
  out.provider = is.provider;
  out.patient = is.patient;
  out.patient_came = std::any_of(
      is.people.participants.begin(), is.people.participants.end(),
      [&](const Participant& one) { return one.role == PartRole::patient && was_in(is, one); });
  out.together_seconds = seconds_together(is, now);
  out.patient_pseudonym = is.patient_pseudonym;
  out.trace = who.trace;
  out.booking = is.booking;
  out.visit = is.visit;
  out.clinic = is.clinic;
  out.consultation = is.consultation;
  out.appointment = is.appointment;
  out.known_appointment = has_known_appointment(is);
  out.video = is.room.plugin;
  out.started_ms = is.started_ms;
  out.ended_ms = is.ended_ms;
  if (const Participant* const own = own_of(is, who); own != nullptr) {
    out.participant = own->id;
    const PartRole role = acting_role(*own, who.roles);
    out.role = std::string(to_string(role));
    out.host = role == own->role && is_host(is, *own);
    out.admitted = own->admitted();
    out.waiting = own->admission == Admission::waiting;
    if (!who.part.participant.empty()) out.link = link_word(is, *own);
    if (out.waiting) out.reads_from_ms = reads_from(is, *own, !who.part.participant.empty());
    out.licence = own->licence;
  }
  out.quality = is.quality;
  out.transcribed = is.transcript.on;
  out.words_refused = words_refused(is);
  for (const TranscriptGap& gap : is.transcript.gaps)
    out.transcript_gaps.push_back(
        Json::object({{"from", to_iso8601({gap.from_ms})},
                      {"to", gap.to_ms ? Json(to_iso8601({*gap.to_ms})) : Json()},
                      {"code", gap.code}}));
  out.host = out.host || who.system;
  out.administrator = who.roles.has_any(
      {identity::Role::admin, identity::Role::operator_, identity::Role::auditor});
  for (const Participant& one : is.people.participants) {
    if (!one.takes_part()) continue;
    out.readers.emplace_back(to_string(one.role));
    const bool admits = one.admitted() && (is_host(is, one) || one.role == PartRole::nurse);
    out.peers.push_back({.participant = one.id, .admits = admits});
  }
  return out;
}

}  // namespace rabt::consultation
