#include "hub/consultation/acts/session_view.hpp"

#include "hub/consultation/session/time.hpp"
#include "hub/identity/people.hpp"

namespace rabt::consultation {

namespace {

Json shown(const std::string& text) {
  return text.empty() ? Json() : Json(text);
}
Json shown(const std::optional<Timestamp>& time) {
  return time ? Json(to_iso8601(*time)) : Json();
}
Json shown(const std::optional<std::int64_t>& number) {
  return number ? Json(*number) : Json();
}
Json shown(const std::optional<double>& number) {
  return number ? Json(*number) : Json();
}
Json shown(const std::vector<std::string>& texts) {
  Json out = Json::array();
  for (const std::string& text : texts) out.push_back(text);
  return out;
}
template <typename View>
Json shown(const std::vector<View>& all) {
  Json out = Json::array();
  for (const View& view : all) out.push_back(to_json(view));
  return out;
}

// The protection of the session exactly as it is.
Json encryption_of(bool e2ee) {
  return Json::object({{"media", "DTLS-SRTP"},
                       {"recording", "AES-256-GCM"},
                       {"documents", "AES-256-GCM"},
                       {"endToEnd", e2ee}});
}

}  // namespace

std::optional<std::int64_t> CourseView::minutes() const {
  if (!seconds) return std::nullopt;
  return whole_minutes(*seconds);
}

Json to_json(const ParticipantView& view) {
  Json out = Json::object({{"id", view.id},
                           {"uuid", identity::uuid_of(view.id)},
                           {"number", view.number},
                           {"person", shown(view.person)},
                           {"role", to_string(view.role)},
                           {"identity", view.identity},
                           {"admission", to_string(view.admission)},
                           {"since", to_iso8601(view.since)},
                           {"admittedBy", shown(view.admitted_by)},
                           {"bypassWaitingRoom", view.bypasses_waiting_room},
                           {"host", view.host},
                           {"organizer", view.organizer},
                           {"deviceType", shown(view.device_type)},
                           {"browserInfo", shown(view.browser_info)},
                           {"connection", view.connection},
                           {"here", view.here},
                           {"participantSid", shown(view.sid)},
                           {"cameAt", shown(view.came)},
                           {"joinedAt", shown(view.joined)},
                           {"leftAt", shown(view.left)},
                           {"durationSeconds", view.seconds},
                           {"durationMinutes", whole_minutes(view.seconds)},
                           {"createdAt", to_iso8601(view.created)}});
  for (const auto& [key, value] : view.described.as_object()) out.set(key, value);
  return out;
}

// A table: one line a member.
Json to_json(const SessionView& view) {
  Json out = Json::object({{"id", view.id},
                           {"uuid", identity::uuid_of(view.id)},
                           {"number", view.number},
                           {"version", view.version},
                           {"type", to_string(view.type)},
                           {"status", to_string(view.status)},
                           {"bookingType", shown(view.booking)},
                           {"provider", shown(view.ties.provider)},
                           {"patient", shown(view.ties.patient)},
                           {"clinic", shown(view.ties.clinic)},
                           {"clinicSession", shown(view.ties.clinic_session)},
                           {"visit", shown(view.ties.visit)},
                           {"visitNumber", shown(view.ties.visit_number)},
                           {"appointment", view.ties.appointment},
                           {"consultation", shown(view.ties.consultation)},
                           {"organizer", shown(view.ties.organizer)},
                           {"followUpOf", shown(view.ties.follow_up_of)},
                           {"scheduledStart", shown(view.plan.start)},
                           {"scheduledStartHijri", view.plan.hijri},
                           {"plannedMinutes", view.plan.minutes},
                           {"startedAt", shown(view.course.started)},
                           {"endedAt", shown(view.course.ended)},
                           {"durationSeconds", shown(view.course.seconds)},
                           {"durationMinutes", shown(view.course.minutes())},
                           {"maxParticipants", view.most_participants},
                           {"quality", view.picture.quality},
                           {"qualityWidth", view.picture.width},
                           {"qualityHeight", view.picture.height},
                           {"waitingRoom", view.waiting_room},
                           {"recording", view.recording},
                           {"recordingActive", view.recording_active},
                           {"language", view.language},
                           {"consents", view.consents},
                           {"identification", view.identification},
                           {"endReason", shown(view.end.reason)},
                           {"endedBy", shown(view.end.by)},
                           {"qualityScore", shown(view.quality_score)},
                           {"ratings", view.ratings},
                           {"roomName", view.room.name},
                           {"roomSid", shown(view.room.sid)},
                           {"providerPlugin", shown(view.room.plugin)},
                           {"region", shown(view.room.region)},
                           {"encryption", encryption_of(view.e2ee)},
                           {"e2ee", view.e2ee},
                           {"warnings", shown(view.warnings)},
                           {"door", view.door},
                           {"createdAt", to_iso8601(view.created)},
                           {"createdBy", view.created_by},
                           {"updatedAt", to_iso8601(view.updated)},
                           {"participants", shown(view.participants)},
                           {"cancellation", view.cancellation}});
  if (view.clinical) {
    out.set("insurance", view.clinical->insurance);
    out.set("chiefComplaint", shown(view.clinical->chief_complaint));
    out.set("notes", shown(view.clinical->notes));
    out.set("context", view.clinical->context);
  }
  if (view.as_given) out.set("asGiven", *view.as_given);
  if (view.ahead) out.set("ahead", *view.ahead);
  return out;
}

Json to_json(const SummaryView& view) {
  Json out = Json::object({{"id", view.id},
                           {"uuid", identity::uuid_of(view.id)},
                           {"number", view.number},
                           {"type", to_string(view.type)},
                           {"status", to_string(view.status)},
                           {"startedAt", shown(view.started)},
                           {"endedAt", shown(view.ended)},
                           {"durationSeconds", view.seconds},
                           {"durationMinutes", whole_minutes(view.seconds)},
                           {"endReason", shown(view.end_reason)},
                           {"qualityScore", shown(view.quality_score)},
                           {"attendeeMinutes", whole_minutes(view.attendee_seconds)},
                           {"participants", shown(view.participants)},
                           {"context", view.context}});
  if (view.notes) out.set("sessionNotes", shown(*view.notes));
  for (const auto& [key, value] : view.records.as_object()) out.set(key, value);
  out.set("recordings", shown(view.recordings));
  return out;
}

}  // namespace rabt::consultation
